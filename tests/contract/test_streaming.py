"""What a stream promises to a client that does everything right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import numpy as np
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from support.raw_client import CHUNK, Stream, config_of
from support.speech_server import Served, serving
from support.word_audio import (
    assert_heard,
    conversation,
    float32,
    heard_words,
    linear16,
    silence,
    speak,
)

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

FRAME = 0.1
"""Seconds of one word."""
LINEAR16_RATE = 32_000
"""Bytes of a second of LINEAR16 at 16 kHz."""
PAUSE = 8
"""Frames of silence around utterances in `conversation`."""
SPOKEN = range(60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(FakeBehaviour(unstable_words=2, batch_cost=0.005)) as served:
        yield served


def seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def lasting(length: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(length * 1e9))
    return duration


def utterances(*lengths: int) -> list[range]:
    """Consecutive words, in utterances of these lengths."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return [range(start, start + length) for start, length in zip(starts, lengths, strict=True)]


async def spoken(stream: Stream, data: bytes) -> pb.SessionSummary:
    """Send everything; the totals."""
    await stream.audio(data)
    await stream.end_of_audio(len(data))
    return await stream.summary()


# ---------------------------------------------------------------- first and last response


async def test_the_first_response_tells_session_settings_model_and_limits(served: Served) -> None:
    async with served.stream() as stream:
        started = (await stream.until_kind("session_started")).session_started
    assert stream.responses[0].session_started == started
    assert len(started.session_id) >= 12
    assert started.model == pb.Model(
        name="fake",
        display_name="Fake (word-bearing audio)",
        revision="1",
        language_codes=["en", "ko"],
        loaded=True,
        tasks=[pb.TASK_TRANSCRIBE, pb.TASK_TRANSLATE],
    )
    limits = Limits()
    assert seconds(started.limits.max_session_duration) == limits.max_session_duration
    assert seconds(started.limits.idle_timeout) == limits.idle_timeout
    assert seconds(started.limits.max_buffered_audio) == limits.max_buffered_audio
    assert started.limits.max_chunk_bytes == limits.max_chunk_bytes
    assert seconds(started.limits.max_recording_duration) == limits.max_recording_duration


async def test_the_effective_config_has_the_defaults_the_contract_names(served: Served) -> None:
    async with served.stream() as stream:
        effective = (await stream.until_kind("session_started")).session_started.effective_config
    assert effective == pb.StreamingConfig(
        recognition=pb.RecognitionConfig(
            audio_format=pb.AudioFormat(
                encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000, channel_count=1
            ),
            model="fake",
            task=pb.TASK_TRANSCRIBE,
            features=pb.RecognitionFeatures(),
            adaptation=pb.Adaptation(),
            channel_mode=pb.CHANNEL_MODE_MIX,
            decoding=pb.DecodingOptions(
                beam_size=5, no_speech_threshold=0.6, condition_on_previous_text=True
            ),
        ),
        min_interim_interval=lasting(0.5),
        endpointing=pb.EndpointingConfig(
            mode=pb.ENDPOINTING_MODE_VAD,
            end_silence=lasting(0.5),
            max_utterance=lasting(28),
            min_speech=lasting(0.1),
            prefix_padding=lasting(0.3),
            speech_threshold=0.5,
        ),
        priority=pb.PRIORITY_LIVE,
    )


async def test_the_effective_config_repeats_every_setting_given(served: Served) -> None:
    config = pb.StreamingConfig(
        recognition=pb.RecognitionConfig(
            audio_format=pb.AudioFormat(
                encoding=pb.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=8_000, channel_count=2
            ),
            model="fake",
            language_codes=["ko-KR", "EN_us"],
            language_switching=True,
            task=pb.TASK_TRANSLATE,
            features=pb.RecognitionFeatures(word_time_offsets=True, interim_word_time_offsets=True),
            adaptation=pb.Adaptation(
                hotwords=["Sori", "Han River"],
                initial_prompt="About rivers.",
                replacements=[pb.Replacement(search="sorry", replace="Sori", case_sensitive=True)],
            ),
            channel_mode=pb.CHANNEL_MODE_MIX,
            decoding=pb.DecodingOptions(
                beam_size=3, no_speech_threshold=0.75, condition_on_previous_text=False
            ),
        ),
        interim_results=True,
        min_interim_interval=lasting(0.25),
        endpointing=pb.EndpointingConfig(
            mode=pb.ENDPOINTING_MODE_VAD,
            end_silence=lasting(0.75),
            max_utterance=lasting(12),
            min_speech=lasting(0.25),
            prefix_padding=lasting(0.125),
            speech_threshold=0.25,
            speech_start_timeout=lasting(3),
            speech_end_timeout=lasting(4),
        ),
        single_utterance=True,
        preset="low-latency",
        voice_activity_events=True,
        progress_interval=lasting(1.5),
        latency_breakdown=True,
        priority=pb.PRIORITY_BATCH,
    )
    async with served.stream(config) as stream:
        started = (await stream.until_kind("session_started")).session_started
    assert started.effective_config == config


async def test_regions_of_a_language_are_one_language(served: Served) -> None:
    async with served.stream(language_codes=["en-US", "ko", "en-GB"]) as stream:
        started = (await stream.until_kind("session_started")).session_started
    assert len(started.effective_config.recognition.language_codes) == 2


async def test_two_sessions_have_two_ids(served: Served) -> None:
    async with served.stream() as one, served.stream() as two:
        ids = {
            (await stream.until_kind("session_started")).session_started.session_id
            for stream in (one, two)
        }
    assert len(ids) == 2


async def test_the_summary_is_last_and_counts_what_happened(served: Served) -> None:
    audio = conversation(utterances(10, 20))
    async with served.stream() as stream:
        summary = await spoken(stream, linear16(audio))
    assert stream.kinds.count("session_summary") == 1
    assert seconds(summary.received_audio) == len(audio) / 16_000
    assert 3.0 <= seconds(summary.speech_audio) <= 3.0 + 2 * (0.3 + 0.2) + 0.1
    assert summary.final_result_count == len(stream.finals) == 2
    assert 0.01 <= seconds(summary.inference_time) < 10.0


async def test_sequence_numbers_are_dense_from_one(served: Served) -> None:
    config = config_of(
        interim_results=True, voice_activity_events=True, progress_interval=lasting(0.5)
    )
    async with served.stream(config) as stream:
        await spoken(stream, linear16(conversation(utterances(20, 20))))
    assert [r.sequence for r in stream.responses] == list(range(1, len(stream.responses) + 1))
    assert len(stream.responses) > 15


# ---------------------------------------------------------------------------- text


async def test_finals_have_every_word_once_in_order(served: Served) -> None:
    async with served.stream() as stream:
        await spoken(stream, linear16(conversation(utterances(20, 1, 7, 32))))
    assert_heard(stream.texts, SPOKEN)
    assert len(stream.finals) == 4
    assert [result.utterance_index for result in stream.finals] == [0, 1, 2, 3]
    assert {result.final_reason for result in stream.finals} == {pb.FINAL_REASON_ENDPOINT}


async def test_words_that_end_with_the_audio_are_heard(served: Served) -> None:
    async with served.stream() as stream:
        await spoken(stream, linear16(speak(SPOKEN)))
    assert_heard(stream.texts, SPOKEN)
    assert stream.finals[-1].final_reason == pb.FINAL_REASON_END_OF_AUDIO


@pytest.mark.parametrize("chunk", [1, 333, 3_201, 200_000])
async def test_it_makes_no_difference_how_audio_is_split(served: Served, chunk: int) -> None:
    words = range(1) if chunk == 1 else SPOKEN
    async with served.stream() as stream:
        await stream.audio(linear16(speak(words)), chunk)
        await stream.end_of_audio()
        await stream.summary()
    assert_heard(stream.texts, words)


async def test_a_half_close_without_end_of_audio_ends_a_stream_well(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(linear16(speak(SPOKEN)))
        await stream.half_close()
        await stream.summary()
    assert_heard(stream.texts, SPOKEN)


async def test_nothing_is_read_after_the_end_of_audio(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(linear16(speak(range(5))))
        await stream.send(end_of_audio=pb.EndOfAudio())
        await stream.audio(linear16(speak(range(5, 9))))
        await stream.summary()
    assert_heard(stream.texts, range(5))


async def test_silence_has_no_results(served: Served) -> None:
    async with served.stream(interim_results=True) as stream:
        summary = await spoken(stream, linear16(silence(30)))
    assert stream.kinds == ["session_started", "session_summary"]
    assert seconds(summary.received_audio) == 3.0
    assert seconds(summary.speech_audio) == 0.0


async def test_a_stream_without_audio_ends_well(served: Served) -> None:
    async with served.stream() as stream:
        await stream.half_close()
        summary = await stream.summary()
    assert summary == pb.SessionSummary(
        received_audio=lasting(0), speech_audio=lasting(0), inference_time=lasting(0)
    )


async def test_there_are_no_interims_unless_asked_for(served: Served) -> None:
    async with served.stream() as stream:
        await spoken(stream, linear16(conversation([SPOKEN])))
    assert [result.is_final for result in stream.results] == [True]


async def test_committed_text_only_grows_and_the_final_extends_it(served: Served) -> None:
    async with served.stream(interim_results=True) as stream:
        for second in range(6):
            await stream.audio(linear16(speak(range(10 * second, 10 * second + 10))))
            reached = second + 0.9
            await stream.until(lambda r, reached=reached: seconds(r.result.end_offset) > reached)
        await stream.end_of_audio()
        await stream.summary()
    shown = [result.alternatives[0] for result in stream.results]
    assert len(shown) >= 7
    for earlier, later in pairwise(shown):
        assert later.committed_text.startswith(earlier.committed_text)
    assert len({alternative.committed_text for alternative in shown}) >= 5
    assert any(alternative.tentative_text for alternative in shown)
    assert not shown[-1].tentative_text
    assert_heard(stream.texts, SPOKEN)


async def test_interims_of_an_utterance_share_its_index_and_number_their_revisions(
    served: Served,
) -> None:
    async with served.stream(interim_results=True) as stream:
        for words in utterances(20, 20):
            await stream.audio(linear16(speak(words)))
            await stream.until(
                lambda r, n=words[0] // 20: r.HasField("result") and r.result.utterance_index == n
            )
            await stream.audio(linear16(silence(PAUSE)))
        await stream.end_of_audio()
        await stream.summary()
    for index in (0, 1):
        own = [result for result in stream.results if result.utterance_index == index]
        revisions = [result.revision for result in own]
        assert revisions[0] >= 1
        assert revisions == sorted(set(revisions)), "overtaken ones are left out"
        assert [result.is_final for result in own] == [False] * (len(own) - 1) + [True]
        assert len(own) >= 2


async def test_interims_come_no_closer_than_asked(served: Served) -> None:
    config = config_of(interim_results=True, min_interim_interval=lasting(1.0))
    async with served.stream(config) as stream:
        for word in SPOKEN:
            await stream.audio(linear16(speak([word])))
            if word % 20 == 19:  # until it was heard
                await stream.until(lambda r, end=0.1 * word: seconds(r.result.end_offset) > end)
        await stream.end_of_audio()
        await stream.summary()
    ends = [seconds(result.end_offset) for result in stream.results if not result.is_final]
    assert len(ends) >= 3
    assert all(later - earlier >= 0.999 for earlier, later in pairwise(ends))


async def test_results_cover_their_audio(served: Served) -> None:
    """Start and end of an utterance of 20 words after 0.8 s of silence."""
    async with served.stream() as stream:
        await spoken(stream, linear16(conversation([range(20)])))
    (final,) = stream.finals
    assert seconds(final.start_offset) == pytest.approx(0.8 - 0.3, abs=0.032)
    assert seconds(final.end_offset) == pytest.approx(2.8 + 0.2, abs=0.032)


async def test_words_have_times_and_confidence_when_asked_for(served: Served) -> None:
    config = config_of(features=pb.RecognitionFeatures(word_time_offsets=True))
    async with served.stream(config) as stream:
        await spoken(stream, linear16(conversation(utterances(5, 5))))
    words = [word for result in stream.finals for word in result.alternatives[0].words]
    assert [word.word for word in words] == [f"w{n}" for n in range(10)]
    starts = [0.8 + FRAME * n for n in range(5)] + [2.1 + FRAME * n for n in range(5)]
    assert [seconds(word.start_offset) for word in words] == pytest.approx(starts)
    assert [seconds(word.end_offset) for word in words] == pytest.approx(
        [start + FRAME for start in starts]
    )
    assert {word.confidence for word in words} == {1.0}


async def test_results_have_confidence_language_and_no_words_unasked(served: Served) -> None:
    async with served.stream(language_codes=["ko-KR"]) as stream:
        await spoken(stream, linear16(conversation([range(5)])))
    (final,) = stream.finals
    assert final.language_code == "ko-KR"
    assert final.language_confidence == 1.0
    (alternative,) = final.alternatives
    assert alternative.confidence == 1.0
    assert not alternative.words


async def test_the_beam_size_of_finals_is_the_one_asked_for(served: Served) -> None:
    """The fake model gets words wrong at beam size 1 and none at 5."""
    heard = {}
    for beam in (1, 5):
        config = config_of(decoding=pb.DecodingOptions(beam_size=beam))
        async with served.stream(config) as stream:
            await spoken(stream, linear16(conversation(utterances(5, 5, 5, 5, 5, 5))))
        heard[beam] = [word for text in stream.texts for word in heard_words(text)]
    assert heard[5] == list(range(30))
    assert -1 in heard[1]


# -------------------------------------------------------------------------- endpointing


async def test_end_silence_decides_what_is_one_utterance(served: Served) -> None:
    audio = linear16(conversation(utterances(10, 10, 10)))
    for length, count in ((0.7, 3), (1.0, 1)):
        config = config_of(endpointing=pb.EndpointingConfig(end_silence=lasting(length)))
        async with served.stream(config) as stream:
            await spoken(stream, audio)
        assert len(stream.finals) == count
        assert_heard(stream.texts, range(30))


async def test_long_utterances_are_cut_without_losing_a_word(served: Served) -> None:
    config = config_of(endpointing=pb.EndpointingConfig(max_utterance=lasting(2.0)))
    async with served.stream(config) as stream:
        await spoken(stream, linear16(speak(range(90))))
    assert_heard(stream.texts, range(90))
    assert [r.final_reason for r in stream.finals[:-1]] == [pb.FINAL_REASON_MAX_UTTERANCE] * (
        len(stream.finals) - 1
    )
    spans = [(seconds(r.start_offset), seconds(r.end_offset)) for r in stream.finals]
    assert len(spans) >= 4
    assert all(end - start <= 2.1 for start, end in spans)
    assert all(one[1] == other[0] for one, other in pairwise(spans))


async def test_speech_shorter_than_min_speech_is_none(served: Served) -> None:
    audio = linear16(conversation([[1], range(2, 12)]))
    for least, heard in ((0.1, [1, *range(2, 12)]), (0.5, list(range(2, 12)))):
        config = config_of(endpointing=pb.EndpointingConfig(min_speech=lasting(least)))
        async with served.stream(config) as stream:
            await spoken(stream, audio)
        assert_heard(stream.texts, heard)


async def test_prefix_padding_is_the_audio_kept_before_speech(served: Served) -> None:
    for padding in (0.0, 0.6):
        config = config_of(endpointing=pb.EndpointingConfig(prefix_padding=lasting(padding)))
        async with served.stream(config) as stream:
            await spoken(stream, linear16(conversation([range(10)])))
        start = seconds(stream.finals[0].start_offset)
        assert start == pytest.approx(0.8 - padding, abs=0.033)


async def test_speech_events_come_when_asked_for(served: Served) -> None:
    async with served.stream(voice_activity_events=True) as stream:
        await spoken(stream, linear16(conversation(utterances(10, 10))))
    events = [r.speech_event for r in stream.responses if r.HasField("speech_event")]
    started, ended = pb.SPEECH_EVENT_TYPE_SPEECH_STARTED, pb.SPEECH_EVENT_TYPE_SPEECH_ENDED
    assert [event.type for event in events] == [started, ended, started, ended]
    offsets = [seconds(event.offset) for event in events]
    assert offsets == pytest.approx([0.8, 1.8, 2.6, 3.6], abs=0.033)


async def test_speech_events_do_not_come_unasked(served: Served) -> None:
    async with served.stream() as stream:
        await spoken(stream, linear16(conversation([range(10)])))
    assert "speech_event" not in stream.kinds


# ------------------------------------------------------------------- progress and control


async def test_progress_comes_after_finals_and_acknowledges_bytes(served: Served) -> None:
    data = linear16(conversation(utterances(10, 10)))
    async with served.stream() as stream:
        await spoken(stream, data)
    kinds = [kind for kind in stream.kinds if kind in ("result", "progress")]
    assert kinds == ["result", "progress"] * 2
    for progress, final in zip(
        [r.progress for r in stream.responses if r.HasField("progress")],
        stream.finals,
        strict=True,
    ):
        assert seconds(progress.final_offset) >= seconds(final.end_offset)
        assert seconds(progress.received_offset) >= seconds(progress.final_offset)
        received = round(seconds(progress.received_offset) * LINEAR16_RATE)
        assert received <= progress.acknowledged_byte_offset <= len(data)


async def test_progress_comes_as_often_as_asked(served: Served) -> None:
    async with served.stream(progress_interval=lasting(0.5)) as stream:
        for sent in range(1, 31):
            await stream.audio(linear16(silence(1)))
            if sent % 5 == 0:
                await stream.until(
                    lambda r, sent=sent: r.progress.acknowledged_byte_offset == sent * CHUNK
                )
    reported = [r.progress for r in stream.responses if r.HasField("progress")]
    offsets = [seconds(progress.received_offset) for progress in reported]
    assert offsets == pytest.approx([0.5 * n for n in range(1, 7)])
    # All of it is silent, and nothing but the padding of speech to come needs recognition.
    assert seconds(reported[-1].final_offset) == pytest.approx(3.0 - 0.3, abs=0.033)


async def test_finalize_ends_the_utterance_and_is_answered_after_its_final(
    served: Served,
) -> None:
    async with served.stream() as stream:
        await stream.audio(linear16(speak(range(10))))
        await stream.finalize("first")
        finalized = (await stream.until_kind("finalized")).finalized
        assert_heard(stream.texts, range(10))
        await stream.audio(linear16(speak(range(10, 20))))
        await stream.end_of_audio()
        await stream.summary()
    assert finalized.request_id == "first"
    assert seconds(finalized.offset) == 1.0
    assert [r.final_reason for r in stream.finals] == [
        pb.FINAL_REASON_FINALIZE,
        pb.FINAL_REASON_END_OF_AUDIO,
    ]
    assert stream.kinds.index("result") < stream.kinds.index("finalized")
    assert_heard(stream.texts, range(20))


async def test_finalize_without_speech_is_answered_at_once(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(linear16(silence(5)))
        await stream.finalize("one")
        await stream.finalize("two")
        await stream.until(lambda r: r.finalized.request_id == "two")
    answers = [r.finalized for r in stream.responses if r.HasField("finalized")]
    assert [answer.request_id for answer in answers] == ["one", "two"]
    assert {seconds(answer.offset) for answer in answers} == {0.5}
    assert not stream.results


async def test_keep_alive_does_not_move_the_audio_clock(served: Served) -> None:
    async with served.stream() as stream:
        await stream.send(keep_alive=pb.KeepAlive())
        await stream.audio(linear16(speak(range(10))))
        await stream.send(keep_alive=pb.KeepAlive())
        await stream.audio(linear16(speak(range(10, 20))))
        await stream.end_of_audio()
        summary = await stream.summary()
    assert seconds(summary.received_audio) == 2.0
    assert_heard(stream.texts, range(20))


async def test_bytes_received_before_are_dropped(served: Served) -> None:
    data = linear16(speak(range(10)))
    async with served.stream() as stream:
        for start, end in ((0, 9_601), (6_400, 16_000), (0, 3_200), (9_000, 32_000)):
            await stream.send(audio=pb.AudioChunk(data=data[start:end], byte_offset=start))
        await stream.end_of_audio(len(data))
        summary = await stream.summary()
    assert seconds(summary.received_audio) == 1.0
    assert_heard(stream.texts, range(10))


async def test_a_gap_in_byte_offsets_is_told_after_the_words_before_it(served: Served) -> None:
    data = linear16(speak(range(10)))
    async with served.stream() as stream:
        await stream.send(audio=pb.AudioChunk(data=data[:16_000], byte_offset=0))
        await stream.send(audio=pb.AudioChunk(data=data[16_002:], byte_offset=16_002))
        ending = await stream.ended()
    assert ending.summary == ("DATA_LOSS", "AUDIO_GAP")
    assert ending.metadata == {"received_bytes": "16000", "announced_bytes": "16002"}
    assert_heard(stream.texts, range(5))


async def test_latency_is_told_only_when_asked_for(served: Served) -> None:
    audio = linear16(conversation([range(10)]))
    async with served.stream(interim_results=True) as stream:
        await spoken(stream, audio)
    assert not any(result.HasField("latency") for result in stream.results)
    # Too short a silence for the window to be asked for before it is over.
    silence = pb.EndpointingConfig(end_silence=lasting(0.2))
    async with served.stream(latency_breakdown=True, endpointing=silence) as stream:
        await spoken(stream, audio)
    (final,) = stream.finals
    latency = final.latency
    parts = [seconds(d) for d in (latency.queue, latency.preprocessing, latency.inference)]
    assert parts[2] >= 0.005
    assert all(part >= 0 for part in parts)
    assert sum(parts) <= seconds(latency.total) < 10.0
    assert latency.batch_size == 1
    assert seconds(latency.endpointing) == pytest.approx(0.2, abs=0.033)


async def test_batch_size_counts_the_windows_that_shared_the_call(served: Served) -> None:
    async def one() -> int:
        async with served.stream(latency_breakdown=True) as stream:
            await spoken(stream, linear16(speak(range(10))))
        return stream.finals[0].latency.batch_size

    sizes = await asyncio.gather(*(one() for _ in range(12)))
    assert max(sizes) > 1


# ---------------------------------------------------------------------------- formats


async def test_float32_is_read_exactly(served: Served) -> None:
    audio_format = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=16_000)
    async with served.stream(audio_format=audio_format) as stream:
        await spoken(stream, float32(speak(SPOKEN)))
    assert_heard(stream.texts, SPOKEN)


async def test_channels_are_mixed_to_one(served: Served) -> None:
    mono = np.round(speak(SPOKEN) * 32_768).astype("<i2")
    stereo = np.stack([mono, mono], axis=1).tobytes()
    audio_format = pb.AudioFormat(
        encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000, channel_count=2
    )
    async with served.stream(audio_format=audio_format) as stream:
        await spoken(stream, stereo)
    assert_heard(stream.texts, SPOKEN)


async def test_wav_brings_its_own_rate_and_channels(served: Served) -> None:
    samples = linear16(speak(SPOKEN))
    audio_format = pb.AudioFormat(
        encoding=pb.AUDIO_ENCODING_WAV, sample_rate_hertz=96_000, channel_count=7
    )
    async with served.stream(audio_format=audio_format) as stream:
        await spoken(stream, wav_header(len(samples)) + samples)
    assert_heard(stream.texts, SPOKEN)
    effective = stream.responses[0].session_started.effective_config.recognition.audio_format
    assert effective == pb.AudioFormat(encoding=pb.AUDIO_ENCODING_WAV)


def wav_header(data_bytes: int) -> bytes:
    def number(value: int, size: int = 4) -> bytes:
        return value.to_bytes(size, "little")

    form = number(1, 2) + number(1, 2) + number(16_000) + number(32_000) + number(2, 2)
    return (
        b"RIFF" + number(36 + data_bytes) + b"WAVEfmt " + number(16) + form + number(16, 2)
        + b"data" + number(data_bytes)
    )  # fmt: skip
