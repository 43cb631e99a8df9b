"""The asyncio client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import grpc
from google.protobuf.message import Message
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc

from sori_client import long_recordings
from sori_client.channel import ChannelOptions, channel_options, open_channel
from sori_client.config import RecognitionConfig, StreamConfig
from sori_client.connections import Connection, Connections
from sori_client.errors import Unavailable, client_closed
from sori_client.resume import Resume
from sori_client.session import Session
from sori_client.sources.bytes import Bytes
from sori_client.sources.source import Source
from sori_client.stream import RecognitionStream
from sori_client.timeouts import Timeouts
from sori_client.types import CONTAINER, AudioFormat, Model, Recognition, ServerInfo
from sori_client.wire import requests, responses
from sori_client.wire.status import error_from

Response = TypeVar("Response")
Method = Callable[["rpc.SpeechServiceAsyncStub"], Callable[..., Awaitable[Response]]]

DEFAULT_RESUME: Final = Resume()
LARGEST_REQUEST: Final = 4 * 1024 * 1024 - 64 * 1024
"""Bytes of a recording that are sent as one message, beside which there are its settings: 4 MiB
are what servers of gRPC take by default, Sori's among them."""


class Client:
    """One server or several that serve the same, any number of calls at a time.

    Args:
        address: `host:port`, or any gRPC target; several for servers that take over from each
            other. All calls use one of them, until it cannot be reached.
        credentials: from `grpc.ssl_channel_credentials()`; None for no encryption.
        metadata: sent with every call, for example `{"authorization": "Bearer ..."}`.
        timeouts: how long to wait for what.
        resume: how hard streams try to go on after a lost connection; None lets them end with
            it. It means nothing to servers that cannot do it.
        options: further channel options; they win over this client's.

    Use it in `async with`, in one event loop. Calls raise the errors of
    `sori_client.errors`.
    """

    def __init__(
        self,
        address: str | Sequence[str],
        *,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        resume: Resume | None = DEFAULT_RESUME,
        options: ChannelOptions = (),
    ) -> None:
        self._credentials = credentials
        self._metadata = tuple((metadata or {}).items())
        self._timeouts = timeouts or Timeouts()
        self._resume = resume
        self._options = options
        addresses = (address,) if isinstance(address, str) else tuple(address)
        self._connections = Connections(addresses, self._connect)

    def stream(self, source: Source, config: StreamConfig | None = None) -> RecognitionStream:
        """A stream of the source's audio; nothing is sent before it is entered or iterated."""
        return self._stream(source, config or StreamConfig(), self._timeouts)

    async def recognize(
        self,
        recording: str | PathLike[str] | bytes,
        config: RecognitionConfig | None = None,
        format: AudioFormat = CONTAINER,
    ) -> Recognition:
        """The text of a whole recording: a path, or the bytes of a file, of any container.

        More than `LARGEST_REQUEST` goes through a stream: servers take no larger message. Streams
        may last longer than recordings, `ServerLimits.max_recording_duration` is not theirs.

        Raises:
            OSError: the file cannot be read.
            ServerError: a stretch of it could not be recognized.
        """
        audio = recording if isinstance(recording, bytes) else await _contents(recording)
        if len(audio) > LARGEST_REQUEST:
            whole = long_recordings.stream_config(config or RecognitionConfig())
            patient = replace(self._timeouts, response=self._timeouts.recognize)
            stream = self._stream(Bytes([audio], format), whole, patient)
            return await long_recordings.recognition(stream, self._timeouts.recognize)
        request = pb.RecognizeRequest(
            config=requests.recognition_config(config or RecognitionConfig(), format), audio=audio
        )
        timeout = self._timeouts.recognize
        return responses.recognition(await self._ask(lambda stub: stub.Recognize, request, timeout))

    async def list_models(self) -> tuple[Model, ...]:
        """All models that can be named in a configuration."""
        models: list[Model] = []
        request = pb.ListModelsRequest()
        while True:
            page = await self._ask(lambda stub: stub.ListModels, request, self._timeouts.response)
            models += map(responses.model, page.models)
            if not page.next_page_token:
                return tuple(models)
            request = pb.ListModelsRequest(page_token=page.next_page_token)

    async def server_info(self) -> ServerInfo:
        """Version, limits and load of the server."""
        request = pb.GetServerInfoRequest()
        timeout = self._timeouts.response
        answer = await self._ask(lambda stub: stub.GetServerInfo, request, timeout)
        return responses.server_info(answer)

    async def aclose(self) -> None:
        """Ends all calls and connections; a later call connects anew."""
        await self._connections.close()

    def _stream(
        self, source: Source, config: StreamConfig, timeouts: Timeouts
    ) -> RecognitionStream:
        first = requests.config_request(config, source.format)
        session = Session(self._connections, source, first, self._resume, timeouts)
        return RecognitionStream(session)

    def _connect(self, address: str) -> Connection:
        options = dict(channel_options(self._timeouts.connect)) | dict(self._options)
        channel = open_channel(address, self._credentials, tuple(options.items()))
        return Connection(address, channel, self._metadata)

    async def _ask(self, method: Method[Response], request: Message, timeout: float) -> Response:  # noqa: ASYNC109
        """The answer of the first server that can be reached."""
        for _ in range(self._connections.count - 1):
            try:
                return await self._ask_one(method, request, timeout)
            except Unavailable as error:
                if error.reason:
                    raise
                self._connections.prefer(self._connections.next_address())
        return await self._ask_one(method, request, timeout)

    async def _ask_one(
        self,
        method: Method[Response],
        request: Message,
        timeout: float,  # noqa: ASYNC109
    ) -> Response:
        try:
            async with self._connections.preferred() as connection:
                call = method(connection.stub)
                return await call(request, timeout=timeout, metadata=self._metadata)
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
