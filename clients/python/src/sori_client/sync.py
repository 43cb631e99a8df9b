"""The client for code without asyncio: the asyncio client on a thread of its own.

Same arguments, sources, events and errors; every method returns when its work is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Self

import grpc

from sori_client import client as asynchronous
from sori_client import stream as asynchronous_stream
from sori_client.channel import ChannelOptions
from sori_client.config import RecognitionConfig, StreamConfig
from sori_client.loop_thread import LoopThread
from sori_client.resume import Resume
from sori_client.sources.source import Source
from sori_client.timeouts import Timeouts
from sori_client.types import (
    CONTAINER,
    AudioFormat,
    Event,
    Model,
    Recognition,
    ServerInfo,
    SessionStarted,
    Summary,
)


class Client:
    """As `sori_client.Client`; use it in `with`, from any thread.

    Calls of several threads run side by side. Ctrl-C ends the call that waits.
    """

    def __init__(
        self,
        address: str | Sequence[str],
        *,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        resume: Resume | None = asynchronous.DEFAULT_RESUME,
        options: ChannelOptions = (),
    ) -> None:
        self._client = asynchronous.Client(
            address,
            credentials=credentials,
            metadata=metadata,
            timeouts=timeouts,
            resume=resume,
            options=options,
        )
        self._loop = LoopThread()

    def stream(self, source: Source, config: StreamConfig | None = None) -> RecognitionStream:
        """A stream of the source's audio; nothing is sent before it is entered or iterated."""
        return RecognitionStream(self._client.stream(source, config), self._loop)

    def recognize(
        self,
        recording: str | PathLike[str] | bytes,
        config: RecognitionConfig | None = None,
        format: AudioFormat = CONTAINER,
    ) -> Recognition:
        """The text of a whole recording: a path, or the bytes of a file, of any container.

        A large one goes through a stream: servers take no larger message.

        Raises:
            OSError: the file cannot be read.
            ServerError: a stretch of it could not be recognized.
        """
        return self._loop.run(self._client.recognize(recording, config, format))

    def list_models(self) -> tuple[Model, ...]:
        """All models that can be named in a configuration."""
        return self._loop.run(self._client.list_models())

    def server_info(self) -> ServerInfo:
        """Version, limits and load of the server."""
        return self._loop.run(self._client.server_info())

    def close(self) -> None:
        """Ends all calls, the connection and the thread; later calls raise ConnectionLost."""
        self._loop.run_unless_stopped(self._client.aclose())
        self._loop.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class RecognitionStream:
    """Events of one stream, for `for`; iterated once. Otherwise as the asyncio one."""

    def __init__(self, stream: asynchronous_stream.RecognitionStream, loop: LoopThread) -> None:
        self._stream = stream
        self._loop = loop

    @property
    def session(self) -> SessionStarted | None:
        """What the server said first, on the newest connection; None until it has."""
        return self._stream.session

    @property
    def summary(self) -> Summary | None:
        """Totals; None until the stream has ended well."""
        return self._stream.summary

    def receive(self) -> Event | None:
        """The next event; None after the last one."""
        return self._loop.run(self._stream.receive())

    def finalize(self, request_id: str = "") -> None:
        """Ends the current utterance after the audio sent so far.

        Raises:
            StreamEnded: the end of audio was sent, or the call is over.
        """
        self._loop.run(self._stream.finalize(request_id))

    def keep_alive(self) -> None:
        """Keeps a stream without audio from timing out.

        Raises:
            StreamEnded: the end of audio was sent, or the call is over.
        """
        self._loop.run(self._stream.keep_alive())

    def end(self) -> None:
        """Ends the audio before the source does; the remaining events still come."""
        self._loop.run(self._stream.end())

    def close(self) -> None:
        """Cancels the call, if it is not over, and closes the source."""
        self._loop.run_unless_stopped(self._stream.aclose())

    def __enter__(self) -> Self:
        self._loop.run(self._stream.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        try:
            while (event := self.receive()) is not None:
                yield event
        finally:
            self.close()
