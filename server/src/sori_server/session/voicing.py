"""Which frames held speech: where words really start."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from sori_server.domain.recognition import Hypothesis, Word


class Voicing:
    """Speech probabilities of one channel as voiced or not, as far back as windows reach.

    Whisper's alignment gives the silence between two words to the second one. A word that
    starts in silence is therefore placed at the first voiced frame it has.
    """

    def __init__(self, frame: int, threshold: float, start: int = 0) -> None:
        """`frame` is the length of one probability in samples; the first is that at `start`."""
        self._frame = frame
        self._threshold = threshold
        self._voiced: deque[bool] = deque()
        self._first = start // frame

    def add(self, probability: float) -> None:
        """Take the next frame."""
        self._voiced.append(probability >= self._threshold)

    def discard(self, before: int) -> None:
        """Forget frames before this position."""
        while self._voiced and (self._first + 1) * self._frame <= before:
            self._voiced.popleft()
            self._first += 1

    def silent(self, start: int, end: int) -> bool:
        """Whether no frame between these positions is known to be voiced."""
        first, last = self._places(start, end)
        return not any(self._voiced[place] for place in range(first, last))

    def placed(self, heard: Hypothesis) -> Hypothesis:
        """`heard` with its words starting where they are voiced."""
        if not heard.words:
            return heard
        return replace(heard, words=tuple(self._placed(word) for word in heard.words))

    def _placed(self, word: Word) -> Word:
        for place in range(*self._places(word.start, word.end)):
            if self._voiced[place]:
                start = max((self._first + place) * self._frame, word.start)
                return replace(word, start=min(start, word.end))
        return word

    def _places(self, start: int, end: int) -> tuple[int, int]:
        """The frames kept, from the one with `start` to the last one before `end`."""
        first = max(start // self._frame - self._first, 0)
        return first, min(-(-end // self._frame) - self._first, len(self._voiced))
