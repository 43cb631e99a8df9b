"""The speech of this process's gateway, in messages of the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sori.v1 import speech_pb2 as pb

from sori_server import __version__
from sori_server.domain.config import StreamConfig
from sori_server.domain.errors import ProtocolViolation
from sori_server.domain.events import NumberedEvent
from sori_server.runtime.door import ClientMessage
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.resumable import ResumableStream
from sori_server.runtime.runner import StreamRunner
from sori_server.transport.contract import requests, responses
from sori_server.transport.contract.backend import MessageLink


class LocalBackend:
    """A `SpeechBackend`; every decision is the gateway's or the session's."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @property
    def ready(self) -> bool:
        """Whether a new stream would be served, if there is room."""
        return self._gateway.ready

    async def stream(self, link: MessageLink, authorization: str = "") -> None:
        """Serve one stream until everything was written.

        Raises:
            SoriError: why the stream ended early; the words before it were written.
        """
        config = await self._config(link)
        if config.resume.enabled:
            stream, connection = self._gateway.resumable(config, authorization)
            door = ResumableLinkDoor(link, stream, self._gateway)
            await self._gateway.sessions.serve(stream, connection, door)
            return
        with self._gateway.stream(config) as runner:
            await runner.run(LinkDoor(link, runner, self._gateway))

    async def models(self) -> Sequence[pb.Model]:
        """The model this server serves.

        Raises:
            ModelLoading: it is not known yet.
        """
        return [responses.model(self._gateway.model, loaded=self._gateway.ready)]

    async def server_info(self) -> pb.GetServerInfoResponse:
        """Version, limits and load."""
        gateway = self._gateway
        free = gateway.limits.max_streams - gateway.live_streams
        return pb.GetServerInfoResponse(
            version=__version__,
            limits=responses.server_limits(gateway.limits),
            active_stream_count=gateway.active_streams,
            available_stream_count=max(free, 0) if gateway.ready else 0,
            draining=gateway.draining,
            presets=responses.presets(),
        )

    async def _config(self, link: MessageLink) -> StreamConfig:
        limit = self._gateway.limits.config_timeout
        try:
            async with asyncio.timeout(limit):
                message = await link.read()
        except TimeoutError:
            raise ProtocolViolation(
                f"config: not received within {limit:g} s", metadata={"field": "config"}
            ) from None
        kind = message.WhichOneof("request") if message is not None else "nothing"
        if message is None or kind != "config":
            raise ProtocolViolation(
                f"config: must be the first message, got {kind or 'an unknown kind'}",
                metadata={"field": "config"},
            )
        return requests.stream_config(message.config, self._gateway.limits, self._gateway.preset)


class LinkDoor:
    """One connection in messages of the contract as the runtime sees it."""

    def __init__(self, link: MessageLink, runner: StreamRunner, gateway: Gateway) -> None:
        self._link = link
        self._runner = runner
        self._gateway = gateway

    async def receive(self) -> ClientMessage | None:
        """The next message; None when the client sends no more."""
        message = await self._link.read()
        if message is None:
            return None
        return requests.client_message(message, self._gateway.limits)

    async def send(self, event: NumberedEvent) -> None:
        """Deliver one event as a response."""
        await self._link.write(self._response(event))

    def _response(self, event: NumberedEvent) -> pb.StreamingRecognizeResponse:
        return responses.stream_response(event, self._runner, self._gateway)


class ResumableLinkDoor(LinkDoor):
    """One connection of a session that can be resumed."""

    def __init__(self, link: MessageLink, stream: ResumableStream, gateway: Gateway) -> None:
        super().__init__(link, stream.runner, gateway)
        self._stream = stream

    def _response(self, event: NumberedEvent) -> pb.StreamingRecognizeResponse:
        response = super()._response(event)
        responses.add_resume(response, self._stream, event)
        return response
