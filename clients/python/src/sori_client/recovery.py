"""Where a stream goes on when its connection is lost, and how often that is tried."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Iterator
from typing import Final

import grpc

from sori_client.connections import Connection, Connections
from sori_client.errors import (
    CallStatus,
    ConnectionLost,
    DeadlineExceeded,
    Overloaded,
    ServerError,
    SlowReader,
    SoriClientError,
    Unavailable,
    client_closed,
)
from sori_client.resume import Outage, Resume

_LOSSES: Final = (Unavailable, DeadlineExceeded, Overloaded, SlowReader)
_STARTS: Final = 6
"""Attempts to begin where connections are made and break before any answer."""
_SCOUTING_PAUSE: Final = (0.2, 1.0)
"""Seconds between two looks for a server that stays, while one is leaving."""


def is_loss(error: SoriClientError) -> bool:
    """Whether a session may go on elsewhere or later; a server says so when it may not."""
    broken = isinstance(error, ServerError) and not error.reason  # gRPC's word, not the server's
    return broken or isinstance(error, _LOSSES)


class Recovery:
    """Finds the next connection of a stream; without a policy, there is none."""

    def __init__(
        self, connections: Connections, policy: Resume | None, connect_timeout: float
    ) -> None:
        self._connections = connections
        self._policy = policy
        self._connect_timeout = connect_timeout
        self._closed = connections.closed
        self._starts = 0
        self._connected = False
        self._beginning: Outage | None = None
        self._outage: Outage | None = None
        self._route: Iterator[str] = iter(())

    def begin(self) -> Connection:
        """The first connection."""
        self._closed = self._connections.closed
        return self._connections.preferred()

    async def begin_again(
        self, error: SoriClientError, failed: Connection, *, connected: bool
    ) -> Connection:
        """Where to begin after a failure without any answer: at once, and once at each address.

        At a single one, what broke is tried twice, and some times more if there was a connection.

        Raises:
            SoriClientError: `error`, when that is all.
        """
        self._starts += 1
        self._connected |= connected
        broken = isinstance(error, Unavailable) and not error.reason
        attempts = (_STARTS if self._connected else 2) if broken else 1
        if self._policy is None or not is_loss(error):
            raise error
        if self._starts >= max(self._connections.count, attempts):
            raise error
        self._beginning = self._beginning or Outage(self._policy, _now())
        if self._connected and (pause := self._beginning.pause(_now())) is not None:
            await self._wait(pause)
        self._check_open()
        await self._connections.discard(failed)
        return self._connections.to(self._connections.after(failed.address)[0])

    def lost(self, connection: Connection) -> None:
        """The connection of a session broke, or was left."""
        now = _now()
        if self._policy and (self._outage is None or not self._outage.lost_again(now)):
            self._outage = Outage(self._policy, now)
        *others, same = self._connections.after(connection.address)
        self._route = itertools.cycle((same, *others))

    async def go_on(self, error: SoriClientError, failed: Connection) -> Connection:
        """The next connection to try, when it is time.

        Raises:
            ConnectionLost: the patience is over, or the client was closed.
            SoriClientError: `error`, when no session was `lost`.
        """
        if self._outage is None:
            raise error
        address = next(self._route)
        advice = (error.retry_after or 0.0) if address == failed.address else 0.0
        pause = self._outage.pause(_now(), advice)
        if pause is None:
            raise _given_up(error, self._outage.attempts) from error
        await self._wait(pause)
        await self._connections.discard(failed)
        return self._connections.to(address)

    def resumed(self, connection: Connection) -> float:
        """The session goes on; how long it did not, in seconds."""
        self._connections.prefer(connection.address)
        return self._outage.connected(_now()) if self._outage else 0.0

    def progressed(self) -> None:
        """The new connection brought something new."""
        if self._outage is not None:
            self._outage.progressed()

    async def scout(self, leaving: Connection) -> Connection:
        """A connection to a server that stays, as soon as there is one."""
        while True:
            for address in self._connections.after(leaving.address):
                same = address == leaving.address
                candidate = (
                    self._connections.beside(leaving) if same else self._connections.to(address)
                )
                async with candidate:
                    if await candidate.takes_streams(self._connect_timeout):
                        await self._connections.install(candidate)
                        return candidate
                    await self._connections.discard(candidate)
            await asyncio.sleep(random.uniform(*_SCOUTING_PAUSE))  # noqa: S311

    async def _wait(self, pause: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._closed.wait()
        self._check_open()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise client_closed()


def _given_up(error: SoriClientError, attempts: int) -> ConnectionLost:
    message = f"gave up after {attempts} attempts to reconnect; the last one: {error}"
    code = error.code or grpc.StatusCode.UNAVAILABLE
    return ConnectionLost(CallStatus(code, message, error.reason, error.retry_after))


def _now() -> float:
    return asyncio.get_running_loop().time()
