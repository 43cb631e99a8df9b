"""What OpenAI's verbose answer makes of confidence, text and languages."""

from __future__ import annotations

import math

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES
from sori.v1 import speech_pb2 as pb
from sori_server.domain.audio import Span
from sori_server.domain.events import Result
from sori_server.transport.bridge.http.language_names import NAMES
from sori_server.transport.bridge.http.recordings import Transcript
from sori_server.transport.bridge.http.verbose import language_name, verbose_fields

pytestmark = pytest.mark.unit


def said(text: str, *, confidence: float = 0.5, language: str = "en") -> Result:
    return Result(0, 1, Span(16_000, 48_000), text, "", True, language, confidence=confidence)


def segments(*results: Result) -> list[dict[str, object]]:
    fields = verbose_fields(Transcript(list(results)), pb.TASK_TRANSCRIBE, ["segment"])
    found: list[dict[str, object]] = fields["segments"]
    return found


def test_a_segment_has_the_logarithm_of_its_confidence() -> None:
    (segment,) = segments(said(" Hello."))
    assert segment["avg_logprob"] == pytest.approx(math.log(0.5), abs=1e-4)
    assert (segment["start"], segment["end"], segment["seek"]) == (1.0, 3.0, 100)


def test_no_confidence_has_a_logarithm_too() -> None:
    (segment,) = segments(said("Hello.", confidence=0.0))
    assert segment["avg_logprob"] == pytest.approx(math.log(1e-4), abs=1e-4)


def test_repetition_is_seen_in_the_compression() -> None:
    (loop,) = segments(said("so " * 100))
    (speech,) = segments(said("The long train helped the important hour."))
    assert float(str(loop["compression_ratio"])) > 2.4 > float(str(speech["compression_ratio"]))


def test_results_without_text_are_no_segments() -> None:
    assert [segment["id"] for segment in segments(said(" "), said("a"), said("b"))] == [0, 1]


def test_most_of_the_speech_says_the_language() -> None:
    korean = Result(0, 1, Span(0, 20_000), "네", "", True, "ko-KR")
    transcript = Transcript([korean, said("Yes, indeed.")])
    assert verbose_fields(transcript, pb.TASK_TRANSCRIBE, [])["language"] == "english"
    assert verbose_fields(Transcript([korean]), pb.TASK_TRANSCRIBE, [])["language"] == "korean"
    assert verbose_fields(Transcript(), pb.TASK_TRANSCRIBE, [])["language"] == ""


def test_every_language_of_whisper_has_a_name() -> None:
    assert set(NAMES) == set(_LANGUAGE_CODES)
    assert [language_name(tag) for tag in ("jv", "zh-TW", "nb", "xx")] == [
        "javanese",
        "chinese",
        "norwegian",
        "xx",
    ]
