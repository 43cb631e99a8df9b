"""A client that resumes, one connection at a time, and says itself when a connection is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sori.v1 import speech_pb2 as pb
from support.raw_client import CHUNK, Stream, config_of
from support.speech_server import Served


class ResumingStream(Stream):
    """A connection of a session that can be resumed."""

    @property
    def started(self) -> pb.SessionStarted:
        """The first response of the connection."""
        return self.responses[0].session_started

    @property
    def token(self) -> str:
        """The newest token."""
        return next(filter(None, map(token_of, reversed(self.responses))))

    @property
    def last_sequence(self) -> int:
        return self.responses[-1].sequence

    async def until_started(self) -> pb.SessionStarted:
        """What the first response says."""
        return (await self.until_kind("session_started")).session_started

    async def audio_from(self, data: bytes, start: int, end: int | None = None) -> None:
        """Send part of all audio of the session, each chunk with its place."""
        end = len(data) if end is None else end
        for place in range(start, end, CHUNK):
            piece = data[place : min(place + CHUNK, end)]
            await self.send(audio=pb.AudioChunk(data=piece, byte_offset=place))

    async def acknowledge(self, sequence: int | None = None) -> None:
        """Say that responses up to this one, or all, were received."""
        number = self.last_sequence if sequence is None else sequence
        await self.send(response_ack=pb.ResponseAck(sequence=number))


def token_of(response: pb.StreamingRecognizeResponse) -> str:
    """The token in a response, if it has one."""
    message = getattr(response, response.WhichOneof("response") or "session_started")
    return getattr(message, "resume_token", "")


@dataclass
class Resuming:
    """What a client keeps of a session over its connections."""

    served: Served
    settings: dict[str, object] = field(default_factory=dict)
    authorization: str = ""
    responses: list[pb.StreamingRecognizeResponse] = field(default_factory=list)

    @asynccontextmanager
    async def connection(
        self, token: str = "", last_sequence: int | None = None, served: Served | None = None
    ) -> AsyncIterator[ResumingStream]:
        """A connection; what it received counts as received by the client once it is over."""
        sequence = self.last_sequence if last_sequence is None else last_sequence
        metadata = (("authorization", self.authorization),) if self.authorization else ()
        stream = ResumingStream((served or self.served).channel(), metadata=metadata)
        resume = pb.ResumeOptions(enabled=True, resume_token=token, last_sequence=sequence)
        async with stream:
            await stream.send(config=config_of(resume=resume, **self.settings))
            yield stream
            stream.call.cancel()
            await stream.ended()
        self.responses += stream.responses

    @property
    def last_sequence(self) -> int:
        return self.responses[-1].sequence if self.responses else 0

    @property
    def token(self) -> str:
        """The newest token received."""
        return next(filter(None, map(token_of, reversed(self.responses))), "")

    @property
    def texts(self) -> list[str]:
        """The texts of the finals of all connections."""
        return [
            response.result.alternatives[0].committed_text
            for response in self.responses
            if response.result.is_final
        ]

    def assert_dense(self) -> None:
        """Fail unless the responses are numbered 1, 2, 3, ... over all connections."""
        numbers = [response.sequence for response in self.responses]
        assert numbers == list(range(1, len(numbers) + 1))
