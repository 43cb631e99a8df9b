"""Words found again, and when they came on the screen."""

import pytest
from sori_server.evaluation.heard import HeardWord
from sori_server.evaluation.word_places import emissions, matched
from support.displays import shown, track, utterance

pytestmark = pytest.mark.unit

SAID = track(utterance("One two three.", 1.0, 4.0))
"""Words end at 2, 3 and 4 s."""


def test_words_are_matched_by_text_wherever_they_are_placed() -> None:
    heard = [
        HeardWord(" one", 0.9, 2.0),
        HeardWord(" too", 2.0, 3.0),
        HeardWord(" Three", 7.0, 8.0),
    ]
    pairs = [(said.text, word.start) for said, _, word in matched(SAID, heard)]
    assert pairs == [("One", 0.9), ("three.", 7.0)]


def test_a_word_is_shown_at_its_first_display_and_committed_at_its_own_time() -> None:
    displays = [
        shown(2.2, "", "One"),
        shown(3.1, "", "One to"),
        shown(3.6, "One", " two"),
        shown(4.5, "One two three.", final=True),
    ]
    found = [(e.said.text, e.shown, e.committed) for e in emissions(SAID, [displays])]
    assert found == [("One", 2.2, 3.6), ("two", 3.6, 4.5), ("three.", 4.5, 4.5)]


def test_words_that_are_wrong_in_the_end_were_never_shown() -> None:
    displays = [shown(2.2, "", "One two"), shown(4.5, "One too three", final=True)]
    assert [e.said.text for e in emissions(SAID, [displays])] == ["One", "three."]


def test_punctuation_alone_keeps_its_place_in_the_text() -> None:
    displays = [shown(2.0, "", "– One"), shown(5.0, "– One two three", final=True)]
    assert [e.shown for e in emissions(SAID, [displays])] == [2.0, 5.0, 5.0]
