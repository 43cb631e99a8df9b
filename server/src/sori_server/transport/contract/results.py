"""Final results of the contract to domain values, for those who write transcripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb

from sori_server.domain.audio import SAMPLE_RATE, Span
from sori_server.domain.events import Result
from sori_server.domain.recognition import Word


def position(offset: Duration) -> int:
    """The sample at `offset` on the audio clock; the nearest one if it lies between two."""
    return offset.seconds * SAMPLE_RATE + round(offset.nanos * SAMPLE_RATE / 1e9)


def result(message: pb.RecognitionResult) -> Result:
    """A result as the session made it, but for its latency and the reason it is final.

    `language` is the tag on the wire. Words get back the spaces between them.
    """
    best = message.alternatives[0] if message.alternatives else pb.RecognitionAlternative()
    return Result(
        utterance_index=message.utterance_index,
        revision=message.revision,
        span=Span(position(message.start_offset), position(message.end_offset)),
        committed_text=best.committed_text,
        tentative_text=best.tentative_text,
        is_final=message.is_final,
        language=message.language_code,
        language_confidence=message.language_confidence,
        confidence=best.confidence,
        words=tuple(_words(best.committed_text, best.words)),
        channel=message.channel_tag,
    )


def warning(response: pb.StreamingRecognizeResponse) -> pb.Warning:
    """The warning in `response`; its stub takes it for Python's class of that name."""
    return cast(pb.Warning, response.warning)


def _words(text: str, words: Iterable[pb.WordInfo]) -> Iterator[Word]:
    """Each word with the text since the one before: languages differ in what that is."""
    read = 0
    for word in words:
        found = text.find(word.word, read)
        spelled = f" {word.word}"
        if found >= 0:
            end = found + len(word.word)
            spelled, read = text[read:end], end
        start, stop = position(word.start_offset), position(word.end_offset)
        yield Word(spelled, start, stop, word.confidence)
