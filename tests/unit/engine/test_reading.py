"""What the guards make of decoded tokens."""

from __future__ import annotations

import math

import pytest
from sori_server.engine.models import MINI_FOLDER
from sori_server.engine.reading import Reading, best, judged
from sori_server.engine.vocabulary import Vocabulary
from sori_server.engine.whisper_calls import Decoded

pytestmark = pytest.mark.unit

MINI = Vocabulary.of(MINI_FOLDER)


def read(text: str, log_probability: float = -0.1, speechless: float = 0.0) -> Reading:
    decoded = Decoded(tuple(MINI._plain.encode(text)), log_probability, speechless)
    return judged(decoded, MINI, seconds=8.0, no_speech_threshold=0.6)


def test_sound_text_stays() -> None:
    reading = read(" The meeting is on Thursday.")
    assert MINI.text(reading.tokens) == " The meeting is on Thursday."
    assert reading.confidence == pytest.approx(math.exp(-0.1))
    assert not reading.doubtful
    assert not reading.no_speech


@pytest.mark.parametrize("once", [" Thank you very much.", " 감사합니다. 안녕히 계세요."])
def test_a_loop_leaves_the_tokens_said_once_and_costs_confidence(once: str) -> None:
    reading = read(once * 6)
    assert MINI.text(reading.tokens) == once
    assert reading.doubtful
    assert reading.confidence == pytest.approx(math.exp(-0.1) / 6, rel=0.2)


def test_improbable_text_where_there_may_be_no_speech_is_dropped() -> None:
    silence = read(" Hello.", -1.5, 0.7)
    assert (silence.tokens, silence.no_speech, silence.doubtful) == ((), True, False)
    assert silence.confidence == pytest.approx(math.exp(-1.5))
    unsure = read(" Hello.", -1.5, 0.5)
    assert (MINI.text(unsure.tokens), unsure.no_speech, unsure.doubtful) == (" Hello.", False, True)
    assert not read(" Hello.", -0.9, 0.9).no_speech


def test_marks_without_a_word_are_no_text() -> None:
    assert read(".") == Reading((), 0.0, no_speech=False, doubtful=True)


def test_no_text_is_nothing_to_doubt() -> None:
    reading = read("", -2.0)
    assert reading == Reading((), pytest.approx(math.exp(-2.0)), no_speech=False, doubtful=False)


def test_the_best_is_sound_first_and_confident_second() -> None:
    doubtful, sound, sounder = read(" Hello.", -1.01), read(" Yes.", -0.9), read(" No.", -0.3)
    assert best([doubtful, sound]) is sound
    assert best([sound, doubtful, sounder]) is sounder
    assert best([doubtful]) is doubtful
