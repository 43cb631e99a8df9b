"""Early finals: the last window of an utterance, asked for before its silence is long enough.

Some silence after speech is all that a final window has of it. Once that much has passed, no
more silence changes the window, only speech does: the model may read it while the rest of the
silence is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sori_server.domain.recognition import Hypothesis, RecognitionRequest
from sori_server.session.requests import Requests
from sori_server.session.utterance import Utterance


@dataclass(slots=True)
class EarlyFinal:
    """The early final of a pause: under way, then heard or lost."""

    request: RecognitionRequest
    request_id: int
    utterance: Utterance
    heard: Hypothesis | None = None
    lost: bool = False

    @property
    def under_way(self) -> bool:
        """Whether the engine has it."""
        return self.heard is None and not self.lost

    def serves(self, wanted: RecognitionRequest) -> bool:
        """Whether its text is that of the window wanted.

        The stream may have come to hold a language since: one it was heard in is no other.
        """
        options = wanted.options
        if self.heard is not None and options.languages == (self.heard.language,):
            options = replace(options, languages=self.request.options.languages)
        same = replace(wanted, options=options, ahead=self.request.ahead) == self.request
        return same and not self.lost


class EarlyFinals:
    """The early finals of one channel: at most one in each pause, none while somebody speaks."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._latest: EarlyFinal | None = None

    @property
    def asked(self) -> bool:
        """Whether there is one for the present pause, though it may be lost."""
        return self._latest is not None

    def asked_to(self, end: int) -> bool:
        """Whether there is one for the pause in which a final window would end there."""
        return self._latest is not None and self._latest.request.end == end

    def ask(self, request: RecognitionRequest, utterance: Utterance) -> None:
        """Ask for the one of a pause; that of a pause before it is dropped."""
        self.drop()
        request_id = self._requests.ask(request, utterance)
        self._latest = EarlyFinal(request, request_id, utterance)

    def receive(self, heard: Hypothesis) -> None:
        """Take its text."""
        if self._latest is not None:
            self._latest.heard = heard

    def lose(self) -> None:
        """It will have no text."""
        if self._latest is not None:
            self._latest.lost = True

    def drop(self) -> None:
        """Speech goes on, or ended otherwise: nobody waits for it any more."""
        if self._latest is not None and self._latest.under_way:
            self._requests.withdraw(self._latest.request_id)
        self._latest = None

    def take(self, wanted: RecognitionRequest, utterance: Utterance) -> EarlyFinal | None:
        """The one that serves as the final window of its utterance, which has ended.

        One under way is then its final request. None when the window has to be asked for.
        """
        latest = self._latest
        if latest is None or latest.utterance is not utterance:
            return None
        if not latest.serves(wanted):
            self.drop()
            return None
        self._latest = None
        return latest
