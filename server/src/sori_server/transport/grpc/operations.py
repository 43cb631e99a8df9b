"""What handlers have gRPC do: deadlines for all of it, and nothing that is left half done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError

from sori_server.domain.errors import IdleTimeout, ProtocolViolation, SlowReader
from sori_server.domain.limits import Limits

Request = TypeVar("Request")
Response = TypeVar("Response")
Result = TypeVar("Result")


def to_its_end(operation: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Have gRPC do it, whether somebody waits for it or not.

    It frees a message, and the buffers of the connection that it lies in, only for those who wait
    until the end.
    """
    task = asyncio.create_task(operation)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def next_request(
    requests: AsyncIterator[Request], limits: Limits, deadline: str
) -> Request | None:
    """The next request of a call, None after the last; `deadline` is the limit it has to keep.

    Raises:
        IdleTimeout: it was not there in time.
        ProtocolViolation: what came is no message of the contract.
    """
    limit: float = getattr(limits, deadline)
    reading = to_its_end(decoded(anext(requests, None)))
    if not (await asyncio.wait((reading,), timeout=limit))[0]:
        raise IdleTimeout(
            f"the request was not received within {limit:g} s",
            metadata={deadline: f"{limit:g}"},
        )
    return reading.result()


async def only_request(requests: AsyncIterator[Request], limits: Limits, deadline: str) -> Request:
    """The one request of a call.

    Raises:
        IdleTimeout, ProtocolViolation: as `next_request`; or nothing came.
    """
    request = await next_request(requests, limits, deadline)
    if request is None:
        raise ProtocolViolation("request: nothing was sent", metadata={"field": "request"})
    return request


async def write(context: grpc.aio.ServicerContext[Request, Response], response: Response) -> None:
    """Write one response. A client that is gone never takes it: gRPC cancels the call then."""
    writing = to_its_end(context.write(response))
    await asyncio.wait((writing,))
    try:
        writing.result()
    except grpc.aio.InternalError:
        await asyncio.get_running_loop().create_future()


async def write_in_time(
    context: grpc.aio.ServicerContext[Request, Response], response: Response, limits: Limits
) -> None:
    """Write one response.

    Raises:
        SlowReader: the client did not accept it in time.
    """
    limit = limits.write_timeout
    try:
        async with asyncio.timeout(limit):
            await write(context, response)
    except TimeoutError:
        raise SlowReader(f"a response was not accepted for {limit:g} s") from None


async def end(
    context: grpc.aio.ServicerContext[Request, Response], status: grpc.Status, limits: Limits
) -> None:
    """End a call with a status.

    It waits behind responses the client does not read; one that is gone takes it for ended.
    """
    ending = to_its_end(context.abort_with_status(status))
    if (await asyncio.wait((ending,), timeout=limits.write_timeout))[0]:
        with suppress(grpc.aio.InternalError):
            ending.result()


async def decoded(request: Awaitable[Result]) -> Result:
    """A request that is read.

    Raises:
        ProtocolViolation: what came is no message of the contract.
    """
    try:
        return await request
    except DecodeError:
        raise ProtocolViolation(
            "request: these bytes are no message of the contract", metadata={"field": "request"}
        ) from None
