"""Which language a stream speaks: named, chosen among several, or detected."""

from __future__ import annotations

from typing import Final

from sori_server.domain.audio import samples
from sori_server.domain.config import RecognitionConfig
from sori_server.domain.recognition import Hypothesis

CONFIDENT: Final = 0.8
"""Least confidence at which a detected language is believed."""
ENOUGH_AUDIO: Final = samples(1.0)
"""Shortest window whose language is believed for the rest of the stream."""


class LanguageChoice:
    """The languages the next window is decoded in, and whether to trust what was detected.

    A language is detected from the encoding that is decoded anyway, so detection costs no
    audio and delays nothing: windows are detected one by one until one of them is long and
    clear enough, and its language then stays, unless the stream switches languages.
    """

    def __init__(self, config: RecognitionConfig) -> None:
        self._languages = config.languages
        self._switching = config.language_switching

    @property
    def languages(self) -> tuple[str, ...]:
        """What to choose among; one when there is no choice any more, none for all."""
        return self._languages

    def hear(self, heard: Hypothesis) -> None:
        """Take note of the language of a window."""
        if self._switching or len(self._languages) == 1 or not heard.text:
            return
        if self.sure(heard) and len(heard.span) >= ENOUGH_AUDIO and not heard.doubtful:
            self._languages = (heard.language,)

    def sure(self, heard: Hypothesis) -> bool:
        """Whether the window's text is in the right language for all one can tell."""
        return heard.language_confidence >= CONFIDENT
