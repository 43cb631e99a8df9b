"""One utterance on its way from first interim to final result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sori_server.domain.audio import Span, samples
from sori_server.domain.events import FinalReason, Latency, Result
from sori_server.domain.recognition import Hypothesis, Word
from sori_server.session.agreement import Agreement
from sori_server.session.display import Display
from sori_server.session.replacements import Replacements
from sori_server.session.text import Token, align, join, tokenize
from sori_server.session.windowing import aligned, word_border

LEAD: Final = samples(1.0)
"""Least audio of an utterance that the window after a cut hears again."""

MOST_LEAD: Final = samples(5.0)
"""Most of it: more costs decoding and makes nothing better."""
ALIKE: Final = 2
"""Words at the end of a lead by which it is known again."""
NEAR: Final = samples(0.3)
"""Farthest that a word is placed from where it was placed before."""


@dataclass(slots=True)
class Ending:
    """How an utterance ended: its last sample, why, and the silence waited for in samples.

    Speech that went on was cut at `position`. The final result then leaves words that end
    in the last `overlap` samples to the next utterance, and moves `position` before them.
    """

    position: int
    reason: FinalReason
    waited: int = 0
    overlap: int | None = None
    room_from: int = 0
    """Earliest position at which a window after the cut may start."""
    back: int = 0
    """Farthest that the cut may move, or the window after it would not fit the model."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Words before a cut that the window after it begins with."""

    tokens: Sequence[Token]
    window_start: int
    end: int

    def said_by(self, tokens: Sequence[Token]) -> int:
        """How many of `tokens` say the lead again.

        Where all of it is said alike, its text tells. Where some of it was misheard, the
        text tells up to which words it may be, as they may be said more than once, and their
        places which of them it is. Where the last one was misheard, one word more may be of
        the lead, if that one ends nearer to its end; where neither ends there, or was mostly
        spoken after it, the places alone tell: the lead may not have been heard to its end.
        """
        ends = align(self.tokens, tokens)
        said = ends[-1] if ends else 0
        places = _places(tokens)
        heard, lead = [t.key for t in tokens], [t.key for t in self.tokens]
        if heard[:said] == lead or len(places) < len(tokens):
            return said

        def off(count: int) -> int:
            return abs(places[count - 1].end - self.end)

        last = lead[-ALIKE:]
        alike = [n for n in range(len(last), len(heard) + 1) if heard[n - len(last) : n] == last]
        if said in alike:
            return min(alike, key=off)
        before = sum((place.start + place.end) // 2 < self.end for place in places)
        counts = [n for n in (said, said + 1) if 0 < n <= before or heard[n - 1 : n] == lead[-1:]]
        return min((n for n in counts if off(n) <= NEAR), key=off, default=before)

    @classmethod
    def of(cls, tokens: Sequence[Token], window_start: int, ending: Ending) -> Lead:
        """As many whole words of a window as there is room for, or `LEAD` of them."""
        earliest = min(ending.room_from, ending.position - LEAD)
        if earliest <= window_start:
            return cls(tokens, window_start, ending.position)
        for i, token in enumerate(tokens):
            if token.start is not None and token.start >= earliest:
                before = tokens[i - 1].end if i else None
                start = token.start if before is None else (before + token.start) // 2
                return cls(tokens[i:], max(start, earliest), ending.position)
        return cls((), ending.position, ending.position)


@dataclass(slots=True)
class Utterance:
    """Text and window of one utterance.

    `window_start` moves past committed words in long utterances: their tokens are then
    `sealed`, and no later hypothesis covers their audio. After a cut it lies before `start`:
    the `lead` is heard again, so that the model does not begin in the middle of speech, and
    is then left out by the places of its words.
    """

    index: int
    start: int
    window_start: int
    replacements: Replacements
    channel: int = 0
    sealed: list[Token] = field(default_factory=list)
    agreement: Agreement = field(default_factory=Agreement)
    display: Display = field(default_factory=Display)
    lead: Lead | None = None
    ending: Ending | None = None
    final: Result | None = None
    revision: int = 0
    word_times: bool = False
    """Whether the final result has words with times, which join to its text."""
    interim_words: bool = False
    """Whether interim results have them, too."""
    interim_end: int = 0
    """End of the newest interim window asked for."""
    live_interim: int | None = None
    """Request id of the interim the engine has."""
    heard: Hypothesis | None = None
    """The newest hypothesis."""
    waits: bool = False
    """Whether the final result of the utterance before is needed to ask for a window of it."""
    left: Lead | None = None
    """What the utterance after this one hears again, where speech was cut."""
    successor: Utterance | None = None
    """The utterance that waits for this one."""
    said: str = ""
    """The final text before replacements."""
    language: str = ""
    """The language of the first committed words."""
    lost: str = ""
    """Why its last window has no text, if it has none."""

    @property
    def led(self) -> int:
        """How many words of the utterances before its window starts with."""
        if self.lead is None or self.window_start >= self.lead.end:
            return 0
        return len(self.lead.tokens)

    def receive_interim(self, hypothesis: Hypothesis, *, sure: bool) -> None:
        """Take the hypothesis of an interim window; it may commit words if the model is sure."""
        self.live_interim = None
        self.interim_end = max(self.interim_end, hypothesis.span.end)
        self.heard = hypothesis
        tokens = _tokens(hypothesis)
        own = tokens[self._led(tokens) :]
        self.agreement.receive(own, hypothesis.span.end, sure=sure)
        if self.agreement.committed and not self.language:
            self.language = hypothesis.language

    def move_window(self, border: int) -> None:
        """Start the window at the agreed border; the committed words before it are its prompt."""
        self.sealed.extend(self.agreement.seal())
        self.window_start = border

    def follow(self, lead: Lead) -> None:
        """Start where the utterance before it was cut."""
        self.start = self.interim_end = lead.end
        self.window_start = aligned(lead.window_start)
        self.lead = lead

    def interim_result(self, hypothesis: Hypothesis, latency: Latency, *, speaking: bool) -> Result:
        """The next interim result, after `receive_interim`."""
        self.revision += 1
        spoken = [*self.sealed, *self.agreement.committed]
        committed, tentative = self.replacements.split(
            spoken,
            self.display.show(spoken, self.agreement.tentative, speaking=speaking),
            self.language or hypothesis.language,
        )
        span = Span(self.start, hypothesis.span.end)
        sure, text = join(committed).lstrip(), join([*committed, *tentative]).lstrip()
        return Result(
            utterance_index=self.index,
            revision=self.revision,
            span=span,
            committed_text=sure,
            tentative_text=text[len(sure) :],
            is_final=False,
            language=hypothesis.language,
            language_confidence=hypothesis.language_confidence,
            words=_words([*committed, *tentative], span) if self.interim_words else (),
            latency=latency,
            channel=self.channel,
        )

    def finish(self, hypothesis: Hypothesis | None, latency: Latency | None) -> Result:
        """Fix the final result; without a hypothesis it says what was committed."""
        ending = self.ending
        assert ending is not None, "an utterance is finished after it ended"  # noqa: S101
        added = self._cut(_tokens(hypothesis), ending) if hypothesis else []
        spoken = [*self.sealed, *self.agreement.finish(added)]
        heard = hypothesis or self.heard
        self.said = join(spoken).strip()
        language = self.language or (heard.language if heard else "")
        tokens = self.replacements.replace(spoken, language)
        span = Span(self.start, ending.position)
        self.revision += 1
        self.final = Result(
            utterance_index=self.index,
            revision=self.revision,
            span=span,
            committed_text=join(tokens).strip(),
            tentative_text="",
            is_final=True,
            language=heard.language if heard else "",
            language_confidence=heard.language_confidence if heard else 0.0,
            confidence=heard.confidence if heard else 0.0,
            words=_words(tokens, span) if self.word_times else (),
            final_reason=ending.reason,
            latency=latency,
            channel=self.channel,
        )
        return self.final

    def _cut(self, tokens: list[Token], ending: Ending) -> list[Token]:
        """Those of a window's tokens that are of this utterance.

        Where speech was cut, the ending moves to where they end.
        """
        led = self._led(tokens)
        own = tokens[led:]
        places = _places(own)
        if ending.overlap is None or len(places) < len(own):
            return own
        spoken = Span(self.start, ending.position)
        least = self.agreement.said_by(own)
        stay, ending.position = word_border(places, spoken, ending.overlap, least, ending.back)
        self.left = Lead.of(tokens[: led + stay], self.window_start, ending)
        return own[:stay]

    def _led(self, tokens: Sequence[Token]) -> int:
        """How many of a window's tokens were spoken before this utterance."""
        return self.lead.said_by(tokens) if self.lead is not None and self.led else 0


def _places(tokens: Sequence[Token]) -> list[Span]:
    """Where the tokens were spoken; of those only whose places are known."""
    return [Span(t.start, t.end) for t in tokens if t.start is not None and t.end is not None]


def _tokens(hypothesis: Hypothesis) -> list[Token]:
    return tokenize(hypothesis.text, hypothesis.language, hypothesis.words)


def _words(tokens: Sequence[Token], span: Span) -> tuple[Word, ...]:
    """The tokens as words in order; those without times share the gap between the others."""
    words: list[Word] = []
    untimed: list[Token] = []
    before = span.start
    for token in _in_order(tokens):
        if token.start is None or token.end is None:
            untimed.append(token)
            continue
        words.extend(_spread(untimed, min(before, token.start), token.start))
        untimed.clear()
        words.append(Word(token.text, token.start, token.end, token.confidence))
        before = token.end
    words.extend(_spread(untimed, min(before, span.end), span.end))
    return tuple(words)


def _in_order(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without times that are later than those of a token after them.

    The newest are believed: they are of the final hypothesis, the oldest of interims.
    """
    ordered: list[Token] = []
    latest: int | None = None
    for token in reversed(tokens):
        early = latest is None or token.start is None or token.start <= latest
        ordered.append(token if early else token.untimed())
        latest = latest if ordered[-1].start is None else ordered[-1].start
    return ordered[::-1]


def _spread(tokens: Sequence[Token], start: int, end: int) -> Iterator[Word]:
    """The tokens as words of equal length from `start` to `end`, which nobody heard there."""
    for i, token in enumerate(tokens):
        first, last = (start + (end - start) * k // len(tokens) for k in (i, i + 1))
        yield Word(token.text, first, last, token.confidence)
