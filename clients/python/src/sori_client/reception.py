"""What the responses of one session say, checked against the contract. No I/O."""

from __future__ import annotations

import grpc
from sori.v1 import speech_pb2 as pb

from sori_client.errors import CallStatus, ContractBroken, SequenceError, SessionLost
from sori_client.types import Event, SessionStarted, Summary
from sori_client.wire import responses


class Reception:
    """Turns responses into events and proves that none is missing, repeated or late.

    Call `receive()` for every response in order, over all connections of the session, then
    `complete()` when the last call ended well.

    Attributes:
        session: what the server said first, on the newest connection.
        summary: what it said last.
        sequence: number of the last response.
        token: the newest secret that resumes the session; empty when nothing does.
        committed: bytes of audio that no server asks for again.
    """

    def __init__(self) -> None:
        self.session: SessionStarted | None = None
        self.summary: Summary | None = None
        self.sequence = 0
        self.token = ""
        self.committed = 0

    def receive(self, response: pb.StreamingRecognizeResponse) -> Event | None:
        """The event of `response`; None for kinds this client does not know.

        Raises:
            SessionLost: it begins another session instead of going on with this one.
            SequenceError: a response before this one is missing, or this one came twice.
        """
        if response.HasField("session_started"):
            self._check_session(response.session_started)
        expected = self.sequence + 1
        if response.sequence != expected:
            raise SequenceError(expected, response.sequence)
        self.sequence = expected
        self.token = _token(response) or self.token
        self.committed = max(self.committed, response.progress.committed_byte_offset)
        event = responses.event(response)
        if isinstance(event, SessionStarted):
            self.session = event
        elif isinstance(event, Summary):
            self.summary = event
        return event

    def complete(self) -> None:
        """Accepts the end of the call.

        Raises:
            ContractBroken: the last response is missing.
        """
        if self.summary is None:
            raise ContractBroken("the server ended the stream without its summary")

    def _check_session(self, started: pb.SessionStarted) -> None:
        if self.session is not None and not started.resumed:
            message = "the server does not resume sessions"
            raise SessionLost(CallStatus(grpc.StatusCode.NOT_FOUND, message))


def _token(response: pb.StreamingRecognizeResponse) -> str:
    """The token a response brings; empty for most."""
    kind = response.WhichOneof("response")
    return getattr(getattr(response, kind), "resume_token", "") if kind else ""
