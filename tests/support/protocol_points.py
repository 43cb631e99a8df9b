"""The eight places of a stream at which its client may go, each reached by a stream of its own.

As a script, `protocol_points.py ADDRESS SLOW_ADDRESS`: prints `near` before what takes time, waits
for a line, prints `there` and stays.
"""

from __future__ import annotations

import asyncio
import enum
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
from sori.v1 import speech_pb2 as pb
from sori_server.engine.fake import SLOW_WORD
from support.raw_client import Stream, config_of
from support.word_audio import conversation, linear16, silence, speak

HOT = 0.15
"""Seconds after which what is under way is under way."""
LARGE = 200_000
"""Bytes of a message that does not fit into what a server takes unasked."""


class Point(enum.Enum):
    """Where a stream is."""

    BEFORE_CONFIG = enum.auto()
    AFTER_CONFIG = enum.auto()
    MID_FRAME = enum.auto()
    """A message is half there: the answers of its line have to be slow."""
    MID_UTTERANCE = enum.auto()
    REQUEST_IN_FLIGHT = enum.auto()
    """The model is at a window of it."""
    AFTER_INTERIM = enum.auto()
    """Of an utterance whose final is still to come."""
    DURING_FINALIZATION = enum.auto()
    AFTER_LAST_FINAL = enum.auto()


@asynccontextmanager
async def at_all_points(
    address: str, slow_address: str, near: Callable[[], Awaitable[None]]
) -> AsyncIterator[list[Stream]]:
    """Two streams at each of the points, each on a connection of its own; one can be resumed.

    `near` is called before those begin that do not stay for long where they are.
    """
    async with AsyncExitStack() as stack:
        places = [(point, resumable) for point in Point for resumable in (False, True)]
        streams = [
            await stack.enter_async_context(
                _stream(slow_address if point is Point.MID_FRAME else address)
            )
            for point, _ in places
        ]
        async with asyncio.TaskGroup() as tasks:
            for stream, (point, resumable) in zip(streams, places, strict=True):
                tasks.create_task(_approach(stream, point, resumable))
        await near()
        begun = [
            asyncio.create_task(_begin(stream, point))
            for stream, (point, _) in zip(streams, places, strict=True)
        ]
        await asyncio.sleep(HOT)
        try:
            yield streams
        finally:
            for stream in streams:
                stream.call.cancel()
            await asyncio.wait(begun)


def _stream(address: str) -> Stream:
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    return Stream(grpc.aio.insecure_channel(address, options=options))


async def _approach(stream: Stream, point: Point, resumable: bool) -> None:
    if point is Point.BEFORE_CONFIG:
        await stream.call.wait_for_connection()
        return
    resume = pb.ResumeOptions(enabled=resumable)
    interims = point is Point.AFTER_INTERIM
    await stream.send(config=config_of(interim_results=interims, resume=resume))
    await stream.until_kind("session_started")
    if point is Point.AFTER_LAST_FINAL:
        await stream.audio(linear16(conversation([range(10)])))
        await stream.until(lambda response: response.result.is_final)
        await stream.audio(linear16(silence(5)))
    elif point is not Point.AFTER_CONFIG:
        await stream.audio(linear16(speak(range(10))))
    if interims:
        await stream.until_kind("result")


async def _begin(stream: Stream, point: Point) -> None:
    """Begin what takes time."""
    if point is Point.MID_FRAME:
        await stream.send(audio=pb.AudioChunk(data=bytes(LARGE)))
    if point in (Point.REQUEST_IN_FLIGHT, Point.DURING_FINALIZATION):
        await stream.audio(linear16(speak([SLOW_WORD] * 3)))
    if point is Point.REQUEST_IN_FLIGHT:
        await stream.finalize()
    if point is Point.DURING_FINALIZATION:
        await stream.end_of_audio()


async def _main(address: str, slow_address: str) -> None:
    async def near() -> None:
        print("near", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    async with at_all_points(address, slow_address, near):
        print("there", flush=True)
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
