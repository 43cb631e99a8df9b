"""Listens to all streams of a gateway off its event loop, to several at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.config import Priority
from sori_server.engine.joint_hearing import accept_all
from sori_server.engine.port import FloatArray, StreamAudio

GATHERING: Final = 0.005
"""Least seconds between two turns of listening: to hear many streams together costs less."""
_MOST_TOGETHER: Final = 4 * SAMPLE_RATE
"""Samples after which no more are taken together, so that nobody waits long for others."""

Heard = tuple[list[float], ...]
"""For each channel the speech probabilities that its samples completed."""


@dataclass(frozen=True, slots=True)
class _Piece:
    audios: Sequence[StreamAudio]
    samples: Sequence[FloatArray]
    answer: asyncio.Future[Heard]


class Ears:
    """Gives audio to its streams in a thread of its own; what waits together is heard together.

    A stream waits for the answer before it brings more, so that no more waits than one piece
    of each stream. Pieces are heard in the order in which they came, those of live streams
    before those of batch streams, of which one is heard in each turn whatever else there is.
    """

    def __init__(self) -> None:
        self._waiting: dict[Priority, deque[_Piece]] = {each: deque() for each in Priority}
        self._heard_last: set[int] = set()
        self._not_before = 0.0
        self._gathering: asyncio.TimerHandle | None = None
        self._listening = False
        # The default pool starts a thread whenever the last one is not idle yet, each with memory
        # of its own, and lends them to slow disks.
        self._thread = ThreadPoolExecutor(1, "sori-ears")

    def close(self) -> None:
        """End the thread; nothing is listened to any more."""
        self._thread.shutdown()

    async def hear(
        self,
        audios: Sequence[StreamAudio],
        samples: Sequence[FloatArray],
        priority: Priority = Priority.LIVE,
    ) -> Heard:
        """Let each of `audios`, the channels of a stream, accept its samples.

        When the caller is cancelled they may be accepted all the same.
        """
        loop = asyncio.get_running_loop()
        piece = _Piece(audios, samples, loop.create_future())
        self._waiting[priority].append(piece)
        self._heard_last.discard(id(audios[0]))
        self._listen_soon()
        return await piece.answer

    def _listen_soon(self) -> None:
        """Listen at the next turn, or now if all who were heard at the last one wait again."""
        if self._listening or not any(self._waiting.values()):
            return
        loop = asyncio.get_running_loop()
        if not self._heard_last or loop.time() >= self._not_before:
            self._listen()
        elif self._gathering is None:
            self._gathering = loop.call_at(self._not_before, self._listen)

    def _listen(self) -> None:
        """Hand the thread what waits."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        pieces = self._next_pieces()
        if not pieces:
            return
        loop = asyncio.get_running_loop()
        self._listening = True
        self._heard_last = {id(piece.audios[0]) for piece in pieces}
        self._not_before = loop.time() + GATHERING
        heard = loop.run_in_executor(self._thread, _heard, pieces)
        heard.add_done_callback(lambda heard: self._answer(pieces, heard))

    def _next_pieces(self) -> list[_Piece]:
        live = _taken(self._waiting[Priority.LIVE], _MOST_TOGETHER)
        room = _MOST_TOGETHER - sum(map(_length, live))
        return live + _taken(self._waiting[Priority.BATCH], max(room, 1))

    def _answer(
        self, pieces: Sequence[_Piece], heard: asyncio.Future[list[Heard | Exception]]
    ) -> None:
        self._listening = False
        for piece, outcome in zip(pieces, heard.result(), strict=True):
            if piece.answer.cancelled():
                continue
            if isinstance(outcome, Exception):
                piece.answer.set_exception(outcome)
            else:
                piece.answer.set_result(outcome)
        self._listen_soon()


def _taken(waiting: deque[_Piece], room: int) -> list[_Piece]:
    """The first pieces somebody still waits for, until `room` samples are full."""
    pieces: list[_Piece] = []
    while waiting and room > 0:
        piece = waiting.popleft()
        if not piece.answer.cancelled():
            pieces.append(piece)
            room -= _length(piece)
    return pieces


def _length(piece: _Piece) -> int:
    return sum(map(len, piece.samples))


def _heard(pieces: Sequence[_Piece]) -> list[Heard | Exception]:
    """The probabilities of each piece, or why there are none; in the thread."""
    channels = [
        channel for piece in pieces for channel in zip(piece.audios, piece.samples, strict=True)
    ]
    outcomes = iter(accept_all(channels))
    return [_of_channels([next(outcomes) for _ in piece.audios]) for piece in pieces]


def _of_channels(outcomes: Sequence[list[float] | Exception]) -> Heard | Exception:
    heard: list[list[float]] = []
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            return outcome
        heard.append(outcome)
    return tuple(heard)
