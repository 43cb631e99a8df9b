"""Recordings too large for one message, through a stream, as if they were not."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from typing import TypeGuard

import grpc

from sori_client.config import Priority, RecognitionConfig, StreamConfig
from sori_client.errors import (
    CallStatus,
    ContractBroken,
    DeadlineExceeded,
    InvalidRequest,
    ServerError,
)
from sori_client.stream import RecognitionStream
from sori_client.types import Recognition, Result, ServerWarning

LOST = "RECOGNITION_FAILED"
"""Reason of the warning of a stream, and of the error of a recording, that misses words."""


def stream_config(config: RecognitionConfig) -> StreamConfig:
    """Settings of a stream that does what a recording with `config` asks for."""
    settings = {each.name: getattr(config, each.name) for each in fields(RecognitionConfig)}
    return StreamConfig(**settings, priority=Priority.BATCH)


async def recognition(stream: RecognitionStream, limit: float) -> Recognition:
    """The text of a recording, within so many seconds.

    Raises:
        DeadlineExceeded: it took longer.
        ServerError: a stretch of it could not be recognized.
        RemoteError: as of a recording in one message.
    """
    try:
        async with asyncio.timeout(limit), stream:
            results = tuple([event async for event in stream if _is_result(event)])
    except TimeoutError:
        message = f"the recording was not recognized within {limit:g} s"
        raise DeadlineExceeded(CallStatus(grpc.StatusCode.DEADLINE_EXCEEDED, message)) from None
    except InvalidRequest as error:
        raise type(error)(_as_of_a_message(error.status)) from error
    if stream.summary is None:
        raise ContractBroken("the stream ended well, without its summary")
    return Recognition(results, stream.summary)


def _is_result(event: object) -> TypeGuard[Result]:
    if isinstance(event, ServerWarning) and event.reason == LOST:
        code = grpc.StatusCode.INTERNAL
        raise ServerError(CallStatus(code, event.message, LOST, metadata=event.metadata))
    return isinstance(event, Result)


def _as_of_a_message(status: CallStatus) -> CallStatus:
    """A stream has the settings of its recognition one level deeper."""
    return replace(
        status,
        message=_path(status.message),
        metadata={name: _path(value) for name, value in status.metadata.items()},
        violations=tuple((_path(field), what) for field, what in status.violations),
    )


def _path(text: str) -> str:
    return text.replace("config.recognition.", "config.", 1)
