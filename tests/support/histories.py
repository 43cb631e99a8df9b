"""Random streams from their first sample to their last event, and what holds for all of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from types import UnionType
from typing import Any

from sori_server.domain.audio import HOP, SAMPLE_RATE, Span
from sori_server.domain.config import ChannelMode, StreamConfig
from sori_server.domain.events import (
    Finalized,
    NumberedEvent,
    Progress,
    Result,
    SessionSummary,
    SpeechEnded,
    SpeechStarted,
    WindowLost,
)
from sori_server.domain.recognition import RecognitionRequest, WindowKind, Word
from sori_server.session.core import Session
from sori_server.session.replacements import Replacements
from sori_server.session.state import State
from sori_server.session.text import join, tokenize
from support.simulated_engine import FRAME, Behaviour, Engine, Recording, within


@dataclass
class History:
    """One stream from its first sample to the summary, with what was seen on the way."""

    config: StreamConfig
    recordings: Sequence[Recording]
    behaviour: Behaviour
    events: list[NumberedEvent] = field(default_factory=list)
    finals_asked: list[RecognitionRequest] = field(default_factory=list)
    finals_heard: list[RecognitionRequest] = field(default_factory=list)
    late: set[int] = field(default_factory=set)
    answered: list[int] = field(default_factory=list)
    lost: list[Span] = field(default_factory=list)
    finalized: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(self.behaviour.seed + 1)  # noqa: S311
        self.session = Session(self.config, FRAME, len(self.recordings))
        self.engine = Engine(self.recordings, self.behaviour, self.chance)
        self.needed_from = [0] * len(self.recordings)
        self.ended_by_itself = False

    @property
    def length(self) -> int:
        """Samples of the recordings, which are as long as each other."""
        (length,) = {recording.length for recording in self.recordings}
        return length

    def run(self) -> None:
        """From the first sample until everything was said."""
        judged = 0
        while self.session.received < self.length:
            count = self.chance.randint(1, self.behaviour.most_chunk)
            count = min(count, self.length - self.session.received)
            frames = (self.session.received + count) // FRAME
            chunk = [r.probabilities[judged:frames] for r in self.recordings]
            judged = frames
            self.session.receive_audio(count, chunk)
            self.drain()
            if self._is_over():
                break
            if self.chance.random() < self.behaviour.finalizes:
                self.finalized.append(f"f{len(self.finalized)}")
                self.session.finalize(self.finalized[-1])
                self.drain()
            if self._is_over():
                break
            self._work(self.behaviour.slowness)
        self.session.end_of_audio()
        self.drain()
        while self.engine.waiting:
            self._work(0.5)
        self.drain()

    def _is_over(self) -> bool:
        self.ended_by_itself = self.session.state is not State.OPEN
        return self.ended_by_itself

    def _work(self, slowness: float) -> None:
        """Dispatch and answer some of the waiting windows, in any order."""
        waiting = list(self.engine.waiting.values())
        self.chance.shuffle(waiting)
        for request in waiting:
            if self._is_early(request) and request.request_id in self.late:
                continue
            if request.kind is WindowKind.INTERIM and self.chance.random() < 0.5:
                self.engine.bound[request.request_id] = request.bind(self.session.received)
            if self.chance.random() < slowness:
                continue
            if self.engine.waiting.pop(request.request_id, None):
                self._settle(request)
                self.drain()

    def _settle(self, request: RecognitionRequest) -> None:
        chance, behaviour = self.chance, self.behaviour
        self.answered.append(request.request_id)
        if self._is_early(request):
            failed = chance.random() < behaviour.early_failures
        elif request.kind is WindowKind.FINAL:
            failed = chance.random() < behaviour.final_failures
            if failed:
                assert request.end is not None
                self.lost.append(Span(request.start, request.end))
        else:
            failed = chance.random() < behaviour.interim_failures
            if chance.random() < behaviour.interim_losses:
                return
        if failed:
            self.session.receive_failure(request.request_id, "simulated")
            return
        if request.kind is WindowKind.FINAL:
            self.finals_heard.append(replace(request, request_id=0, ahead=0))
        hypothesis = self.engine.answer(request, self.session.received)
        self.session.receive_hypothesis(request.request_id, hypothesis, 0.1)

    def _is_early(self, request: RecognitionRequest) -> bool:
        """Whether it is a final window of an utterance that has not ended."""
        owner = self.session._requests._owners.get(request.request_id)
        return request.ahead > 0 and owner is not None and owner.utterance.ending is None

    def drain(self) -> None:
        """Take what the session asks for and, often, what it says."""
        for request in self.session.requests():
            self._take(request)
        for request_id in self.session.withdrawn():
            if request_id in self.engine.waiting:
                self._withdraw(self.engine.waiting.pop(request_id))
        live = [
            request.channel
            for request in self.engine.waiting.values()
            if request.kind is WindowKind.INTERIM or self._is_early(request)
        ]
        assert len(live) == len(set(live)), "an interim and an early final, or two of either"
        needed_from = list(self.session.needed_from)
        assert all(new >= old for new, old in zip(needed_from, self.needed_from, strict=True))
        self.needed_from = needed_from
        if self.chance.random() < 0.7 or self.session.state is not State.OPEN:
            while (event := self.session.next_event()) is not None:
                self.events.append(event)

    def _take(self, request: RecognitionRequest) -> None:
        assert request.start >= self.needed_from[request.channel], "it starts in discarded audio"
        assert request.start % HOP == 0
        span = request.bind(self.session.received)
        assert HOP <= len(span) <= 30 * SAMPLE_RATE
        assert span.end <= self.session.received
        self.engine.waiting[request.request_id] = request
        if request.kind is WindowKind.FINAL:
            self.finals_asked.append(request)
        if request.ahead:
            assert self.config.early_finals
            assert request.kind is WindowKind.FINAL
            if self.chance.random() < self.behaviour.early_delays:
                self.late.add(request.request_id)

    def _withdraw(self, request: RecognitionRequest) -> None:
        if request.kind is WindowKind.FINAL:
            assert request.ahead, "a final was withdrawn"
            self.finals_asked.remove(request)
        if self.chance.random() < 0.3:
            late = self.engine.answer(request, self.session.received)
            self.session.receive_hypothesis(request.request_id, late, 0.1)

    # ------------------------------------------------------------------ checks

    def check(self) -> None:
        """Everything that holds for any history."""
        self._check_stream()
        self._check_progress()
        self._check_nothing_is_kept()
        for index, recording in enumerate(self.recordings):
            self._check_activity(index)
            self._check_words(index, recording)
            self._check_spans(index)
            self._check_growth(index)

    def of(self, kind: type | UnionType, index: int | None = None) -> list[Any]:
        """Events of a kind, or those of one channel."""
        found: list[Any] = [
            numbered.event for numbered in self.events if isinstance(numbered.event, kind)
        ]
        return [e for e in found if index is None or e.channel == self._tag(index)]

    def finals(self, index: int | None = None) -> list[Result]:
        """Final results."""
        return [result for result in self.of(Result, index) if result.is_final]

    def _tag(self, index: int) -> int:
        apart = self.config.recognition.channel_mode is ChannelMode.SEPARATE
        return index + 1 if apart else 0

    def _check_stream(self) -> None:
        assert [e.sequence for e in self.events] == list(range(1, len(self.events) + 1))
        assert self.session.state is State.CLOSED
        summary = self.events[-1].event
        assert isinstance(summary, SessionSummary)
        assert len(self.of(SessionSummary)) == 1
        assert summary.received == self.session.received
        assert self.ended_by_itself or summary.received == self.length
        assert summary.final_results == len(self.finals())
        assert [f.request_id for f in self.of(Finalized)] == self.finalized
        assert len(set(self.answered)) == len(self.answered)
        assert {r.request_id for r in self.finals_asked} <= set(self.answered)
        assert all(self.finals_heard.count(final) == 1 for final in self.finals_heard)
        assert len(self.of(WindowLost)) == len(self.lost)

    def _check_activity(self, index: int) -> None:
        """Speech starts and ends in turn; each final has speech that was told, or its padding."""
        told = self.of(SpeechStarted | SpeechEnded, index)
        assert [type(event) for event in told] == [SpeechStarted, SpeechEnded] * (len(told) // 2)
        places = [event.position for event in told]
        assert places == sorted(places)
        padding = round(self.config.endpointing.prefix_padding * SAMPLE_RATE)
        if self.config.voice_activity_events:
            for result in self.finals(index):
                assert any(
                    start - padding < result.span.end and result.span.start <= end
                    for start, end in zip(places[::2], places[1::2], strict=True)
                )

    def _check_words(self, index: int, recording: Recording) -> None:
        """Each final has the words of its span, which no other has; lost ones a part of them.

        Where interims misheard a word, what was committed may stand for others around it.
        """
        lost = [loss.span for loss in self.of(WindowLost, index)]
        heard = within(Span(0, self.session.received), recording.words)
        missing = {word.start: word for word in heard}
        for result in self.finals(index):
            inside = within(result.span, recording.words)
            misheard = any(
                (index, word.start) in self.engine.misheard
                for word in self._around(result.span, recording)
            )
            shortest = 0 if result.span in lost else len(inside)
            said = keys(result.text, self.behaviour.language)
            assert misheard or any(
                said == self._written(inside[:count])
                for count in range(len(inside), shortest - 1, -1)
            )
            assert result.language in ("", self.behaviour.language) or result.span in lost
            for word in inside:
                del missing[word.start]
        for span in lost:
            for word in within(span, missing.values()):
                del missing[word.start]
        # A final whose words are all replaced by nothing is not told.
        assert self._written(list(missing.values())) == []

    def _written(self, words: Sequence[Word]) -> list[str]:
        """The keys of the words after replacements."""
        language = self.behaviour.language
        tokens = tokenize("".join(w.text for w in words), language)
        rules = Replacements(self.config.recognition.adaptation.replacements)
        return keys(join(rules.replace(tokens, language)), language)

    def _around(self, span: Span, recording: Recording) -> list[Word]:
        """The words of a span and one more at either end: a cut may lie beside a misheard one."""
        word = self.behaviour.word_frames * FRAME * 2
        return within(Span(max(span.start - word, 0), span.end + word), recording.words)

    def _check_spans(self, index: int) -> None:
        spans = [result.span for result in self.finals(index)]
        assert all(len(span) > 0 for span in spans)
        assert all(earlier.end <= later.start for earlier, later in pairwise(spans))
        wanted = self.config.recognition
        for result in self.of(Result, index):
            if not (wanted.word_times if result.is_final else wanted.interim_words):
                assert result.words == ()
                continue
            assert "".join(w.text for w in result.words).strip() == result.text.strip()
            starts = [word.start for word in result.words]
            assert starts == sorted(starts)

    def _check_growth(self, index: int) -> None:
        shown: dict[int, Result] = {}
        final = -1
        for result in self.of(Result, index):
            before = shown.get(result.utterance_index)
            if before:
                assert result.committed_text.startswith(before.committed_text)
                assert result.revision > before.revision
                assert not before.is_final
            assert result.utterance_index > final, "text for an utterance that was final"
            shown[result.utterance_index] = result
            if result.is_final:
                final = result.utterance_index
                assert result.tentative_text == ""
                assert result.final_reason is not None
        assert all(result.is_final for result in shown.values())

    def _check_progress(self) -> None:
        told = self.of(Progress)
        for earlier, later in pairwise(told):
            assert earlier.received <= later.received
            assert earlier.final <= later.final
        position = 0
        for numbered in self.events:
            event = numbered.event
            if isinstance(event, Progress):
                position = event.final
                assert event.final <= event.received
            elif isinstance(event, Result) and event.is_final:
                assert event.span.start >= position

    def _check_nothing_is_kept(self) -> None:
        asked = self.session._requests
        assert not any((asked._owners, asked._asked, asked._withdrawn))
        for channel in self.session._channels:
            assert not channel._early.asked
            assert not channel._unfinished
            assert channel._speaking is None
        assert self.session.pending_events == 0


def keys(text: str, language: str) -> list[str]:
    """The words or characters of a text, without punctuation."""
    plain = "".join(c for c in text if not unicodedata.category(c).startswith("P"))
    return list(plain) if language == "zh" else plain.split()
