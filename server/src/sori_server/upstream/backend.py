"""The speech of a remote server, in messages of the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Self, TypeVar

import grpc
from google.protobuf.message import Message
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_client.channel import channel_options, open_channel

from sori_server.domain.limits import Limits
from sori_server.transport.contract.backend import MessageLink
from sori_server.upstream.health import HealthWatch
from sori_server.upstream.relay import Relay, draining
from sori_server.upstream.status import error_from

Answer = TypeVar("Answer")


class UpstreamBackend:
    """A `SpeechBackend`: one server, one connection, any number of streams at a time.

    The connection is made, and made again, as it is needed. Used in `async with`, in one event
    loop; streams that are open when it is left end with `ServerDraining`.
    """

    def __init__(self, address: str, limits: Limits) -> None:
        """`address` is `host:port`."""
        self._address = address
        self._limits = limits
        self._relays: set[Relay] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    async def __aenter__(self) -> Self:
        options = channel_options(self._limits.upstream_timeout)
        self._channel = open_channel(self._address, None, options)
        self._stub: rpc.SpeechServiceAsyncStub = rpc.SpeechServiceStub(self._channel)
        self._health = HealthWatch(self._channel, self._limits.retry_delay)
        self._watching = asyncio.create_task(self._health.run(), name="sori-upstream-health")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._watching.cancel()
        await asyncio.wait([self._watching])
        await self._channel.close()
        await self._idle.wait()

    @property
    def ready(self) -> bool:
        """Whether the server said last that it serves; not while draining."""
        return self._health.serving and not self._draining

    @property
    def active_streams(self) -> int:
        """Streams open now."""
        return len(self._relays)

    async def stream(self, link: MessageLink, authorization: str = "") -> None:
        """Serve one stream until everything was written.

        Whatever `link` raises other than errors of Sori ends the stream and is raised.

        Raises:
            ServerDraining: `drain` was called before, or while the stream was open.
            UpstreamUnavailable: the server cannot be reached, or was lost.
            SoriError: why the stream ended early; the words before it were written.
        """
        if self._draining:
            raise draining(self._limits)
        metadata = (("authorization", authorization),) if authorization else ()
        call = self._stub.StreamingRecognize(metadata=metadata)
        relay = Relay(call, link, self._limits)
        self._relays.add(relay)
        self._idle.clear()
        try:
            await relay.run()
        finally:
            self._relays.discard(relay)
            if not self._relays:
                self._idle.set()

    async def models(self) -> Sequence[pb.Model]:
        """The models of the server.

        Raises:
            UpstreamUnavailable: it does not answer in time.
            ModelLoading: it does not know them yet.
        """
        models: list[pb.Model] = []
        request = pb.ListModelsRequest()
        while True:
            page = await self._ask(self._stub.ListModels, request)
            models += page.models
            if not page.next_page_token:
                return models
            request = pb.ListModelsRequest(page_token=page.next_page_token)

    async def server_info(self) -> pb.GetServerInfoResponse:
        """Version, limits and load of the server; it leaves when this process does.

        Raises:
            UpstreamUnavailable: it does not answer in time.
        """
        info = await self._ask(self._stub.GetServerInfo, pb.GetServerInfoRequest())
        if self._draining:
            info.draining, info.available_stream_count = True, 0
        return info

    async def drain(self) -> None:
        """Refuse new streams, let open ones end for a while, then force their finals out."""
        self._draining = True
        for relay in self._relays:
            relay.go_away()
        if await self._idle_within(self._limits.drain_grace):
            return
        for relay in self._relays:
            relay.flush()
        await self._idle_within(self._limits.flush_timeout)

    async def _idle_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _ask(self, method: Callable[..., Awaitable[Answer]], request: Message) -> Answer:
        try:
            return await method(request, timeout=self._limits.upstream_timeout)
        except grpc.aio.AioRpcError as failure:
            raise error_from(failure, self._limits.retry_delay) from failure
