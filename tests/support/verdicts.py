"""The checker: what must hold for all that a client received, whatever happened on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from support.word_audio import heard_words

Received = Sequence[tuple[int, pb.StreamingRecognizeResponse]]
"""Responses in the order of their arrival, each with the number of its connection."""


def verdict(received: Received, spoken: Sequence[int], moved: Collection[int] = ()) -> list[str]:
    """What is wrong with a history that ended well; nothing is what was promised.

    The finals, joined, are the words spoken, once each and in order; committed text only grows,
    also from the last interim before a lost connection to the final after it; times go on;
    responses are numbered without a gap; nothing was reported lost. Connections in `moved` are
    to another server than the ones before them: interims of an utterance start anew there, and
    no word that was committed may turn out to be another one.
    """
    responses = [response for _, response in received]
    finals = [r.result for r in responses if r.result.is_final]
    return [
        *_words(finals, spoken),
        *_growth(received, moved),
        *_times(finals),
        *_numbers(responses),
        *_progress(responses),
        *_losses(response.warning for response in responses),
    ]


def _words(finals: Iterable[pb.RecognitionResult], spoken: Sequence[int]) -> Iterator[str]:
    heard = [word for final in finals for word in heard_words(_committed(final))]
    if heard == list(spoken):
        return
    pairs = enumerate(zip(heard, spoken, strict=False))
    place = next((i for i, (got, want) in pairs if got != want), min(len(heard), len(spoken)))
    yield (
        f"words: {len(heard)} heard, {len(spoken)} spoken; at {place} heard "
        f"{heard[place : place + 3]}, spoken {list(spoken[place : place + 3])}; "
        f"lost {len(set(spoken) - set(heard))}, twice {len(heard) - len(set(heard))}"
    )


def _growth(received: Received, moved: Collection[int]) -> Iterator[str]:
    utterances: dict[int, _Utterance] = {}
    connection = 0
    for number, response in received:
        if number != connection and number in moved:
            for utterance in utterances.values():
                utterance.newest = ""
        connection = number
        if response.HasField("result"):
            index = response.result.utterance_index
            utterance = utterances.setdefault(index, _Utterance())
            if problem := utterance.take(response.result):
                yield f"growth: utterance {index}: {problem}"


@dataclass
class _Utterance:
    newest: str = ""
    """What was committed last, at this server."""
    longest: str = ""
    final: bool = False

    def take(self, result: pb.RecognitionResult) -> str:
        """What is wrong with the next result; nothing is."""
        text, over = _committed(result), self.final
        grown = text.startswith(self.newest) and _agree(text, self.longest)
        whole = not result.is_final or text.startswith(self.longest)
        self.newest, self.longest = text, max(text, self.longest, key=len)
        self.final = over or result.is_final
        if over:
            return "a result after its final one"
        if not grown or not whole:
            return "committed text was taken back"
        tentative = result.is_final and result.alternatives[0].tentative_text
        return "its final is tentative" if tentative else ""


def _agree(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _times(finals: Iterable[pb.RecognitionResult]) -> Iterator[str]:
    spans = [(_ns(f.start_offset), _ns(f.end_offset)) for f in finals]
    if any(start >= end for start, end in spans):
        yield "times: a final ends before it starts"
    if any(earlier[1] > later[0] for earlier, later in pairwise(spans)):
        yield "times: finals overlap, or go back"


def _numbers(responses: Sequence[pb.StreamingRecognizeResponse]) -> Iterator[str]:
    numbers = [response.sequence for response in responses]
    if numbers != list(range(1, len(numbers) + 1)):
        gap = next(i for i, number in enumerate(numbers, 1) if i != number)
        yield f"numbers: {numbers[gap - 1]} at place {gap}"
    if [r.HasField("session_summary") for r in responses].count(True) != 1:
        yield "numbers: not one summary"


def _progress(responses: Iterable[pb.StreamingRecognizeResponse]) -> Iterator[str]:
    told = [_ns(r.progress.final_offset) for r in responses if r.HasField("progress")]
    if any(earlier > later for earlier, later in pairwise(told)):
        yield "progress: what was final is not any more"


def _losses(warnings: Iterable[Any]) -> Iterator[str]:
    lost = pb.WARNING_REASON_RECOGNITION_FAILED
    yield from (f"warned: {each.message}" for each in warnings if each.reason == lost)


def _committed(result: pb.RecognitionResult) -> str:
    return result.alternatives[0].committed_text


def _ns(duration: Duration) -> int:
    return duration.ToNanoseconds()
