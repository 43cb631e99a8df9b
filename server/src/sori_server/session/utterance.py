"""One utterance on its way from first interim to final result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sori_server.domain.audio import Span
from sori_server.domain.events import FinalReason, Latency, Result
from sori_server.domain.recognition import Hypothesis, Word
from sori_server.session.agreement import Agreement
from sori_server.session.text import Token, join, tokenize

PROMPT_CHARACTERS: Final = 400
"""Most committed text given as prompt to the window that follows it."""


@dataclass(slots=True)
class Ending:
    """How an utterance ended: its last sample, why, and the silence waited for in samples."""

    position: int
    reason: FinalReason
    waited: int = 0


@dataclass(slots=True)
class Utterance:
    """Text and window of one utterance.

    `window_start` moves past committed words in long utterances: their tokens are then
    `sealed`, and no later hypothesis covers their audio.
    """

    index: int
    start: int
    window_start: int
    prompt: str = ""
    sealed: list[Token] = field(default_factory=list)
    agreement: Agreement = field(default_factory=Agreement)
    ending: Ending | None = None
    final: Result | None = None
    revision: int = 0
    word_times: bool = False
    """Whether the final result has words with times, which join to its text."""
    interim_end: int = 0
    """End of the newest interim window asked for."""
    live_interim: int | None = None
    """Request id of the interim the engine has."""
    heard: Hypothesis | None = None
    """The newest hypothesis."""
    lost: str = ""
    """Why its last window has no text, if it has none."""

    def receive_interim(self, hypothesis: Hypothesis, *, sure: bool) -> None:
        """Take the hypothesis of an interim window; it may commit words if the model is sure."""
        self.live_interim = None
        self.interim_end = max(self.interim_end, hypothesis.span.end)
        self.heard = hypothesis
        self.agreement.receive(_tokens(hypothesis), hypothesis.span.end, sure=sure)

    def move_window(self, border: int) -> None:
        """Start the window at the agreed border; the committed words before it are the prompt."""
        self.sealed.extend(self.agreement.seal())
        self.window_start = border
        self.prompt = join(self.sealed)[-PROMPT_CHARACTERS:]

    def interim_result(self, hypothesis: Hypothesis, latency: Latency) -> Result:
        """The next interim result, after `receive_interim`."""
        self.revision += 1
        committed = join([*self.sealed, *self.agreement.committed])
        text = committed + join(self.agreement.tentative)
        return Result(
            utterance_index=self.index,
            revision=self.revision,
            span=Span(self.start, hypothesis.span.end),
            committed_text=committed.lstrip(),
            tentative_text=text.lstrip()[len(committed.lstrip()) :],
            is_final=False,
            language=hypothesis.language,
            language_confidence=hypothesis.language_confidence,
            latency=latency,
        )

    def finish(self, hypothesis: Hypothesis | None, latency: Latency | None) -> Result:
        """Fix the final result; without a hypothesis it says what was committed."""
        ending = self.ending
        assert ending is not None, "an utterance is finished after it ended"  # noqa: S101
        added = _tokens(hypothesis) if hypothesis else []
        tokens = [*self.sealed, *self.agreement.finish(added)]
        heard = hypothesis or self.heard
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
        )
        return self.final


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
