"""The microphone, with a stand-in for the sound hardware."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from types import ModuleType, SimpleNamespace

import pytest
from sori_client import AudioEncoding, AudioFormat, Microphone, errors
from sori_client.sources import OverflowPolicy
from sori_client.sources.microphone import AudioBuffer

pytestmark = pytest.mark.unit

FINE = SimpleNamespace(input_overflow=False)
OVERRUN = SimpleNamespace(input_overflow=True)
Callback = Callable[[bytes, int, object, SimpleNamespace], None]


class PortAudioError(Exception):
    pass


class Recorder:
    """As `sounddevice.RawInputStream`, as far as the microphone uses it."""

    def __init__(self, *, callback: Callback, **settings: object) -> None:
        if settings["device"] == "none":
            raise PortAudioError("no such device")
        self.hear = callback
        self.settings = settings
        self.recording = False
        self.thread = ""

    def __enter__(self) -> Recorder:
        self.recording = True
        self.thread = threading.current_thread().name
        return self

    def __exit__(self, *_: object) -> None:
        self.recording = False


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Recorder]]:
    made: list[Recorder] = []

    def make(**settings: object) -> Recorder:
        made.append(Recorder(**settings))  # type: ignore[arg-type]
        return made[-1]

    module = ModuleType("sounddevice")
    module.RawInputStream = make  # type: ignore[attr-defined]
    module.PortAudioError = PortAudioError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    yield made
    deadline = time.monotonic() + 10
    while any(recorder.recording for recorder in made):
        assert time.monotonic() < deadline, "still recording"
        time.sleep(0.005)


async def started(recorders: list[Recorder]) -> Recorder:
    async with asyncio.timeout(10):
        while not (recorders and recorders[0].recording):  # noqa: ASYNC110 - on another thread
            await asyncio.sleep(0.001)
    return recorders[0]


async def test_it_gives_what_it_hears_until_it_is_closed(recorders: list[Recorder]) -> None:
    microphone = Microphone("desk", 8_000)
    assert microphone.format == AudioFormat(AudioEncoding.LINEAR16, 8_000, 1)
    async with aclosing(microphone.chunks()) as chunks:
        first = asyncio.ensure_future(anext(chunks))
        recorder = await started(recorders)
        assert recorder.settings == {
            "device": "desk",
            "samplerate": 8_000,
            "channels": 1,
            "dtype": "int16",
            "blocksize": 400,
        }
        await asyncio.to_thread(recorder.hear, b"ab", 1, None, FINE)
        assert await first == b"ab"
        recorder.hear(b"cd", 1, None, FINE)
        recorder.hear(b"ef", 1, None, FINE)
        assert await anext(chunks) == b"cdef"
    assert microphone.dropped_seconds == 0.0


async def test_cancelling_while_it_waits_stops_the_recording(recorders: list[Recorder]) -> None:
    waiting = asyncio.ensure_future(anext(Microphone().chunks()))
    await started(recorders)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_lost_audio_is_an_error_unless_told_otherwise(recorders: list[Recorder]) -> None:
    chunks = Microphone(sample_rate=1_000, buffer_seconds=0.1).chunks()
    waiting = asyncio.ensure_future(anext(chunks))
    recorder = await started(recorders)
    for _ in range(3):
        recorder.hear(bytes(100), 50, None, FINE)
    with pytest.raises(errors.MicrophoneOverflow, match="100 bytes"):
        await waiting


async def test_an_overrun_of_the_driver_is_lost_audio_too(recorders: list[Recorder]) -> None:
    waiting = asyncio.ensure_future(anext(Microphone().chunks()))
    (await started(recorders)).hear(bytes(100), 50, None, OVERRUN)
    with pytest.raises(errors.MicrophoneOverflow, match="driver"):
        await waiting


async def test_dropping_keeps_the_newest_and_counts(recorders: list[Recorder]) -> None:
    microphone = Microphone(
        sample_rate=1_000, buffer_seconds=0.1, on_overflow=OverflowPolicy.DROP_OLDEST
    )
    async with aclosing(microphone.chunks()) as chunks:
        waiting = asyncio.ensure_future(anext(chunks))
        recorder = await started(recorders)
        for number in range(3):
            recorder.hear(bytes([number]) * 100, 50, None, FINE)
        assert await waiting == bytes([1]) * 100 + bytes([2]) * 100
    assert microphone.dropped_seconds == pytest.approx(0.05)


async def test_without_the_package_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(errors.MicrophoneUnavailable, match=r"pip install sori-client\[mic\]"):
        await anext(Microphone().chunks())


async def test_a_device_that_is_not_there_is_named(recorders: list[Recorder]) -> None:
    with pytest.raises(errors.MicrophoneUnavailable, match="'none': no such device"):
        await anext(Microphone("none").chunks())
    assert recorders == []


def test_the_buffer_wakes_its_reader_once_and_never_grows() -> None:
    wakeups: list[None] = []
    buffer = AudioBuffer(10, lambda: wakeups.append(None))
    for _ in range(100):
        buffer.put(b"abcd")
    assert len(wakeups) == 1
    assert buffer.take() == (b"abcdabcd", 392, False)
    assert buffer.take() == (b"", 0, False)
    buffer.put(b"ab", overrun=True)
    assert buffer.take() == (b"ab", 0, True)
    assert len(wakeups) == 2


def test_the_buffer_bears_a_loop_that_is_gone() -> None:
    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    buffer = AudioBuffer(10, gone)
    buffer.put(b"ab")
    assert buffer.take()[0] == b"ab"
