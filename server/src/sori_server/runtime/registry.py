"""Sessions that outlive their connections: runs them, finds them by token, gives them up."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Self

from sori_server.domain.errors import ResumeTokenInvalid, SoriError
from sori_server.domain.limits import Limits
from sori_server.runtime.door import Door
from sori_server.runtime.resumable import LIFETIME, Connection, ResumableStream
from sori_server.runtime.resume_tokens import Ticket
from sori_server.runtime.turns import Turns

MOST_REMEMBERED: Final = 16_384
"""Ended sessions whose tokens are still refused; the oldest are forgotten for more."""
SPARE: Final = 0.5
"""Share of the resume window that clocks of servers may differ by: until then the tokens of an
ended session are remembered after their time."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ended:
    """A session that has ended, and the time of the loop when all its tokens have, too."""

    turns: Turns
    until: float


class SessionRegistry:
    """All sessions of a gateway that can be resumed, from their start until they are given up.

    An async context that owns their runners. A session without a connection is given up when
    its window ends, or when more than `max_detached_sessions` wait: those first that have
    said everything, then the one that has waited longest.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._streams: dict[str, ResumableStream] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._waiting: OrderedDict[str, asyncio.TimerHandle] = OrderedDict()
        self._ended: OrderedDict[str, _Ended] = OrderedDict()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for session_id in list(self._streams):
            self._forget(session_id)
        await self._tasks.__aexit__(None, None, None)

    @property
    def detached_sessions(self) -> int:
        """Sessions without a connection, those that have said everything included."""
        return len(self._waiting)

    def find(self, ticket: Ticket) -> ResumableStream | None:
        """The session a token is for; None when only the token knows it.

        Raises:
            ResumeTokenInvalid: the token was used, or the session has ended.
        """
        session_id = ticket.session_id
        stream = self._streams.get(session_id)
        if stream is not None and stream.turns.accept(ticket.turn):
            return stream
        known = stream or self._ended.get(session_id)
        turns = None if known is None else known.turns
        if turns is not None and not turns.are_older_than(ticket.turn):
            raise ResumeTokenInvalid
        if stream is not None:
            _log.info("a session has gone on elsewhere: what is left of it here is given up")
            self._forget(session_id)
        return None

    def start(self, stream: ResumableStream, counted: ExitStack) -> None:
        """Run a new session until it has said everything; `counted` is closed then."""
        session_id = stream.runner.session_id
        self._streams[session_id] = stream
        self._ended.pop(session_id, None)
        task = self._tasks.create_task(self._run(stream), name="sori-session")
        task.add_done_callback(lambda _: counted.close())
        self._running[session_id] = task

    def attached(self, stream: ResumableStream) -> None:
        """A connection has come: the window is over."""
        timer = self._waiting.pop(stream.runner.session_id, None)
        if timer is not None:
            timer.cancel()

    def detached(self, stream: ResumableStream) -> None:
        """A connection has gone: if there is no other one, the window begins."""
        session_id = stream.runner.session_id
        known = self._streams.get(session_id) is stream
        if stream.attached or session_id in self._waiting or not known:
            return
        if stream.complete:
            self._end(session_id)
            return
        loop = asyncio.get_running_loop()
        self._waiting[session_id] = loop.call_later(stream.window, self._expire, session_id)
        while len(self._waiting) > self._limits.max_detached_sessions:
            over = (each for each in self._waiting if self._streams[each].over)
            oldest = next(over, next(iter(self._waiting)))
            if not self._streams[oldest].over:
                _log.warning("a detached session was given up to make room for another one")
            self._forget(oldest)

    async def serve(self, stream: ResumableStream, connection: Connection, door: Door) -> None:
        """Carry one connection of a session.

        Raises:
            SoriError: as `ResumableStream.serve`.
        """
        try:
            await stream.serve(connection, door)
        finally:
            self.detached(stream)

    async def _run(self, stream: ResumableStream) -> None:
        error: SoriError | None = None
        try:
            await stream.runner.run(stream)
        except SoriError as failure:
            error = failure
        except Exception as failure:  # a bug of ours costs one session, not all of them
            _log.exception("a session failed")
            error = SoriError(f"internal error: {type(failure).__name__}")
        stream.end(error)

    def _expire(self, session_id: str) -> None:
        stream = self._streams[session_id]
        if not stream.over:
            _log.info("nobody resumed a session within %g s: it is given up", stream.window)
        self._end(session_id)

    def _end(self, session_id: str) -> None:
        """The client has received everything, or has not come: its tokens are worth nothing."""
        now, stream = asyncio.get_running_loop().time(), self._streams[session_id]
        longest = self._limits.resume_window * (LIFETIME + SPARE)
        self._ended[session_id] = _Ended(stream.turns, now + longest)
        self._forget(session_id)
        while len(self._ended) > MOST_REMEMBERED or next(iter(self._ended.values())).until < now:
            self._ended.popitem(last=False)

    def _forget(self, session_id: str) -> None:
        timer = self._waiting.pop(session_id, None)
        if timer is not None:
            timer.cancel()
        self._streams.pop(session_id).drop()
        self._running.pop(session_id).cancel()
