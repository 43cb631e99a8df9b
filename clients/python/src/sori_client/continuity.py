"""What a server tells again that took a session over. No I/O."""

from __future__ import annotations

from sori_client.types import Event, Result, SpeechEvent, SpeechEventType


class Continuity:
    """Holds back what was told before, or takes it back, after a session was resumed.

    A server that takes over from another hears the open utterance from its start: its first
    interim results have less committed text than was shown, and speech starts once more.

    Attributes:
        was_resumed: whether another connection went on with the session.
    """

    def __init__(self) -> None:
        self.was_resumed = False
        self._shown: dict[int, Result] = {}
        self._offsets: dict[tuple[SpeechEventType, int], float] = {}

    def resumed(self) -> None:
        """Another connection goes on with the session."""
        self.was_resumed = True

    def passes(self, event: Event) -> bool:
        """Whether an event is told; all are, as long as nothing was resumed."""
        if isinstance(event, Result):
            return self._passes_result(event)
        if isinstance(event, SpeechEvent):
            return self._passes_speech(event)
        return True

    def _passes_result(self, result: Result) -> bool:
        shown = self._shown.get(result.channel)
        if self.was_resumed and shown is not None and not result.is_final:
            same = shown.utterance_index == result.utterance_index
            if same and not result.committed_text.startswith(shown.committed_text):
                return False
        self._shown[result.channel] = result
        return True

    def _passes_speech(self, event: SpeechEvent) -> bool:
        key = event.type, event.channel
        if self.was_resumed and event.offset <= self._offsets.get(key, -1.0):
            return False
        self._offsets[key] = event.offset
        return True
