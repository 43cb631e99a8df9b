"""OpenAI's `verbose_json`."""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection
from typing import Any, Final

from sori.v1 import speech_pb2 as pb

from sori_server.domain.audio import SAMPLE_RATE, seconds
from sori_server.domain.events import Result
from sori_server.domain.language import whisper_code
from sori_server.transport.bridge.http.language_names import NAMES
from sori_server.transport.bridge.http.recordings import Transcript

_SEEK_RATE: Final = 100
"""Whisper's frames in a second, in which `seek` counts."""

_LEAST_CONFIDENCE: Final = 1e-4


def verbose_fields(
    transcript: Transcript, task: pb.Task, granularities: Collection[str]
) -> dict[str, Any]:
    """A transcript with segments, with words, or with both."""
    translated = task == pb.TASK_TRANSLATE
    fields: dict[str, Any] = {
        "task": "translate" if translated else "transcribe",
        "language": "english" if translated else language_name(transcript.language),
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
    }
    spoken = [result for result in transcript.results if result.text.strip()]
    if "segment" in granularities:
        fields["segments"] = [_segment(number, result) for number, result in enumerate(spoken)]
    if "word" in granularities:
        fields["words"] = [
            {"word": word.text.strip(), "start": _seconds(word.start), "end": _seconds(word.end)}
            for result in spoken
            for word in result.words
        ]
    return fields


def language_name(tag: str) -> str:
    """The English name of a language as OpenAI writes it; the tag where it has none."""
    return NAMES.get(whisper_code(tag), tag) if tag else ""


def _segment(number: int, result: Result) -> dict[str, Any]:
    """A final result as one of Whisper's segments.

    What Sori does not know is told as what it stands for: no tokens, temperature 0 (doubtful
    utterances are read again at 0.4), and no probability of silence, as silence has no segment.
    """
    text = result.text.strip()
    encoded = text.encode()
    return {
        "id": number,
        "seek": result.span.start * _SEEK_RATE // SAMPLE_RATE,
        "start": _seconds(result.span.start),
        "end": _seconds(result.span.end),
        "text": f" {text}",
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(result.confidence, _LEAST_CONFIDENCE)), 4),
        "compression_ratio": round(len(encoded) / len(zlib.compress(encoded)), 4),
        "no_speech_prob": 0.0,
    }


def _seconds(position: int) -> float:
    return round(seconds(position), 3)
