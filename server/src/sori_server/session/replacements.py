"""Words a client wants written differently, replaced where they can no longer change."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sori_server.domain.config import Replacement
from sori_server.session.text import UNSPACED_LANGUAGES, Token, bare, tokenize

_NEVER: Final = 1 << 30
"""Comes after every rule in the client's order."""


class Replacements:
    """The replacements of one stream, made in one pass from left to right.

    At each word the first rule in the client's order that fits is taken, and no rule sees
    what another one wrote. Whole words are compared, without punctuation, and without case
    unless the rule says so; where words have no spaces, characters. Spaces and punctuation
    before the first and after the last word found stay; they go with the words where a rule
    writes nothing instead.
    """

    def __init__(self, rules: Sequence[Replacement]) -> None:
        self._written = [" ".join(rule.replace.split()) for rule in rules]
        self._exact = any(rule.case_sensitive for rule in rules)
        self._spaced = _tries(rules, "en")
        self._unspaced = _tries(rules, next(iter(UNSPACED_LANGUAGES)))

    def replace(self, tokens: Sequence[Token], language: str) -> list[Token]:
        """`tokens` with all replacements made."""
        return self._rewrite(tokens, language, more=False)[0]

    def split(
        self, committed: Sequence[Token], tentative: Sequence[Token], language: str
    ) -> tuple[list[Token], list[Token]]:
        """Both with all replacements made; the first as far as no later word can change it.

        What `committed` ends with that may be the beginning of a search counts as tentative.
        So while `committed` only grows and the language stays, the first only grows, too.
        """
        fixed, taken = self._rewrite(committed, language, more=True)
        return fixed, self.replace([*committed[taken:], *tentative], language)

    def _rewrite(
        self, tokens: Sequence[Token], language: str, *, more: bool
    ) -> tuple[list[Token], int]:
        """The new tokens, and of how many: if `more` may follow, the last may have to wait."""
        if not self._written:
            return list(tokens), len(tokens)
        keys, exact = self._unspaced if language in UNSPACED_LANGUAGES else self._spaced
        folded = [token.key for token in tokens]
        spelled = [bare(token.text) for token in tokens] if self._exact else folded
        written: list[Token] = []
        at = 0
        while at < len(tokens):
            found = _first(_find(keys, folded, at), _find(exact, spelled, at))
            if more and found.unsaid < found.rule:
                return written, at
            if found.rule == _NEVER:
                written.append(tokens[at])
                at += 1
            else:
                written.extend(_rewritten(tokens[at : found.end], self._written[found.rule]))
                at = found.end
        return written, at


@dataclass(slots=True)
class _Place:
    """Where a search is after some of its words: a node of a trie (Fredkin, 1960)."""

    rule: int = _NEVER
    """First rule whose search ends here."""
    beyond: int = _NEVER
    """First rule whose search goes on from here."""
    next: dict[str, _Place] = field(default_factory=dict)

    def add(self, words: Sequence[str], rule: int) -> None:
        """Take in the search of a rule that comes after those added before."""
        place = self
        for word in words:
            place.beyond = min(place.beyond, rule)
            place = place.next.setdefault(word, _Place())
        place.rule = min(place.rule, rule)


@dataclass(frozen=True, slots=True)
class _Found:
    """The first rule that fits, up to `end`; `unsaid` is the first that may with more words."""

    rule: int = _NEVER
    end: int = 0
    unsaid: int = _NEVER


def _tries(rules: Sequence[Replacement], language: str) -> tuple[_Place, _Place]:
    """The searches that ignore case, and those that do not."""
    keys, exact = _Place(), _Place()
    for number, rule in enumerate(rules):
        # Whisper writes composed characters; what a client's keyboard made may be decomposed.
        tokens = tokenize(unicodedata.normalize("NFC", rule.search), language)
        words = [bare(t.text) if rule.case_sensitive else t.key for t in tokens if t.key]
        if words:
            (exact if rule.case_sensitive else keys).add(words, number)
    return keys, exact


def _find(trie: _Place, words: Sequence[str], at: int) -> _Found:
    """What of `trie` fits from `at` on; punctuation that stands alone is passed over."""
    if not words[at]:
        return _Found()
    place, rule, end = trie, _NEVER, at
    for i in range(at, len(words)):
        if not words[i]:
            continue
        if words[i] not in place.next:
            return _Found(rule, end)
        place = place.next[words[i]]
        if place.rule < rule:
            rule, end = place.rule, i + 1
        if rule < place.beyond:
            return _Found(rule, end)
    return _Found(rule, end, place.beyond)


def _first(one: _Found, other: _Found) -> _Found:
    found = min(one, other, key=lambda each: each.rule)
    return replace(found, unsaid=min(one.unsaid, other.unsaid))


def _rewritten(tokens: Sequence[Token], text: str) -> list[Token]:
    """One token that says `text` instead of `tokens`, at their times; none without text."""
    if not text:
        return []
    first, last = tokens[0].text, tokens[-1].text
    marks = "".join(c for c in first + last if not bare(c))
    before = first[: len(first) - len(first.lstrip(marks))]
    after = last[len(last.rstrip(marks)) :]
    # Committed words have the times of different hypotheses, which need not be in order.
    starts = [token.start for token in tokens if token.start is not None]
    ends = [token.end for token in tokens if token.end is not None]
    confidences = [token.confidence for token in tokens if token.start is not None]
    return [
        Token(
            text=before + text + after,
            key=bare(text.casefold()),
            start=min(starts, default=None),
            end=max(ends, default=None),
            confidence=min(confidences, default=0.0),
        )
    ]
