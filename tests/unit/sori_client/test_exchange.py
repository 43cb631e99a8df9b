"""One call of a stream, where two things happen in the same turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

import pytest
from sori.v1 import speech_pb2 as pb
from sori_client.errors import DeadlineExceeded
from sori_client.exchange import Exchange

pytestmark = pytest.mark.unit

START_WITHIN = 0.1
END = pb.StreamingRecognizeRequest(end_of_audio=pb.EndOfAudio())


class MuteCall:
    """A call that is never answered, and takes the end of the audio when it is told to."""

    def __init__(self) -> None:
        self.taking = asyncio.Event()

    async def write(self, request: pb.StreamingRecognizeRequest) -> None:
        if request.HasField("end_of_audio"):
            await self.taking.wait()

    def add_done_callback(self, callback: Callable[[object], None]) -> None: ...

    def cancel(self) -> None: ...

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pb.StreamingRecognizeResponse:
        await asyncio.get_running_loop().create_future()
        raise AssertionError


class OnlyTheEnd:
    """An outbox with one message."""

    def __init__(self) -> None:
        self._left = [END]

    async def next(self) -> pb.StreamingRecognizeRequest:
        if not self._left:
            await asyncio.get_running_loop().create_future()
        return self._left.pop()


async def test_an_end_that_is_taken_as_the_patience_ends_changes_no_error() -> None:
    async def receive(_: pb.StreamingRecognizeResponse) -> None: ...

    call = MuteCall()
    exchange = Exchange(call, receive, OnlyTheEnd(), START_WITHIN, 10.0)  # type: ignore[arg-type]
    running = asyncio.ensure_future(exchange.run(pb.StreamingRecognizeRequest()))
    await asyncio.sleep(START_WITHIN / 10)
    assert exchange._reading is not None
    expires = exchange._reading.when()
    assert expires is not None
    asyncio.get_running_loop().call_at(expires - 1e-7, call.taking.set)
    with pytest.raises(DeadlineExceeded, match=r"0\.1 s"):
        await running
