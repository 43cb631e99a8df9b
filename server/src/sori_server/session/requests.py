"""The windows a session asked for, by request id, and who waits for their text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sori_server.domain.recognition import RecognitionRequest, WindowKind
from sori_server.session.utterance import Utterance


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose text a window's is: an utterance of the channel at this place."""

    channel: int
    utterance: Utterance
    kind: WindowKind
    ahead: int = 0
    """How many samples before its text was wanted it was asked for."""


class Requests:
    """Requests of all channels of a session, numbered in one row."""

    def __init__(self) -> None:
        self._owners: dict[int, Owner] = {}
        self._asked: list[RecognitionRequest] = []
        self._withdrawn: list[int] = []
        self._last = 0

    def ask(self, request: RecognitionRequest, utterance: Utterance) -> int:
        """Ask for a window of the utterance; its number."""
        self._last += 1
        self._asked.append(replace(request, request_id=self._last))
        self._owners[self._last] = Owner(request.channel, utterance, request.kind, request.ahead)
        return self._last

    def withdraw(self, request_id: int) -> None:
        """Nobody waits for this window any more."""
        self._withdrawn.append(request_id)
        del self._owners[request_id]

    def settle(self, request_id: int) -> Owner | None:
        """Whose window was answered; None when it was withdrawn."""
        return self._owners.pop(request_id, None)

    def asked(self) -> list[RecognitionRequest]:
        """What was asked since the last call."""
        asked, self._asked = self._asked, []
        return asked

    def withdrawn(self) -> list[int]:
        """What was withdrawn since the last call."""
        withdrawn, self._withdrawn = self._withdrawn, []
        return withdrawn
