"""What a decoder process and the server write to each other: frames that the process asks for.

Server to process: the length of a run of bytes, then the bytes; length zero is the end.
Process to server: a kind and a length, then so many bytes. The process says `MORE` when it
needs the next run, and nothing is sent to it before: so neither side ever waits to write
while the other does, and the pipes hold one run and one second of sound at most.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

RUN: Final = struct.Struct("<I")
"""Length of a run of bytes for the process."""
MAX_RUN: Final = 64 * 1024

ANSWER: Final = struct.Struct("<BI")
"""Kind and length of an answer."""
MAX_SAMPLES: Final = 16_000
"""Samples of each channel in one answer."""
MAX_MESSAGE: Final = 1_000
"""Bytes of a refusal."""


class Kind(enum.IntEnum):
    """What an answer is."""

    MORE = 1
    """Everything received was decoded: send more."""
    AUDIO = 2
    """float32, one channel after the other."""
    DAMAGED = 3
    """Some of the bytes could not be read and were left out."""
    REFUSED = 4
    """This is not audio the process reads; the message says why. The last answer."""
    OTHER_CHANNELS = 5
    """There are so many channels (in decimal), not those announced. The last answer."""
    DONE = 6
    """There is no more audio. The last answer."""


class ServerGone(Exception):
    """The server has closed the pipe."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to decode and within which bounds: the arguments of the process.

    `apart` channels are kept apart, 0 mixes; `memory` and `seekable` are bytes, `cpu` seconds.
    """

    demuxer: str
    apart: int
    memory: int
    cpu: int
    seekable: int

    def arguments(self) -> list[str]:
        """As the process takes them."""
        return [self.demuxer, *map(str, (self.apart, self.memory, self.cpu, self.seekable))]

    @classmethod
    def of(cls, arguments: list[str]) -> Order:
        """From the arguments of the process."""
        return cls(arguments[0], *map(int, arguments[1:]))


def write_answer(target: BinaryIO, kind: Kind, payload: bytes = b"") -> None:
    """Write one answer."""
    target.write(ANSWER.pack(kind, len(payload)) + payload)
    target.flush()


def read_run(source: BinaryIO) -> bytes:
    """The next run of bytes; none at the end.

    Raises:
        ServerGone: it is.
    """
    (size,) = RUN.unpack(_exactly(source, RUN.size))
    return _exactly(source, size)


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise ServerGone
    return data
