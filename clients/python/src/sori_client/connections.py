"""The connections of a client: one for each address, used by any number of calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

import grpc
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc

StreamCall = grpc.aio.StreamStreamCall[pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse]
Metadata = tuple[tuple[str, str], ...]


class Connection:
    """A channel to one address. Enter it for each call: it closes when replaced and unused."""

    def __init__(self, address: str, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        self.address = address
        self.metadata = metadata
        self.stub: rpc.SpeechServiceAsyncStub = rpc.SpeechServiceStub(channel)
        self._channel = channel
        self._calls = 0
        self._replaced = False

    def stream(self) -> StreamCall:
        """A stream that begins now."""
        return self.stub.StreamingRecognize(metadata=self.metadata)

    async def takes_streams(self, within: float) -> bool:
        """Whether a server answers in time, and is not about to leave."""
        try:
            info = await self.stub.GetServerInfo(
                pb.GetServerInfoRequest(), timeout=within, metadata=self.metadata
            )
        except grpc.aio.AioRpcError:
            return False
        return not info.draining

    async def replace(self) -> None:
        """No call begins on it any more."""
        self._replaced = True
        await self._close_unused()

    async def close(self) -> None:
        """Ends its calls."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        self._calls += 1
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._calls -= 1
        await self._close_unused()

    async def _close_unused(self) -> None:
        if self._replaced and not self._calls:
            await self.close()


class Connections:
    """The newest connection to each address, made when it is first wanted.

    Attributes:
        closed: set when they are closed; what is opened after that has an event of its own.
    """

    def __init__(self, addresses: Sequence[str], make: Callable[[str], Connection]) -> None:
        self._addresses = tuple(addresses)
        self._make = make
        self._newest: dict[str, Connection] = {}
        self._preferred = self._addresses[0]
        self.closed = asyncio.Event()

    @property
    def count(self) -> int:
        """Number of addresses."""
        return len(self._addresses)

    def preferred(self) -> Connection:
        """To the address that answered last, or was not tried yet."""
        return self.to(self._preferred)

    def to(self, address: str) -> Connection:
        """To one address."""
        if address not in self._newest:
            self._newest[address] = self._make(address)
        return self._newest[address]

    def after(self, address: str) -> tuple[str, ...]:
        """All addresses in turn, the given one last."""
        place = self._addresses.index(address) + 1
        return self._addresses[place:] + self._addresses[:place]

    def next_address(self) -> str:
        """The one after that which is preferred."""
        return self.after(self._preferred)[0]

    def prefer(self, address: str) -> None:
        """Begin with this address from now on."""
        self._preferred = address

    def beside(self, connection: Connection) -> Connection:
        """A newer connection to the same address, or a new one for `install` or `discard`."""
        newest = self._newest.get(connection.address, connection)
        return self._make(connection.address) if newest is connection else newest

    async def install(self, connection: Connection) -> None:
        """Makes this the newest connection to its address, and begins with it from now on."""
        old = self._newest.get(connection.address)
        self._newest[connection.address] = connection
        self._preferred = connection.address
        if old is not None and old is not connection:
            await old.replace()

    async def discard(self, connection: Connection) -> None:
        """It failed: no further call uses it."""
        if self._newest.get(connection.address) is connection:
            del self._newest[connection.address]
        await connection.replace()

    async def close(self) -> None:
        """Ends all calls and connections; later ones connect anew."""
        self.closed.set()
        self.closed = asyncio.Event()
        connections, self._newest = self._newest, {}
        for connection in connections.values():
            await connection.close()
