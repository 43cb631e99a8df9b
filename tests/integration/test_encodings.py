"""Every encoding, rate and channel count of the contract, read by the real bundled model.

The audio is encoded by FFmpeg, not by code of ours.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence

import av
import numpy as np
import pytest
import pytest_asyncio
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from support.raw_client import LINEAR16, Stream, config_of, failure_of
from support.recordings import read_recording
from support.speech_server import Served, serving_mini

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

KOREAN = read_recording("ko_dialog")
"""The model reads this recording without a mistake, at all rates."""
MIXED = read_recording("en_ko_mixed")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving_mini(Limits(max_recording_bytes=8 * 1024 * 1024)) as served:
        yield served


def encoded(container: str, codec: str, rate: int = 16_000, channels: int = 1) -> bytes:
    """The Korean recording in another form; more than one channel are copies of it."""
    layout = "mono" if channels == 1 else f"{channels}c" if channels > 2 else "stereo"
    pcm = np.round(KOREAN.samples * 32_767).astype(np.int16)[np.newaxis, :]
    frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
    frame.sample_rate = 16_000
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        stream.layout = layout  # type: ignore[union-attr]
        resampler = av.AudioResampler(stream.format.name, layout, rate)  # type: ignore[union-attr]
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))  # type: ignore[union-attr, arg-type]
        output.mux(stream.encode(None))  # type: ignore[union-attr]
    return file.getvalue()


def raw(encoding: str, rate: int = 16_000, channels: int = 1) -> pb.AudioFormat:
    return pb.AudioFormat(
        encoding=pb.AudioEncoding.Value(f"AUDIO_ENCODING_{encoding}"),
        sample_rate_hertz=rate,
        channel_count=channels,
    )


async def said(stream: Stream, data: bytes, chunk: int = 8_001) -> None:
    """Send everything in chunks that split samples, and wait for the end."""
    await stream.audio(data, chunk)
    await stream.end_of_audio(len(data))
    await stream.summary()


def sentences(texts: Sequence[str]) -> str:
    return " ".join(texts)


KOREAN_TEXT = sentences([utterance.text for utterance in KOREAN.utterances])


@pytest.mark.parametrize(
    ("audio_format", "container", "codec"),
    [
        (raw("LINEAR16"), "s16le", "pcm_s16le"),
        (raw("LINEAR16", 8_000), "s16le", "pcm_s16le"),
        (raw("LINEAR16", 44_100), "s16le", "pcm_s16le"),
        (raw("LINEAR16", 48_000, 2), "s16le", "pcm_s16le"),
        (raw("LINEAR16", 22_050, 8), "s16le", "pcm_s16le"),
        (raw("FLOAT32"), "f32le", "pcm_f32le"),
        (raw("FLOAT32", 44_100, 2), "f32le", "pcm_f32le"),
        (raw("MULAW", 8_000), "mulaw", "pcm_mulaw"),
        (raw("MULAW", 16_000), "mulaw", "pcm_mulaw"),
        (raw("ALAW", 8_000), "alaw", "pcm_alaw"),
        (raw("ALAW", 8_000, 2), "alaw", "pcm_alaw"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.sample_rate_hertz}",
)
async def test_raw_audio_is_read_in_every_encoding(
    served: Served, audio_format: pb.AudioFormat, container: str, codec: str
) -> None:
    data = encoded(container, codec, audio_format.sample_rate_hertz, audio_format.channel_count)
    async with served.stream(audio_format=audio_format, language_codes=["ko"]) as stream:
        await said(stream, data)
    assert sentences(stream.texts) == KOREAN_TEXT


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"])
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 2)])
async def test_wave_files_are_read_with_each_codec(
    served: Served, codec: str, rate: int, channels: int
) -> None:
    audio_format = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_WAV)
    config = pb.RecognitionConfig(audio_format=audio_format, language_codes=["ko"])
    request = pb.RecognizeRequest(config=config, audio=encoded("wav", codec, rate, channels))
    async with served.stub() as stub:
        answer = await stub.Recognize(request)
    texts = [result.alternatives[0].committed_text for result in answer.results]
    assert sentences(texts) == KOREAN_TEXT


async def test_the_language_of_every_utterance_is_found(served: Served) -> None:
    data = np.round(MIXED.samples * 32_767).astype("<i2").tobytes()
    config = config_of(language_codes=["en", "ko"], language_switching=True)
    async with served.stream(config) as stream:
        await said(stream, data)
    truth = MIXED.utterances
    assert stream.texts == [utterance.text for utterance in truth]
    assert [final.language_code for final in stream.finals] == [u.language for u in truth]
    confidences = [final.language_confidence for final in stream.finals]
    assert all(0.5 < confidence < 1.0 for confidence in confidences)


async def test_korean_is_translated_to_english_when_asked_for(served: Served) -> None:
    utterance = next(u for u in KOREAN.utterances if u.translation)
    data = np.round(KOREAN.cut(utterance) * 32_767).astype("<i2").tobytes()
    config = config_of(language_codes=["ko"], task=pb.TASK_TRANSLATE)
    async with served.stream(config) as stream:
        await said(stream, data)
    assert sentences(stream.texts) == utterance.translation


async def test_a_high_speech_threshold_hears_less(served: Served) -> None:
    """Silero's probabilities of this recording are between the two thresholds at times."""
    speech = {}
    for threshold in (0.05, 0.995):
        endpointing = pb.EndpointingConfig(speech_threshold=threshold)
        async with served.stream(language_codes=["ko"], endpointing=endpointing) as stream:
            await said(stream, encoded("s16le", "pcm_s16le"))
        summary = stream.responses[-1].session_summary
        speech[threshold] = summary.speech_audio.ToTimedelta().total_seconds()
    assert speech[0.05] > speech[0.995] + 0.5


async def test_results_of_the_real_model_have_times_and_confidence(served: Served) -> None:
    config = config_of(
        language_codes=["ko"], features=pb.RecognitionFeatures(word_time_offsets=True)
    )
    async with served.stream(
        config,
    ) as stream:
        await said(stream, encoded("s16le", "pcm_s16le"))
    for final, utterance in zip(stream.finals, KOREAN.utterances, strict=True):
        (alternative,) = final.alternatives
        assert 0.3 < alternative.confidence <= 1.0
        assert " ".join(word.word for word in alternative.words) == utterance.text
        starts = [word.start_offset.ToTimedelta().total_seconds() for word in alternative.words]
        assert starts == sorted(starts)
        assert starts[0] == pytest.approx(utterance.start, abs=0.5)
        assert all(0.0 < word.confidence <= 1.0 for word in alternative.words)


async def test_a_language_the_model_does_not_know_is_refused_with_those_it_does(
    served: Served,
) -> None:
    config = pb.RecognitionConfig(audio_format=LINEAR16, language_codes=["de"])
    async with served.stub() as stub:
        ending = await failure_of(stub.Recognize(pb.RecognizeRequest(config=config)))
    assert ending.summary == ("INVALID_ARGUMENT", "INVALID_CONFIG")
    assert "en, ko" in ending.message
