"""A gateway on an event loop of its own, for callers on other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from sori_client import AudioFormat, ConnectionLost, Event, InvalidSetting, StreamConfig
from sori_client.loop_thread import LoopThread
from sori_client.wire.requests import config_request
from sori_client.wire.responses import event as event_of

from sori_server.app import open_gateway
from sori_server.domain.errors import InvalidConfig, RequestCancelled
from sori_server.domain.events import NumberedEvent
from sori_server.domain.limits import Limits
from sori_server.engine.models import ResolvedModel
from sori_server.runtime.door import Door
from sori_server.settings import Settings
from sori_server.transport.contract import requests, responses

T = TypeVar("T")

Deliver = Callable[[NumberedEvent], Awaitable[None]]


class LocalService:
    """One warm engine, its worker process and the thread its streams run on.

    Raises:
        EngineUnavailable: the model cannot be loaded.
    """

    def __init__(self, settings: Settings, model: ResolvedModel) -> None:
        self._loop = LoopThread()
        self._opened = AsyncExitStack()
        self._streams: set[asyncio.Task[None]] = set()
        self._closing = False
        self._one_closes = threading.Lock()
        try:
            opening = self._opened.enter_async_context(open_gateway(settings, model))
            self._gateway = self._loop.run(opening)
        except BaseException:
            self._loop.stop()
            raise

    @property
    def limits(self) -> Limits:
        """The bounds of its streams."""
        return self._gateway.limits

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of `coroutine`; when the wait is interrupted, it is cancelled.

        Raises:
            RequestCancelled: the service was closed, before or meanwhile.
        """
        try:
            return self._loop.run(coroutine)
        except ConnectionLost:
            raise _closed() from None

    def start(self, stream: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Run a stream, which raises nothing, until it ends or `stop` is called.

        Raises:
            RequestCancelled: the service was closed.
        """
        return self.run(self._start(stream))

    def stop(self, stream: asyncio.Task[None]) -> None:
        """Cancel a stream, if it has not ended, and wait for its end."""
        self._loop.run_unless_stopped(_stopped([stream]))

    def close(self) -> None:
        """End all streams, the worker process and the thread. Idempotent, from any thread."""
        with self._one_closes:
            self._loop.run_unless_stopped(self._close())
            self._loop.stop()

    async def serve(
        self,
        config: StreamConfig,
        audio: AudioFormat,
        door: Callable[[Deliver], Door],
        heard: Callable[[Event], Awaitable[None]],
    ) -> None:
        """Serve one stream; its events go to `heard`, as a client of the contract has them.

        Raises:
            SoriError: why the stream ended early; the words before it were heard.
        """
        gateway = self._gateway
        try:
            message = config_request(config, audio).config
        except InvalidSetting as error:
            raise InvalidConfig("config", str(error)) from None
        wanted = requests.stream_config(message, gateway.limits, gateway.preset)
        with gateway.stream(wanted) as runner:

            async def deliver(numbered: NumberedEvent) -> None:
                event = event_of(responses.stream_response(numbered, runner, gateway))
                if event is not None:
                    await heard(event)

            await runner.run(door(deliver))

    async def _start(self, stream: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        if self._closing:
            raise _closed()
        task = asyncio.create_task(stream(), name="sori-stream")
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        return task

    async def _close(self) -> None:
        self._closing = True
        await _stopped(list(self._streams))
        await self._opened.aclose()


async def _stopped(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _closed() -> RequestCancelled:
    return RequestCancelled("the recognizer was closed")
