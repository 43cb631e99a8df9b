"""The asyncio client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import grpc
from google.protobuf.message import Message
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc

from sori_client.channel import ChannelOptions, channel_options, open_channel
from sori_client.config import RecognitionConfig, StreamConfig
from sori_client.errors import client_closed
from sori_client.exchange import StreamCall
from sori_client.sources.source import Source
from sori_client.stream import RecognitionStream
from sori_client.types import CONTAINER, AudioFormat, Model, Recognition, ServerInfo
from sori_client.wire import requests, responses
from sori_client.wire.status import error_from

Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Every wait of a client, in seconds; longer ones end with `DeadlineExceeded`."""

    connect: float = 5.0
    """One attempt to connect, encryption included; then `Unavailable`."""
    response: float = 60.0
    """An answer: to a question, to the start of a stream, to its end, and between two
    events after that. While audio is sent, a server may be silent."""
    recognize: float = 600.0
    """The text of a whole recording."""


class Client:
    """One server, one connection, any number of calls at a time.

    Args:
        address: `host:port`, or any gRPC target.
        credentials: from `grpc.ssl_channel_credentials()`; None for no encryption.
        metadata: sent with every call, for example `{"authorization": "Bearer ..."}`.
        timeouts: how long to wait for what.
        options: further channel options; they win over this client's.

    Use it in `async with`, in one event loop. Calls raise the errors of
    `sori_client.errors`.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        options: ChannelOptions = (),
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._metadata = tuple((metadata or {}).items())
        self._timeouts = timeouts or Timeouts()
        self._options = options
        self._channel: grpc.aio.Channel | None = None

    def stream(self, source: Source, config: StreamConfig | None = None) -> RecognitionStream:
        """A stream of the source's audio; nothing is sent before it is entered or iterated."""
        return RecognitionStream(
            self._open_stream, source, config or StreamConfig(), self._timeouts.response
        )

    async def recognize(
        self,
        recording: str | PathLike[str] | bytes,
        config: RecognitionConfig | None = None,
        format: AudioFormat = CONTAINER,
    ) -> Recognition:
        """The text of a whole recording: a path, or the bytes of a file, of any container.

        Raises:
            OSError: the file cannot be read.
        """
        audio = recording if isinstance(recording, bytes) else await _contents(recording)
        request = pb.RecognizeRequest(
            config=requests.recognition_config(config or RecognitionConfig(), format), audio=audio
        )
        timeout = self._timeouts.recognize
        return responses.recognition(await self._ask(self._stub().Recognize, request, timeout))

    async def list_models(self) -> tuple[Model, ...]:
        """All models that can be named in a configuration."""
        models: list[Model] = []
        request = pb.ListModelsRequest()
        while True:
            page = await self._ask(self._stub().ListModels, request, self._timeouts.response)
            models += map(responses.model, page.models)
            if not page.next_page_token:
                return tuple(models)
            request = pb.ListModelsRequest(page_token=page.next_page_token)

    async def server_info(self) -> ServerInfo:
        """Version, limits and load of the server."""
        request = pb.GetServerInfoRequest()
        answer = await self._ask(self._stub().GetServerInfo, request, self._timeouts.response)
        return responses.server_info(answer)

    async def aclose(self) -> None:
        """Ends all calls and the connection; a later call connects anew."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def _stub(self) -> rpc.SpeechServiceAsyncStub:
        if self._channel is None:
            options = dict(channel_options(self._timeouts.connect)) | dict(self._options)
            self._channel = open_channel(self._address, self._credentials, tuple(options.items()))
        return rpc.SpeechServiceStub(self._channel)

    def _open_stream(self) -> StreamCall:
        return self._stub().StreamingRecognize(metadata=self._metadata)

    async def _ask(
        self,
        method: Callable[..., Awaitable[Response]],
        request: Message,
        timeout: float,  # noqa: ASYNC109
    ) -> Response:
        try:
            return await method(request, timeout=timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as failure:
            raise error_from(failure) from failure
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            raise client_closed() from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


async def _contents(path: str | PathLike[str]) -> bytes:
    return await asyncio.to_thread(Path(path).read_bytes)
