"""The decoder process: bytes of one container in, samples out, and nothing else allowed.

    python -I -m sori_server.media.sandbox_child DEMUXER APART MEMORY CPU SEEKABLE

Containers are the work of strangers, and their decoders are large programs in C. So they run
here, where no file, socket or process can be opened any more and memory and time are short.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
from contextlib import suppress
from typing import BinaryIO, Final

import av
import av.subtitles.codeccontext
import av.subtitles.stream
import numpy as np

from sori_server.domain.audio import MAX_CHANNELS, MAX_CONTAINER_RATE, MIN_SAMPLE_RATE
from sori_server.media.demuxing import Container, Sound
from sori_server.media.reading import Refused
from sori_server.media.resampling import FloatArray, Resampler, mixed
from sori_server.media.sandbox_wire import (
    MAX_MESSAGE,
    MAX_SAMPLES,
    Kind,
    Order,
    ServerGone,
    read_run,
    write_answer,
)

_NEEDED_LATER: Final = (logging, av.subtitles.codeccontext, av.subtitles.stream)
"""PyAV imports these when it first needs them; no file can be opened then."""


class WrongChannels(Exception):
    """The audio has not the channels announced; `args` has how many there are."""


class Outlet:
    """Samples on their way to the server: at most a second is held."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._held: list[FloatArray] = []
        self._count = 0
        self._damaged = False

    def put(self, block: FloatArray) -> None:
        """Hand out a block now or with the next."""
        for start in range(0, block.shape[1], MAX_SAMPLES):
            piece = block[:, start : start + MAX_SAMPLES]
            if self._count + piece.shape[1] > MAX_SAMPLES:
                self.flush()
            self._held.append(piece)
            self._count += piece.shape[1]

    def flush(self) -> None:
        """Hand out what is held."""
        if self._count:
            write_answer(self._target, Kind.AUDIO, np.concatenate(self._held, axis=1).tobytes())
        self._held.clear()
        self._count = 0

    def damaged(self) -> None:
        """Tell, once, that something was left out."""
        if not self._damaged:
            self._damaged = True
            write_answer(self._target, Kind.DAMAGED)

    def tell(self, kind: Kind, message: str = "") -> None:
        """Say something, after all samples before it."""
        self.flush()
        write_answer(self._target, kind, message.encode()[:MAX_MESSAGE])


class Inlet:
    """The server's bytes as a file that is read from start to end."""

    def __init__(self, source: BinaryIO, outlet: Outlet) -> None:
        self._source = source
        self._outlet = outlet
        self._run = memoryview(b"")
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """At least one byte and at most `size`; none at the end."""
        if not self._run and not self._ended:
            self._outlet.tell(Kind.MORE)
            self._run = memoryview(read_run(self._source))
            self._ended = not self._run
        taken = self._run[:size] if size >= 0 else self._run
        self._run = self._run[len(taken) :]
        return bytes(taken)


class Converter:
    """Sounds to blocks at 16 kHz. The rate each sound has counts, not what a header says."""

    def __init__(self, apart: int, outlet: Outlet) -> None:
        self._apart = apart
        self._outlet = outlet
        self._rate = 0
        self._resampler: Resampler | None = None

    def take(self, sound: Sound) -> None:
        """Resample and hand out one sound.

        Raises:
            Refused: its rate or its number of channels is not within what is read.
            WrongChannels: it has others than those to keep apart.
        """
        channels = len(sound.block)
        if not 1 <= channels <= MAX_CHANNELS:
            raise Refused(f"the audio has {channels} channels, allowed are 1 to {MAX_CHANNELS}")
        if self._apart and channels != self._apart:
            raise WrongChannels(channels)
        block = np.clip(sound.block, -1.0, 1.0)
        resampler = self._resampler_for(sound.rate)
        self._outlet.put(resampler.feed(block if self._apart else mixed(block)))

    def close(self) -> None:
        """Hand out what the resampler still held."""
        if self._resampler is not None:
            self._outlet.put(self._resampler.close())

    def _resampler_for(self, rate: int) -> Resampler:
        if self._resampler is not None and rate == self._rate:
            return self._resampler
        if not MIN_SAMPLE_RATE <= rate <= MAX_CONTAINER_RATE:
            raise Refused(
                f"the audio has {rate} Hz, allowed are {MIN_SAMPLE_RATE} to {MAX_CONTAINER_RATE}"
            )
        self.close()
        self._resampler, self._rate = Resampler(rate, self._apart or 1), rate
        return self._resampler


def decode(order: Order, inlet: Inlet, outlet: Outlet) -> None:
    """Decode one container and say how it ended."""
    converter = Converter(order.apart, outlet)
    try:
        container = Container(inlet, order.demuxer, order.seekable)
        for sound in container.sounds():
            converter.take(sound)
            if container.damaged:
                outlet.damaged()
        converter.close()
        if container.damaged:
            outlet.damaged()
    except Refused as refusal:
        outlet.tell(Kind.REFUSED, str(refusal))
    except WrongChannels as wrong:
        outlet.tell(Kind.OTHER_CHANNELS, str(wrong.args[0]))
    except MemoryError:
        outlet.tell(Kind.REFUSED, "the audio takes too much memory to decode")
    else:
        outlet.tell(Kind.DONE)


def confine(order: Order) -> None:
    """Give up all this process will not need; final.

    No file at all may be opened: with three allowed, who closes stderr could open another.
    """
    for limit, most in (
        (resource.RLIMIT_AS, order.memory),
        (resource.RLIMIT_CPU, order.cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def main() -> None:
    """Decode what stdin has to stdout."""
    order = Order.of(sys.argv[1:])
    av.logging.set_level(av.logging.ERROR)
    outlet = Outlet(sys.stdout.buffer)
    confine(order)
    with suppress(ServerGone, BrokenPipeError):  # nobody is left to tell
        decode(order, Inlet(sys.stdin.buffer, outlet), outlet)
        sys.stdin.buffer.read(1)  # the server says when to leave
    os._exit(0)


if __name__ == "__main__":
    main()
