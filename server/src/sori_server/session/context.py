"""The text before a window: what the client gave, what was said, what was committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sori_server.domain.config import RecognitionConfig
from sori_server.session.text import Token, join, tokenize

PROMPT_CHARACTERS: Final = 400
"""Most earlier text given as prompt to the window that follows it."""


class Context:
    """Prompts for the windows of one channel.

    Earlier text is forgotten when the language changes or the model doubts what it wrote:
    it would then mislead more than it helps.
    """

    def __init__(self, config: RecognitionConfig) -> None:
        self._given = config.adaptation.initial_prompt.strip()
        self._follows = bool(config.condition_on_previous_text)
        self._said = ""
        self._language = ""

    @property
    def follows_text(self) -> bool:
        """Whether the text of one utterance is in the prompt of the next."""
        return self._follows

    def add(self, text: str, language: str, *, doubtful: bool) -> None:
        """Take note of what an utterance said."""
        if not self._follows or not text:
            return
        kept = self._said if language == self._language else ""
        self._said = "" if doubtful else f"{kept} {text}"[-PROMPT_CHARACTERS:]
        self._language = language

    def prompt(self, sealed: Sequence[Token], again: int = 0) -> str:
        """The prompt of a window that follows the `sealed` tokens of its utterance.

        The last `again` words before the utterance are left out: the window hears them again,
        and Whisper takes what is in the prompt for over.
        """
        said = tokenize(self._said, self._language)
        earlier = join([*said[: max(len(said) - again, 0)], *sealed])[-PROMPT_CHARACTERS:].strip()
        return f"{self._given} {earlier}".strip()
