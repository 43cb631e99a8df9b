"""Edits, counted by hand, and to whom they are charged."""

import pytest
from sori_server.evaluation.alignment import Edits, character_edits, equal_pairs, word_edits

pytestmark = pytest.mark.unit


def test_each_kind_of_edit_is_charged_to_the_utterance_it_is_in() -> None:
    said = ["one two three", "four five", "six eight"]
    edits = word_edits(said, "one deux three four six eight seven")
    assert edits == [
        Edits(3, substitutions=1),
        Edits(2, deletions=1),
        Edits(2, insertions=1),
    ]


def test_words_before_the_first_one_said_are_charged_to_the_first_utterance() -> None:
    assert word_edits(["yes", "no"], "well then yes no") == [Edits(1, insertions=2), Edits(1)]


def test_an_utterance_without_words_is_charged_with_nothing() -> None:
    assert word_edits(["", "yes"], "no") == [Edits(0), Edits(1, substitutions=1)]


def test_nothing_said_has_nobody_to_charge() -> None:
    assert word_edits([], "thank you for watching") == []


def test_nothing_recognized_is_all_missing() -> None:
    assert word_edits(["one two", "three"], "") == [Edits(2, deletions=2), Edits(1, deletions=1)]


def test_characters_are_counted_without_spaces() -> None:
    assert character_edits(["불을 바꿔"], "불을바꺼") == [Edits(4, substitutions=1)]


def test_equal_words_are_paired_in_order() -> None:
    assert equal_pairs(["a", "b", "c", "d"], ["a", "x", "c", "y", "d"]) == [(0, 0), (2, 2), (3, 4)]


def test_edits_add_up() -> None:
    assert Edits(3, 1, 0, 2) + Edits(4, 0, 1, 1) == Edits(7, 1, 1, 3)
    assert Edits(7, 1, 1, 3).errors == 5
