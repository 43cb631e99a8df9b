"""The settings of the Python client, felt at a real server."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest
import pytest_asyncio
from grpc import StatusCode
from sori_client import (
    CONTAINER,
    AudioEncoding,
    AudioFormat,
    Bytes,
    ChannelMode,
    Client,
    DeadlineExceeded,
    Endpointing,
    EndpointingMode,
    Event,
    File,
    FinalReason,
    InvalidRequest,
    RecognitionConfig,
    Replacement,
    Result,
    ServerError,
    ServerWarning,
    Source,
    SpeechEvent,
    SpeechEventType,
    StreamConfig,
    Summary,
    Timeouts,
)
from sori_client.client import LARGEST_REQUEST
from sori_server.domain.presets import PRESETS
from sori_server.engine.fake import POISON_WORD
from support.client_drivers import Endless
from support.speech_server import Served, serving
from support.word_audio import (
    Audio,
    assert_heard,
    conversation,
    float32,
    linear16,
    silence,
    speak,
)

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

LINEAR16 = AudioFormat()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving() as served:
        yield served


async def heard(served: Served, source: Source | Audio, config: StreamConfig) -> list[Event]:
    """All events of a stream."""
    if isinstance(source, np.ndarray):
        source = Bytes([linear16(source)], LINEAR16)
    async with Client(served.address) as client, client.stream(source, config) as stream:
        return [event async for event in stream]


def finals(events: list[Event], channel: int = 0) -> list[Result]:
    results = [event for event in events if isinstance(event, Result) and event.is_final]
    return [result for result in results if result.channel == channel]


def texts(events: list[Event], channel: int = 0) -> list[str]:
    return [result.text for result in finals(events, channel)]


def flac(audio: Audio) -> bytes:
    """Audio of the shape [samples] or [samples, channels] as FFmpeg writes it, without loss."""
    samples = np.round(audio * 32_768).astype(np.int16)
    layout = "mono" if samples.ndim == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
    frame.sample_rate = 16_000
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as output:
        stream = output.add_stream("flac", rate=16_000)
        stream.layout = layout  # type: ignore[union-attr]
        output.mux(stream.encode(frame))  # type: ignore[union-attr, arg-type]
        output.mux(stream.encode(None))  # type: ignore[union-attr]
    return file.getvalue()


class Forever(Endless):
    """Speech, then silence that never ends."""

    def __init__(self, audio: Audio) -> None:
        super().__init__()
        self._audio = audio

    async def chunks(self) -> AsyncIterator[bytes]:  # type: ignore[override]
        try:
            yield linear16(self._audio)
            while True:
                yield linear16(silence(5))
        finally:
            self.closed = True


@pytest.mark.parametrize(
    ("config", "audio", "ending", "words"),
    [
        (
            StreamConfig(single_utterance=True),
            conversation([range(5), range(5, 10)]),
            SpeechEventType.SINGLE_UTTERANCE_ENDED,
            range(5),
        ),
        (
            StreamConfig(endpointing=Endpointing(speech_start_timeout=1.0)),
            silence(1),
            SpeechEventType.SPEECH_START_TIMEOUT,
            range(0),
        ),
        (
            StreamConfig(endpointing=Endpointing(speech_end_timeout=1.5)),
            conversation([range(5), range(5, 10)]),
            SpeechEventType.SPEECH_END_TIMEOUT,
            range(10),
        ),
    ],
    ids=["single utterance", "start timeout", "end timeout"],
)
async def test_a_stream_that_ends_by_itself_ends_well_and_closes_its_source(
    served: Served,
    config: StreamConfig,
    audio: Audio,
    ending: SpeechEventType,
    words: range,
) -> None:
    source = Forever(audio)
    events = await heard(served, source, config)
    assert [event.type for event in events if isinstance(event, SpeechEvent)] == [ending]
    assert isinstance(events[-1], Summary)
    assert source.closed
    assert_heard(texts(events), words)


async def test_chunks(served: Served) -> None:
    endpointing = Endpointing(mode=EndpointingMode.FIXED, chunk_duration=2.0, overlap_duration=0.5)
    events = await heard(served, speak(range(60)), StreamConfig(endpointing=endpointing))
    assert_heard(texts(events), range(60))
    assert {result.final_reason for result in finals(events)[:-1]} == {FinalReason.CHUNK}


async def test_the_client_ends_utterances(served: Served) -> None:
    config = StreamConfig(endpointing=Endpointing(mode=EndpointingMode.CLIENT))
    audio = conversation([range(5), range(5, 10)], pause=15)
    events = await heard(served, audio, config)
    assert_heard(texts(events), range(10))
    assert [result.final_reason for result in finals(events)] == [FinalReason.END_OF_AUDIO]


async def test_a_preset_and_a_list_of_them(served: Served) -> None:
    async with Client(served.address) as client:
        info = await client.server_info()
    assert [preset.name for preset in info.presets] == [preset.name for preset in PRESETS]
    events = await heard(served, speak(range(60)), StreamConfig(preset=info.presets[0].name))
    assert {result.final_reason for result in finals(events)[:-1]} == {FinalReason.CHUNK}
    with pytest.raises(InvalidRequest) as refusal:
        await heard(served, silence(1), StreamConfig(preset="turbo"))
    assert refusal.value.field == "config.preset"


async def test_replacements_and_the_client_s_own_tag(served: Served) -> None:
    config = StreamConfig(
        replacements=(Replacement("w1 w2", "one two"), Replacement("w4", "")),
        languages=("ko-KR",),
    )
    events = await heard(served, speak(range(5)), config)
    assert texts(events) == ["w0 one two w3"]
    assert finals(events)[0].language == "ko-KR"


async def test_words_of_interims(served: Served) -> None:
    config = StreamConfig(interim_results=True, interim_words=True)
    shown, interims = asyncio.Event(), list[Result]()

    async def spoken() -> AsyncIterator[bytes]:
        yield linear16(speak(range(20)))
        await asyncio.wait_for(shown.wait(), 25)
        yield linear16(speak(range(20, 40)))

    source = Bytes(spoken(), LINEAR16)
    async with Client(served.address) as client, client.stream(source, config) as stream:
        async for event in stream:
            if isinstance(event, Result) and not event.is_final:
                interims.append(event)
                shown.set()
    assert all(interim.words[0].text == "w0" for interim in interims)


async def test_channels_apart(served: Served) -> None:
    both = np.stack([speak(range(10)), speak(range(20, 30))], axis=1)
    source = Bytes([linear16(both.reshape(-1))], AudioFormat(channels=2))
    config = StreamConfig(channel_mode=ChannelMode.SEPARATE)
    events = await heard(served, source, config)
    assert_heard(texts(events, 1), range(10))
    assert_heard(texts(events, 2), range(20, 30))


async def test_files_are_sent_as_they_are(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "speech.flac"
    path.write_bytes(flac(speak(range(30))))
    events = await heard(served, File(path, CONTAINER), StreamConfig())
    assert_heard(texts(events), range(30))
    async with Client(served.address) as client:
        recognition = await client.recognize(path)
    assert_heard([recognition.text], range(30))


async def test_recordings_too_large_for_a_message_are_streamed(served: Served) -> None:
    """`Recognize` takes 4 MiB, two minutes of these samples."""
    audio, config = conversation([range(20)], pause=10), RecognitionConfig(word_times=True)
    silence = bytes(LARGEST_REQUEST)
    async with Client(served.address) as client:
        small = await client.recognize(linear16(audio), config, AudioFormat())
        large = await client.recognize(linear16(audio) + silence, config, AudioFormat())
    assert_heard([large.text], range(20))
    assert [each.words for each in large.results] == [each.words for each in small.results]
    seconds = (len(linear16(audio)) + len(silence)) / 32_000
    assert large.summary.received_audio == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize("more", [0, LARGEST_REQUEST], ids=["small", "large"])
async def test_a_recording_that_misses_words_is_an_error_whatever_its_size(
    served: Served, more: int
) -> None:
    audio = linear16(conversation([range(5), [POISON_WORD], range(5, 9)])) + bytes(more)
    async with Client(served.address) as client:
        with pytest.raises(ServerError) as failed:
            await client.recognize(audio, format=AudioFormat())
    assert (failed.value.code, failed.value.reason) == (StatusCode.INTERNAL, "RECOGNITION_FAILED")
    assert 0 < float(failed.value.metadata["start"]) < float(failed.value.metadata["end"])


@pytest.mark.parametrize("more", [0, LARGEST_REQUEST], ids=["small", "large"])
async def test_a_wrong_setting_of_a_recording_has_one_name_whatever_its_size(
    served: Served, more: int
) -> None:
    async with Client(served.address) as client:
        with pytest.raises(InvalidRequest) as refused:
            await client.recognize(bytes(2 + more), RecognitionConfig(beam_size=99), AudioFormat())
    assert refused.value.field == "config.decoding.beam_size"
    assert refused.value.metadata["field"] == "config.decoding.beam_size"
    assert "config.decoding.beam_size" in str(refused.value)


async def test_a_large_recording_has_as_long_as_a_small_one(served: Served) -> None:
    timeouts = Timeouts(recognize=0.001)
    async with Client(served.address, timeouts=timeouts) as client:
        with pytest.raises(DeadlineExceeded):
            await client.recognize(bytes(LARGEST_REQUEST + 2), format=AudioFormat())


async def test_channels_of_a_file_apart(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "speech.flac"
    path.write_bytes(flac(np.stack([speak(range(10)), speak(range(20, 30))], axis=1)))
    config = StreamConfig(channel_mode=ChannelMode.SEPARATE)
    source = File(path, AudioFormat(AudioEncoding.FLAC, 0, 2))
    events = await heard(served, source, config)
    assert_heard(texts(events, 1), range(10))
    assert_heard(texts(events, 2), range(20, 30))


async def test_a_warning_of_samples_that_are_no_numbers(served: Served) -> None:
    audio = conversation([range(5)])
    audio[10] = np.nan
    source = Bytes([float32(audio)], AudioFormat(AudioEncoding.FLOAT32))
    events = await heard(served, source, StreamConfig())
    warnings = [event for event in events if isinstance(event, ServerWarning)]
    assert [warning.reason for warning in warnings] == ["AUDIO_NOT_FINITE"]
    assert float(warnings[0].metadata["position"]) < 1.0
    assert_heard(texts(events), range(5))
