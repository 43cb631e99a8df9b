"""What reads bytes of strangers, each as a function of bytes that raises nothing undocumented.

The code is the real one, from the bytes to what is told of them; only sockets and the model are
left out. Errors a user is told of are swallowed, if they are told as such: an error that a door
would have to call internal is a failure.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Final, cast

import grpc
from google.protobuf.message import DecodeError
from sori.v1 import speech_pb2 as pb
from sori_client.wire import responses as client_responses
from sori_client.wire.status import call_status
from sori_server.domain.audio import AudioFormat
from sori_server.domain.checkpoint import ChannelPoint, Checkpoint
from sori_server.domain.errors import InvalidAudio, ResumeTokenInvalid, SoriError
from sori_server.domain.limits import Limits
from sori_server.media.reading import PageWatch, Refused, in_reading_order
from sori_server.media.sniffing import sniff
from sori_server.media.wav import WavDecoder
from sori_server.runtime.gateway import Gateway
from sori_server.runtime.resume_point import resume_point
from sori_server.runtime.resume_tokens import ResumeTokens, Ticket, Turn
from sori_server.runtime.validation import check_stream
from sori_server.transport.bridge.errors import refusal
from sori_server.transport.bridge.plain import Plain
from sori_server.transport.bridge.socket import Dialect
from sori_server.transport.bridge.v1 import V1
from sori_server.transport.contract import requests
from sori_server.transport.grpc.service import SpeechService
from sori_server.transport.grpc.status import grpc_status
from support.in_process import ScriptedEngine
from support.resuming import token_of
from yarl import URL

Target = Callable[[bytes], None]

LIMITS: Final = Limits(half_close_grace=0.0, max_decoders=0)
"""No decoder may be started: what FFmpeg reads is tested elsewhere."""
AGAIN: Final = b"\xff"
"""Stands for the end of a connection; what follows is sent on another one, to the same server."""
ELSEWHERE: Final = b"\xfe"
"""The same, to another server with the same secret."""
NEWEST: Final = "newest"
"""A resume token that stands for the newest one received."""
SECRET: Final = b"a secret of the servers, which is long"
INTERNAL: Final = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})
PATIENCE: Final = 20.0


def packed(messages: Sequence[bytes]) -> bytes:
    """Messages as one input of `stream`: each with two bytes of length before it."""
    return b"".join(len(each).to_bytes(2, "big") + each for each in messages)


def unpacked(data: bytes) -> list[bytes]:
    """The messages in any bytes; the last one may be cut off."""
    messages, place = [], 0
    while place + 2 <= len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        messages.append(data[place + 2 : end])
        place = end
    return messages


# -------------------------------------------------------------------------------- gRPC


def stream(data: bytes) -> None:
    """`StreamingRecognize` over one connection or several."""
    asyncio.run(_streamed(unpacked(data)))


def recording(data: bytes) -> None:
    """`Recognize`."""
    asyncio.run(_recognized(data))


class _Call:
    """What gRPC shows a service of one call."""

    def __init__(self, messages: Sequence[bytes], tokens: Sequence[str]) -> None:
        self._messages = iter(messages)
        self._tokens = tokens
        self.responses: list[pb.StreamingRecognizeResponse] = []

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    async def read(self) -> object:
        data = next(self._messages, None)
        if data is None:
            return grpc.aio.EOF
        message = pb.StreamingRecognizeRequest.FromString(data)
        if message.config.resume.resume_token == NEWEST:
            message.config.resume.resume_token = self._tokens[-1] if self._tokens else ""
        return message

    async def write(self, response: pb.StreamingRecognizeResponse) -> None:
        response.SerializeToString()
        self.responses.append(response)


async def _streamed(messages: Sequence[bytes]) -> None:
    with _nothing_unhandled():
        async with _gateway() as here, _gateway() as elsewhere:
            servers, tokens = [here, elsewhere], [""]
            for connection, moves in connections(messages):
                call = _Call(connection, tokens)
                async with asyncio.timeout(PATIENCE):
                    with _told():
                        await SpeechService(servers[0]).stream(None, cast(Any, call))
                tokens += filter(None, map(token_of, call.responses))
                if moves:
                    servers.reverse()


def connections(messages: Sequence[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """What is sent on each connection, and whether the next one is to the other server."""
    connection: list[bytes] = []
    for message in messages:
        if message in {AGAIN, ELSEWHERE}:
            yield connection, message == ELSEWHERE
            connection = []
        else:
            connection.append(message)
    yield connection, False


async def _recognized(data: bytes) -> None:
    async def request() -> AsyncIterator[pb.RecognizeRequest]:
        yield pb.RecognizeRequest.FromString(data)  # as gRPC does, in the service's hands

    with _nothing_unhandled():
        async with _gateway() as gateway:
            async with asyncio.timeout(PATIENCE):
                with _told():
                    answer = await SpeechService(gateway).recognize(request(), None)
                    answer.SerializeToString()


@contextlib.asynccontextmanager
async def _gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway(ScriptedEngine(), LIMITS, resume_secret=SECRET)
    async with gateway:
        yield gateway
    assert gateway.active_streams == 0


@contextlib.contextmanager
def _nothing_unhandled() -> Iterator[None]:
    """No task may end with an error that nobody looks at."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    yield
    assert not found, found


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """A call may end with a status, but not with one that says that it was the server."""
    told = None
    try:
        yield
    except SoriError as error:
        told = grpc_status(error).code
    assert told not in INTERNAL


# ------------------------------------------------------------------------------ bridge


def v1(data: bytes) -> None:
    """Text frames of WebSocket protocol v1, with a zero byte between each two."""
    _dialogue(V1(LIMITS), data.split(b"\0"))


def plain(data: bytes) -> None:
    """The query and then the text frames of a stream in the plain protocol."""
    query, *frames = data.split(b"\0")
    url = URL.build(path="/", query_string=query.decode(errors="surrogateescape"), encoded=True)
    settings = {name: url.query.getall(name) for name in url.query}
    dialect = Plain(settings, LIMITS)
    if _is_taken(dialect, dialect.check):
        [config, _] = dialect.opening(pb.StreamingRecognizeRequest())
        _is_taken(dialect, lambda: _check(config))
    _dialogue(Plain(settings, LIMITS), frames)


def _dialogue(dialect: Dialect, frames: Sequence[bytes]) -> None:
    """Each frame by itself, so that those behind a bad one are read as well."""
    for frame in frames:
        _is_taken(dialect, lambda frame=frame: _take(dialect, frame))  # type: ignore[misc]


def _take(dialect: Dialect, frame: bytes) -> None:
    _check(dialect.request_of(frame.decode(errors="replace")))


def _check(request: pb.StreamingRecognizeRequest) -> None:
    if request.HasField("config"):
        check_stream(requests.stream_config(request.config, LIMITS), _MODEL, LIMITS)
    else:
        requests.client_message(request, LIMITS)


def _is_taken(dialect: Dialect, action: Callable[[], object]) -> bool:
    """Whether `action` does not end the stream; if it does, the client can be told why."""
    try:
        action()
    except SoriError as error:
        told = error
    else:
        return True
    json.loads(dialect.error_text(told))
    assert refusal(told).close_code != _INTERNAL_CLOSE
    return False


_INTERNAL_CLOSE: Final = 1011
_MODEL: Final = ScriptedEngine().model


# ------------------------------------------------------------------------ audio, tokens


def media(data: bytes) -> None:
    """The head of a file. The first byte says how it is cut, and how many channels are apart."""
    if not data:
        return
    apart, size, data = data[0] % 3, 1 + data[0], data[1:]
    decoder = WavDecoder(apart)
    with contextlib.suppress(InvalidAudio):
        for start in range(0, len(data), size):
            decoder.feed(data[start : start + size])
        decoder.close()
        decoder.check_complete()
    with contextlib.suppress(InvalidAudio):
        sniff(data)
    with contextlib.suppress(Refused):
        in_reading_order(_Pieces(data, size), most=1024).read()
    pages = PageWatch(_Pieces(data, size))
    while pages.read():
        _ = pages.cut


class _Pieces:
    """Bytes that come in pieces."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = memoryview(data)
        self._most = most

    def read(self, size: int = -1) -> bytes:
        size = self._most if size < 0 else min(size, self._most)
        piece, self._data = self._data[:size], self._data[size:]
        return bytes(piece)


def token(data: bytes) -> None:
    """What a client has shown of who it is, a zero byte, and a token: as text, and well signed."""
    shown, _, given = data.partition(b"\0")
    authorization = shown.decode(errors="replace")
    tokens = ResumeTokens(SECRET, time.time)
    assert tokens.read(tokens.make(_TICKET, authorization), authorization) == _TICKET
    with contextlib.suppress(ResumeTokenInvalid):
        tokens.read(given.decode(errors="replace"), authorization)
    signed = given + tokens._mac(given, authorization)
    with contextlib.suppress(ResumeTokenInvalid):
        ticket = tokens.read(base64.urlsafe_b64encode(signed).decode().rstrip("="), authorization)
        tokens.expired(ticket)
        resume_point(ticket.checkpoint, _FORMAT)


_TICKET: Final = Ticket("name", Turn.first(), 2e9, Checkpoint((ChannelPoint(48_000, 3),)))
_FORMAT: Final = AudioFormat(next(iter(requests.ENCODINGS.values())), 44_100, 2)


# ------------------------------------------------------------------------------ client


def responses(data: bytes) -> None:
    """What a server answers a client: a response, a recording's text, the details of a status."""
    with contextlib.suppress(DecodeError):
        client_responses.event(pb.StreamingRecognizeResponse.FromString(data))
    with contextlib.suppress(DecodeError):
        client_responses.recognition(pb.RecognizeResponse.FromString(data))
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", data))
    failure = grpc.aio.AioRpcError(grpc.StatusCode.ABORTED, grpc.aio.Metadata(), trailers, "why")
    call_status(failure)


TARGETS: Final[dict[str, Target]] = {
    "stream": stream,
    "recording": recording,
    "v1": v1,
    "plain": plain,
    "media": media,
    "token": token,
    "responses": responses,
}
