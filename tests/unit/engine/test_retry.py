"""The better of two answers is chosen by one rule, and its timing tells of both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.recognition import (
    DecodingOptions,
    EngineTiming,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.retry import better, second_try

pytestmark = pytest.mark.unit

SURE = Hypothesis(Span(0, 1), " sure", "en", confidence=0.9, doubtful=True)
UNSURE = replace(SURE, text=" unsure", confidence=0.3)
SOUND = replace(UNSURE, text=" sound", doubtful=False)
SILENT = replace(SOUND, text="", confidence=0.1, no_speech=True)


def test_only_the_window_stays_the_same() -> None:
    options = DecodingOptions(("ko",), beam_size=5, word_times=True, no_speech_threshold=0.3)
    request = RecognitionRequest(7, WindowKind.FINAL, 160, 320, options, " before", ("hot",))
    again = second_try(request)
    assert again.options.temperature > 0
    assert again.prompt == ""
    assert again == replace(
        request,
        prompt="",
        options=replace(options, beam_size=1, temperature=again.options.temperature),
    )


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (SURE, SOUND, " sound"),
        (SURE, SILENT, ""),
        (SURE, UNSURE, " sure"),
        (UNSURE, SURE, " sure"),
        (UNSURE, replace(UNSURE, text=" other"), " unsure"),
    ],
)
def test_no_objection_counts_more_than_confidence(
    first: Hypothesis, second: Hypothesis, text: str
) -> None:
    assert better(first, second).text == text


def test_both_tries_took_time() -> None:
    one = replace(SURE, timing=EngineTiming(0.1, 0.2, 0.3, batch_size=8))
    two = replace(SOUND, timing=EngineTiming(1.0, 2.0, 3.0, batch_size=1))
    timing = better(one, two).timing
    assert (timing.queue, timing.preprocessing, timing.inference) == pytest.approx((1.1, 2.2, 3.3))
    assert timing.batch_size == 8
