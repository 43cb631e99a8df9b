from __future__ import annotations

import pytest
from sori_server.session.display import Display
from sori_server.session.text import join, tokenize

pytestmark = pytest.mark.unit


def shown(
    display: Display, committed: str, tentative: str, language: str = "en", *, speaking: bool = True
) -> str:
    sure, rest = tokenize(committed, language), tokenize(tentative, language)
    tokens = display.show(sure, rest, speaking=speaking)
    return join(tokens).strip()


def test_the_first_hypothesis_is_shown_whole_but_for_its_stop() -> None:
    assert shown(Display(), "", " Four seven.") == "Four seven"


def test_the_newest_word_of_later_ones_is_not_shown() -> None:
    display = Display()
    shown(display, "", " four")
    assert shown(display, "", " four seven zero") == "four seven"


def test_all_words_are_shown_when_speech_has_paused() -> None:
    display = Display()
    shown(display, "", " four")
    assert shown(display, "", " four seven zero.", speaking=False) == "four seven zero."


def test_a_stop_at_the_end_neither_comes_nor_goes_without_a_word() -> None:
    display = Display()
    shown(display, "", " four")
    assert shown(display, "", " four.", speaking=False) == "four"
    assert shown(display, "", " four seven.", speaking=False) == "four seven."
    assert shown(display, "", " four seven.") == "four seven."
    assert shown(display, "", " for seven.") == "four seven."
    assert shown(display, "", " four seven. Zero one.") == "four seven. Zero"


def test_a_word_once_shown_is_not_hidden_again_because_it_is_the_newest() -> None:
    display = Display()
    shown(display, "", " four")
    assert shown(display, "", " four.") == "four"


def test_what_one_hypothesis_alone_changes_is_not_shown() -> None:
    display = Display()
    shown(display, "", " the bird")
    assert shown(display, "", " a bird sang on") == "the bird"
    assert shown(display, "", " the bird sang on it") == "the bird sang on"


def test_what_two_hypotheses_change_alike_is_shown() -> None:
    display = Display()
    shown(display, "", " the bird")
    shown(display, "", " a bird sang on")
    assert shown(display, "", " a bird sang on it") == "a bird sang on"


def test_what_one_hypothesis_drops_stays() -> None:
    display = Display()
    shown(display, "", " one two three")
    assert shown(display, "", " one") == "one two three"


def test_committed_words_win_over_shown_ones_at_once() -> None:
    display = Display()
    shown(display, "", " an old word")
    assert shown(display, " one two", " three four") == "three"


def test_words_that_become_committed_leave_the_tentative_text() -> None:
    display = Display()
    shown(display, "", " one two three")
    assert shown(display, " one", " two three four") == "two three"


def test_characters_count_as_words_where_there_are_no_spaces() -> None:
    display = Display()
    shown(display, "", "今天", "zh")
    assert shown(display, "", "今天天气好", "zh") == "今天天气"


def test_a_stop_that_stands_alone_is_not_shown() -> None:
    assert shown(Display(), "", " one .") == "one"
