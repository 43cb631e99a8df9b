"""A complete recording as a client that sends it all and keeps what it is told."""

from __future__ import annotations

from sori_server.domain.events import NumberedEvent, Result, SessionSummary
from sori_server.runtime.door import AudioBytes, ClientMessage, EndOfAudio


class RecordingDoor:
    """Feeds `recording` to a runner in pieces and collects the final results."""

    def __init__(self, recording: bytes, piece_bytes: int) -> None:
        self._recording = memoryview(recording)
        self._piece_bytes = piece_bytes
        self._sent = 0
        self.results: list[Result] = []
        self.summary = SessionSummary(0, 0, 0, 0.0)

    async def receive(self) -> ClientMessage | None:
        """The next piece, then the end of audio."""
        piece = self._recording[self._sent : self._sent + self._piece_bytes]
        if not piece:
            return EndOfAudio(self._sent)
        self._sent += len(piece)
        return AudioBytes(bytes(piece))

    async def send(self, event: NumberedEvent) -> None:
        """Keep final results and totals."""
        if isinstance(event.event, Result) and event.event.is_final:
            self.results.append(event.event)
        elif isinstance(event.event, SessionSummary):
            self.summary = event.event
