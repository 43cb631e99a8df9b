"""A complete recording as a client that sends it all and keeps what it is told."""

from __future__ import annotations

from sori_server.domain.audio import seconds
from sori_server.domain.errors import RecognitionFailed
from sori_server.domain.events import NumberedEvent, Result, SessionSummary, WindowLost
from sori_server.runtime.door import AudioBytes, ClientMessage, EndOfAudio


class RecordingDoor:
    """Feeds `recording` to a runner in pieces and collects the final results."""

    def __init__(self, recording: bytes, piece_bytes: int) -> None:
        self._recording = memoryview(recording)
        self._piece_bytes = piece_bytes
        self._sent = 0
        self._lost: WindowLost | None = None
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
        """Keep final results and totals, and the first thing that went wrong."""
        match event.event:
            case Result(is_final=True) as result:
                self.results.append(result)
            case WindowLost() as lost:
                self._lost = self._lost or lost
            case SessionSummary() as summary:
                self.summary = summary

    def check_complete(self) -> None:
        """Ask after the run whether the results are those of the whole recording.

        Raises:
            RecognitionFailed: a stretch of it could not be recognized.
        """
        if self._lost is not None:
            span = self._lost.span
            start, end = f"{seconds(span.start):.3f}", f"{seconds(span.end):.3f}"
            raise RecognitionFailed(
                f"audio from {start} s to {end} s could not be recognized",
                metadata={"start": start, "end": end},
            )
