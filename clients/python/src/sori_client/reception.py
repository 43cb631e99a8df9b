"""What the responses of one stream say, checked against the contract. No I/O."""

from __future__ import annotations

from sori.v1 import speech_pb2 as pb

from sori_client.errors import ContractBroken, SequenceError
from sori_client.types import Event, SessionStarted, Summary
from sori_client.wire import responses


class Reception:
    """Turns responses into events and proves that none is missing, repeated or late.

    Call `receive()` for every response in order, then `complete()` when the call ended
    well.

    Attributes:
        session: what the server said first.
        summary: what it said last.
    """

    def __init__(self) -> None:
        self._received = 0
        self.session: SessionStarted | None = None
        self.summary: Summary | None = None

    def receive(self, response: pb.StreamingRecognizeResponse) -> Event | None:
        """The event of `response`; None for kinds this client does not know.

        Raises:
            SequenceError: a response before this one is missing, or this one came twice.
        """
        expected = self._received + 1
        if response.sequence != expected:
            raise SequenceError(expected, response.sequence)
        self._received = expected
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
