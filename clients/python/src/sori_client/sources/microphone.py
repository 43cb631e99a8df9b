"""Audio from a microphone, through `sounddevice` (extra `mic`)."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import importlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any, Final

from sori_client.errors import MicrophoneOverflow, MicrophoneUnavailable
from sori_client.sources.source import split
from sori_client.sources.threads import from_thread
from sori_client.types import AudioEncoding, AudioFormat

_BLOCK_SECONDS: Final = 0.05


class OverflowPolicy(enum.Enum):
    """What to do when audio comes faster than it can be sent."""

    ERROR = "error"
    """Raise `MicrophoneOverflow`: no word is lost unnoticed."""
    DROP_OLDEST = "drop_oldest"
    """Drop the oldest audio and count it: the newest words matter most."""


class Microphone:
    """What a microphone hears, in mono 16-bit samples, until the stream ends.

    Args:
        device: name or number as `sounddevice` knows it; None for the default.
        sample_rate: hertz.
        buffer_seconds: most audio held while it cannot be sent.
        on_overflow: what to do with more.

    Raises (when it starts):
        MicrophoneUnavailable: no `sounddevice`, or no such device.
    """

    def __init__(
        self,
        device: int | str | None = None,
        sample_rate: int = 16_000,
        *,
        buffer_seconds: float = 10.0,
        on_overflow: OverflowPolicy = OverflowPolicy.ERROR,
    ) -> None:
        self._device = device
        self._format = AudioFormat(AudioEncoding.LINEAR16, sample_rate, 1)
        self._capacity = round(buffer_seconds * self._format.bytes_per_second)
        self._policy = on_overflow
        self._dropped = 0

    @property
    def format(self) -> AudioFormat:
        """Mono, 16 bit."""
        return self._format

    @property
    def dropped_seconds(self) -> float:
        """Audio dropped so far, under `DROP_OLDEST`."""
        return self._dropped / self._format.bytes_per_second

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The audio from now on.

        Raises:
            MicrophoneUnavailable: no `sounddevice`, or no such device.
            MicrophoneOverflow: audio was lost, under `ERROR`.
        """
        loop = asyncio.get_running_loop()
        heard = asyncio.Event()
        buffer = AudioBuffer(self._capacity, lambda: loop.call_soon_threadsafe(heard.set))
        async with aclosing(from_thread(self._recording(buffer))) as recording:
            await anext(recording)
            while True:
                await heard.wait()
                heard.clear()
                for piece in split(self._take(buffer)):
                    yield piece

    def _take(self, buffer: AudioBuffer) -> bytes:
        data, lost, overrun = buffer.take()
        if (lost or overrun) and self._policy is OverflowPolicy.ERROR:
            where = f"{lost} bytes of audio" if lost else "audio, in the sound driver"
            raise MicrophoneOverflow(f"lost {where}: it came faster than it could be sent")
        self._dropped += lost
        return data

    def _recording(self, buffer: AudioBuffer) -> Iterator[None]:
        """Yields once recording has begun; records until it is closed."""
        sounddevice = _sounddevice()

        def on_audio(data: Any, _frames: int, _time: object, status: Any) -> None:  # noqa: ANN401
            buffer.put(bytes(data), overrun=bool(status.input_overflow))

        try:
            recorder = sounddevice.RawInputStream(
                device=self._device,
                samplerate=self._format.sample_rate,
                channels=1,
                dtype="int16",
                blocksize=round(_BLOCK_SECONDS * self._format.sample_rate),
                callback=on_audio,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise MicrophoneUnavailable(f"microphone {self._device!r}: {error}") from error
        with recorder:
            yield


def _sounddevice() -> Any:  # noqa: ANN401 - it has no types
    try:
        return importlib.import_module("sounddevice")
    except ImportError as error:
        raise MicrophoneUnavailable(
            "the microphone needs sounddevice: pip install sori-client[mic]"
        ) from error
    except OSError as error:
        raise MicrophoneUnavailable(f"sounddevice cannot start: {error}") from error


class AudioBuffer:
    """At most `capacity` bytes between the sound thread and the event loop.

    More drops the oldest blocks and is told by `take()`.
    """

    def __init__(self, capacity: int, notify: Callable[[], object]) -> None:
        self._capacity = capacity
        self._notify = notify
        self._lock = threading.Lock()
        self._blocks: deque[bytes] = deque()
        self._size = 0
        self._lost = 0
        self._overrun = False

    def put(self, block: bytes, *, overrun: bool = False) -> None:
        """Adds a block, from any thread; `overrun` says that audio before it was lost."""
        with self._lock:
            idle = not self._blocks
            self._blocks.append(block)
            self._size += len(block)
            self._overrun |= overrun
            while self._size > self._capacity:
                oldest = self._blocks.popleft()
                self._size -= len(oldest)
                self._lost += len(oldest)
        if idle:
            with contextlib.suppress(RuntimeError):  # the event loop is closed
                self._notify()

    def take(self) -> tuple[bytes, int, bool]:
        """All audio since the last time, bytes lost before it, and whether more was lost."""
        with self._lock:
            taken = b"".join(self._blocks), self._lost, self._overrun
            self._blocks.clear()
            self._size = self._lost = 0
            self._overrun = False
        return taken
