"""What the settings of a stream do, shown from outside: endpointing, presets, channels, text."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_server.app import Server
from sori_server.domain.presets import PRESETS
from sori_server.engine.fake import FakeBehaviour
from sori_server.settings import Settings
from support.in_process import ScriptedEngine
from support.raw_client import Stream, config_of
from support.speech_server import Served, serving
from support.word_audio import (
    Audio,
    assert_heard,
    conversation,
    float32,
    heard_words,
    linear16,
    silence,
    speak,
)

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

FLOAT32 = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=16_000)
STEREO = pb.AudioFormat(
    encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000, channel_count=2
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(FakeBehaviour(batch_cost=0.002)) as served:
        yield served


def lasting(length: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(length * 1e9))
    return duration


def seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def stereo(left: Audio, right: Audio) -> bytes:
    """Both as interleaved LINEAR16, the shorter one followed by silence."""
    both = np.zeros((max(len(left), len(right)), 2), np.float32)
    both[: len(left), 0], both[: len(right), 1] = left, right
    return linear16(both.reshape(-1))


async def spoken(stream: Stream, data: bytes) -> pb.SessionSummary:
    """Send everything; the totals."""
    await stream.audio(data)
    await stream.end_of_audio(len(data))
    return await stream.summary()


def speech_events(stream: Stream) -> list[str]:
    """The kinds of the speech events so far."""
    prefix = "SPEECH_EVENT_TYPE_"
    return [
        pb.SpeechEventType.Name(response.speech_event.type).removeprefix(prefix)
        for response in stream.responses
        if response.HasField("speech_event")
    ]


# ------------------------------------------------------------------------ endpointing modes


async def test_in_mode_client_silence_ends_nothing_and_finalize_does(served: Served) -> None:
    config = config_of(endpointing=pb.EndpointingConfig(mode=pb.ENDPOINTING_MODE_CLIENT))
    async with served.stream(config) as stream:
        await stream.audio(linear16(conversation([range(5), range(5, 10)], pause=15)))
        await stream.finalize("a")
        await stream.until_kind("finalized")
        assert_heard(stream.texts, range(10))
        assert len(stream.finals) == 1
        assert stream.finals[0].final_reason == pb.FINAL_REASON_FINALIZE
        await stream.audio(linear16(conversation([range(10, 15)], pause=15)))
        await stream.end_of_audio()
        await stream.summary()
    assert_heard(stream.texts, range(15))
    assert len(stream.finals) == 2


@pytest.mark.parametrize("chunk", [1.0, 2.5])
async def test_in_mode_fixed_text_is_final_every_chunk_and_no_word_twice(
    served: Served, chunk: float
) -> None:
    fixed = pb.EndpointingConfig(mode=pb.ENDPOINTING_MODE_FIXED, chunk_duration=lasting(chunk))
    async with served.stream(endpointing=fixed) as stream:
        await spoken(stream, linear16(speak(range(80))))
    assert_heard(stream.texts, range(80))
    *chunks, _ = stream.finals
    assert {result.final_reason for result in chunks} == {pb.FINAL_REASON_CHUNK}
    assert len(chunks) == pytest.approx(8.0 / chunk, abs=1.5)
    assert max(seconds(r.end_offset) - seconds(r.start_offset) for r in chunks) < chunk + 0.5


async def test_overlap_leaves_the_last_words_of_a_chunk_to_the_next(served: Served) -> None:
    ends = {}
    for overlap in (0.0, 1.0):
        fixed = pb.EndpointingConfig(
            mode=pb.ENDPOINTING_MODE_FIXED,
            chunk_duration=lasting(4),
            overlap_duration=lasting(overlap),
        )
        async with served.stream(endpointing=fixed) as stream:
            await spoken(stream, linear16(speak(range(60))))
        assert_heard(stream.texts, range(60))
        ends[overlap] = heard_words(stream.texts[0])[-1]
    assert 28 <= ends[1.0] <= 30
    assert ends[1.0] + 5 < ends[0.0] < 40


async def test_silence_between_chunks_has_no_text(served: Served) -> None:
    fixed = pb.EndpointingConfig(mode=pb.ENDPOINTING_MODE_FIXED, chunk_duration=lasting(1))
    async with served.stream(endpointing=fixed) as stream:
        summary = await spoken(stream, linear16(silence(80)))
    assert stream.finals == []
    assert seconds(summary.inference_time) == 0.0


# ------------------------------------------------------------- streams that end by themselves


async def test_a_stream_of_one_utterance_ends_after_it(served: Served) -> None:
    async with served.stream(single_utterance=True) as stream:
        await stream.audio(linear16(conversation([range(10), range(10, 20)])))
        summary = await stream.summary()
    assert_heard(stream.texts, range(10))
    assert speech_events(stream) == ["SINGLE_UTTERANCE_ENDED"]
    assert stream.kinds[-3:] == ["result", "progress", "session_summary"]
    assert summary.final_result_count == 1


async def test_a_stream_without_speech_ends_at_its_timeout(served: Served) -> None:
    impatient = pb.EndpointingConfig(speech_start_timeout=lasting(1.5))
    async with served.stream(endpointing=impatient) as stream:
        await stream.audio(linear16(silence(40)))
        summary = await stream.summary()
    assert speech_events(stream) == ["SPEECH_START_TIMEOUT"]
    assert seconds(summary.received_audio) == pytest.approx(1.5, abs=0.1)
    assert summary.final_result_count == 0


async def test_a_stream_ends_some_time_after_the_last_speech(served: Served) -> None:
    impatient = pb.EndpointingConfig(
        speech_start_timeout=lasting(0.5), speech_end_timeout=lasting(2)
    )
    audio = np.concatenate([speak(range(10)), silence(12), speak(range(10, 20)), silence(40)])
    async with served.stream(endpointing=impatient) as stream:
        await stream.audio(linear16(audio))
        summary = await stream.summary()
    assert_heard(stream.texts, range(20))
    assert speech_events(stream) == ["SPEECH_END_TIMEOUT"]
    assert seconds(summary.received_audio) == pytest.approx(3.2 + 2.0, abs=0.2)


# ---------------------------------------------------------------------------------- presets


async def test_a_stream_starts_from_the_preset_it_names(served: Served) -> None:
    async with served.stream(config_of(preset="voice-command")) as stream:
        await spoken(stream, linear16(speak(range(60))))
    config = stream.responses[0].session_started.effective_config
    assert config.preset == "voice-command"
    assert config.endpointing.mode == pb.ENDPOINTING_MODE_FIXED
    assert config.recognition.decoding.beam_size == 1
    assert_heard(stream.texts, range(60))
    assert {result.final_reason for result in stream.finals[:-1]} == {pb.FINAL_REASON_CHUNK}
    assert len(stream.finals) >= 3


async def test_settings_of_the_client_win_over_its_preset(served: Served) -> None:
    vad = pb.EndpointingConfig(mode=pb.ENDPOINTING_MODE_VAD)
    async with served.stream(config_of(preset="captions", endpointing=vad)) as stream:
        await spoken(stream, linear16(conversation([range(60), range(60, 70)])))
    assert [result.final_reason for result in stream.finals] == [pb.FINAL_REASON_ENDPOINT] * 2


async def test_a_server_s_preset_is_for_streams_that_name_none() -> None:
    settings = Settings(grpc_port=0, bridge_port=0, preset="meeting")
    async with Server(settings, ScriptedEngine()) as server:
        served = Served(server, ScriptedEngine())
        async with served.stream() as plain, served.stream(config_of(preset="captions")) as own:
            effective = [
                (await stream.until_kind("session_started")).session_started.effective_config
                for stream in (plain, own)
            ]
    assert [config.preset for config in effective] == ["meeting", "captions"]
    assert [seconds(config.endpointing.chunk_duration) for config in effective] == [10.0, 5.0]


async def test_presets_are_listed(served: Served) -> None:
    async with served.stub() as stub:
        info = await stub.GetServerInfo(pb.GetServerInfoRequest())
    assert [(preset.name, preset.description) for preset in info.presets] == [
        (preset.name, preset.description) for preset in PRESETS
    ]


# --------------------------------------------------------------------------------- channels


async def test_channels_are_recognized_apart_and_numbered(served: Served) -> None:
    left, right = conversation([range(10), range(10, 20)]), conversation([range(30, 45)])
    config = config_of(
        audio_format=STEREO,
        channel_mode=pb.CHANNEL_MODE_SEPARATE,
        interim_results=True,
        voice_activity_events=True,
    )
    async with served.stream(config) as stream:
        await spoken(stream, stereo(left, right))
    words = {
        tag: [
            final.alternatives[0].committed_text
            for final in stream.finals
            if final.channel_tag == tag
        ]
        for tag in (0, 1, 2)
    }
    assert_heard(words[1], range(20))
    assert_heard(words[2], range(30, 45))
    assert words[0] == []
    assert [r.utterance_index for r in stream.finals if r.channel_tag == 1] == [0, 1]
    assert [r.utterance_index for r in stream.finals if r.channel_tag == 2] == [0]
    tags = {r.speech_event.channel_tag for r in stream.responses if r.HasField("speech_event")}
    assert tags == {1, 2}


async def test_one_channel_apart_is_number_one(served: Served) -> None:
    async with served.stream(channel_mode=pb.CHANNEL_MODE_SEPARATE) as stream:
        await spoken(stream, linear16(conversation([range(5)])))
    assert [result.channel_tag for result in stream.finals] == [1]


async def test_finalize_is_answered_after_the_finals_of_all_channels(served: Served) -> None:
    both = stereo(speak(range(10)), speak(range(20, 30)))
    config = config_of(audio_format=STEREO, channel_mode=pb.CHANNEL_MODE_SEPARATE)
    async with served.stream(config) as stream:
        await stream.audio(both)
        await stream.finalize("a")
        await stream.until_kind("finalized")
        assert sorted(result.channel_tag for result in stream.finals) == [1, 2]


# ------------------------------------------------------------------------------------- text


async def test_words_are_replaced_in_final_and_committed_text(served: Served) -> None:
    rules = [
        pb.Replacement(search="w3 w4", replace="three four"),
        pb.Replacement(search="W7", replace="seven"),
        pb.Replacement(search="W8", replace="eight", case_sensitive=True),
        pb.Replacement(search="w9", replace=""),
    ]
    config = config_of(adaptation=pb.Adaptation(replacements=rules), interim_results=True)
    async with served.stream(config) as stream:
        for second in range(3):
            await stream.audio(linear16(speak(range(10 * second, 10 * second + 10))))
            await stream.until(lambda r, end=second + 0.9: seconds(r.result.end_offset) > end)
        await stream.end_of_audio()
        await stream.summary()
    (final,) = stream.texts
    assert final.startswith("w0 w1 w2 three four w5 w6 seven w8 w10 ")
    for result in stream.results:
        committed = result.alternatives[0].committed_text
        assert final.startswith(committed)


async def test_interims_have_words_when_asked_for(served: Served) -> None:
    features = pb.RecognitionFeatures(interim_word_time_offsets=True)
    async with served.stream(config_of(features=features, interim_results=True)) as stream:
        await stream.audio(linear16(speak(range(10))))
        interim = (await stream.until_kind("result")).result
        await stream.end_of_audio()
        await stream.summary()
    assert not interim.is_final
    assert [word.word for word in interim.alternatives[0].words][:2] == ["w0", "w1"]
    assert seconds(interim.alternatives[0].words[1].start_offset) == pytest.approx(0.1, abs=0.02)


async def test_a_language_is_reported_as_the_client_wrote_it(served: Served) -> None:
    async with served.stream(language_codes=["ko-KR"]) as stream:
        await spoken(stream, linear16(conversation([range(5)])))
    assert [result.language_code for result in stream.finals] == ["ko-KR"]


async def test_a_recording_s_language_is_reported_as_the_client_wrote_it(served: Served) -> None:
    config = pb.RecognitionConfig(
        audio_format=pb.AudioFormat(encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000),
        language_codes=["ko_kr"],
    )
    request = pb.RecognizeRequest(config=config, audio=linear16(conversation([range(5)])))
    async with served.stub() as stub:
        answer = await stub.Recognize(request)
    assert [result.language_code for result in answer.results] == ["ko_kr"]


# ------------------------------------------------------------------------------ bad samples


async def test_samples_that_are_no_numbers_are_warned_of_once(served: Served) -> None:
    audio = conversation([range(10)])
    audio[100:110] = np.nan
    audio[200] = np.inf
    async with served.stream(audio_format=FLOAT32) as stream:
        await spoken(stream, float32(audio) + float32(audio))
    warnings = [r.warning for r in stream.responses if r.HasField("warning")]
    assert [warning.reason for warning in warnings] == [pb.WARNING_REASON_AUDIO_NOT_FINITE]
    assert 0.0 <= float(warnings[0].metadata["position"]) <= 1.0
    assert_heard(stream.texts, [*range(10), *range(10)])


# ----------------------------------------------------------------- what reaches the windows


@pytest.fixture
async def engine() -> ScriptedEngine:
    return ScriptedEngine()


async def asked(engine: ScriptedEngine, config: pb.StreamingConfig, data: bytes) -> Stream:
    """What a server with this engine makes of a stream."""
    server = Server(Settings(grpc_port=0, bridge_port=0), engine)
    async with server, Served(server, engine).stream(config) as stream:
        await stream.audio(data)
        await stream.end_of_audio()
        assert (await stream.ended()).code is grpc.StatusCode.OK
    return stream


TWICE = linear16(conversation([range(20), range(20, 40)]))


async def test_prompt_and_hotwords_reach_every_window(engine: ScriptedEngine) -> None:
    adaptation = pb.Adaptation(initial_prompt="About rivers.", hotwords=["Sori", "Han River"])
    decoding = pb.DecodingOptions(condition_on_previous_text=False)
    await asked(engine, config_of(adaptation=adaptation, decoding=decoding), TWICE)
    assert len(engine.asked) == 2
    assert {request.prompt for request in engine.asked} == {"About rivers."}
    assert {request.hotwords for request in engine.asked} == {("Sori", "Han River")}


@pytest.mark.parametrize("conditioned", [True, False])
async def test_earlier_text_is_a_prompt_where_it_is_wanted(
    engine: ScriptedEngine, conditioned: bool
) -> None:
    decoding = pb.DecodingOptions(condition_on_previous_text=conditioned)
    await asked(engine, config_of(decoding=decoding), TWICE)
    assert engine.asked[0].prompt == ""
    assert ("w19" in engine.asked[1].prompt) is conditioned


async def test_the_no_speech_threshold_reaches_every_window(engine: ScriptedEngine) -> None:
    decoding = pb.DecodingOptions(no_speech_threshold=0.25)
    await asked(engine, config_of(decoding=decoding), TWICE)
    assert {request.options.no_speech_threshold for request in engine.asked} == {0.25}


@pytest.mark.parametrize(
    ("switching", "second"), [(False, ("en",)), (True, ("en", "ko"))], ids=["stays", "switches"]
)
async def test_a_language_stays_unless_it_may_switch(
    engine: ScriptedEngine, switching: bool, second: tuple[str, ...]
) -> None:
    config = config_of(language_codes=["en-GB", "ko"], language_switching=switching)
    stream = await asked(engine, config, TWICE)
    assert [request.options.languages for request in engine.asked] == [("en", "ko"), second]
    assert [result.language_code for result in stream.finals] == ["en-GB", "en-GB"]
