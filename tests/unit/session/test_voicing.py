from __future__ import annotations

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.recognition import Hypothesis, Word
from sori_server.session.voicing import Voicing

pytestmark = pytest.mark.unit

FRAME = 100


def voicing(*probabilities: float) -> Voicing:
    made = Voicing(FRAME, 0.35)
    for probability in probabilities:
        made.add(probability)
    return made


def start(of: Voicing, first: int, end: int) -> int:
    heard = Hypothesis(Span(0, 2000), " one", "en", words=(Word(" one", first, end, 0.9),))
    (word,) = of.placed(heard).words
    assert word.end == end
    return word.start


def test_a_word_that_starts_in_silence_starts_at_its_first_voiced_frame() -> None:
    assert start(voicing(0.0, 0.1, 0.34, 0.35, 0.9), 50, 500) == 300


def test_a_word_that_starts_within_speech_stays() -> None:
    assert start(voicing(0.9, 0.9, 0.9), 150, 300) == 150


def test_a_word_nobody_seems_to_say_stays() -> None:
    assert start(voicing(0.0, 0.0, 0.0, 0.9), 50, 250) == 50


def test_speech_after_a_word_does_not_count() -> None:
    assert start(voicing(0.0, 0.0, 0.9), 50, 200) == 50
    assert start(voicing(0.0, 0.0, 0.9), 50, 201) == 200


def test_frames_that_were_forgotten_or_are_still_to_come_move_nothing() -> None:
    of = voicing(0.0, 0.0, 0.9, 0.0)
    of.discard(350)
    assert start(of, 50, 300) == 50
    assert start(of, 350, 900) == 350


def test_a_hypothesis_without_words_is_left_alone() -> None:
    heard = Hypothesis(Span(0, 100), " one", "en")
    assert voicing(0.9).placed(heard) is heard
