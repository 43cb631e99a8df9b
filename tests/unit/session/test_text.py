"""Tokens, their keys and times, and how two readings are lined up."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.recognition import Word
from sori_server.session.text import LINED_UP, Token, align, join, tokenize

pytestmark = pytest.mark.unit


def tokens(text: str) -> list[Token]:
    return tokenize(text, "en")


def unlike(left: str, right: str) -> Fraction:
    """Edits that replacing one word by the other costs, in hundredths rounded down."""
    shared = (Counter(left) & Counter(right)).total()
    letters = len(left) + len(right)
    return Fraction(200 * (letters - 2 * shared) // letters, 100)


def edits_and_matches(left: list[str], right: list[str]) -> tuple[Fraction, int]:
    """Least edits, and of those the most equal words (negative), by recursion."""
    if not left or not right:
        return Fraction(len(left) + len(right)), 0
    same = left[-1] == right[-1]
    one = Fraction(1)
    ways = [(left[:-1], right[:-1], unlike(left[-1], right[-1]), same)]
    ways += [(left[:-1], right, one, False), (left, right[:-1], one, False)]
    found = ((edits_and_matches(a, b), edit, match) for a, b, edit, match in ways)
    return min((edits + edit, matches - match) for (edits, matches), edit, match in found)


def test_words_keep_their_spaces_and_lose_case_and_punctuation_in_their_keys() -> None:
    read = tokens(" Hello, World!  It’s ")
    assert [token.text for token in read] == [" Hello,", " World!", "  It’s"]
    assert [token.key for token in read] == ["hello", "world", "its"]


def test_the_first_word_has_a_space_even_if_the_model_left_it_out() -> None:
    assert join([*tokens("one"), *tokens("two three")]) == " one two three"


def test_languages_without_spaces_are_read_by_character() -> None:
    assert [token.text for token in tokenize("今日は、雨", "ja")] == ["今", "日", "は、", "雨"]
    assert [token.key for token in tokenize("は、", "ja")] == ["は"]


@pytest.mark.parametrize(
    ("text", "language", "pieces"),
    [
        ("ที่นี่", "th", ["ที่", "นี่"]),
        ("น้ำดำ", "th", ["น้ำ", "ดำ"]),
        ("ນຳ", "lo", ["ນຳ"]),
        ("ភ្នំ", "km", ["ភ្នំ"]),
        ("အက္ခ", "my", ["အ", "က္ခ"]),
        ("བསྒྲུབ", "bo", ["བ", "སྒྲུ", "བ"]),
        ("か\u3099く", "ja", ["か\u3099", "く"]),
        ("葛\U000e0100城", "zh", ["葛\U000e0100", "城"]),
        ("好👩\u200d👧了", "zh", ["好", "👩\u200d👧", "了"]),
    ],
)
def test_no_sign_is_broken_into_its_marks(text: str, language: str, pieces: list[str]) -> None:
    assert [token.text for token in tokenize(text, language)] == pieces


def test_korean_is_read_by_word() -> None:
    assert [token.key for token in tokenize(" 안녕 하세요.", "ko")] == ["안녕", "하세요"]


@given(st.text(), st.sampled_from(["en", "zh"]))
def test_tokens_join_to_the_text_but_for_outer_spaces(text: str, language: str) -> None:
    assert join(tokenize(text, language)).strip() == text.strip()


def test_words_with_times_time_the_tokens_they_share_characters_with() -> None:
    words = [Word(" twenty", 0, 10, 0.9), Word("-one", 10, 20, 0.5), Word(" two", 30, 40, 0.8)]
    timed = tokenize(" twenty-one two", "en", words)
    assert [(t.start, t.end, t.confidence) for t in timed] == [(0, 20, 0.5), (30, 40, 0.8)]


def test_characters_share_the_times_of_their_word() -> None:
    words = [Word("今日", 0, 10, 0.9), Word("は", 10, 20, 0.5)]
    timed = tokenize("今日は", "ja", words)
    assert [(t.start, t.end) for t in timed] == [(0, 10), (0, 10), (10, 20)]


def test_no_text_has_no_tokens() -> None:
    assert tokenize(" ", "en") == []
    assert tokenize("", "zh") == []


def test_a_token_shows_no_text_in_its_repr() -> None:
    assert "secret" not in repr(tokens(" secret")[0])


@pytest.mark.parametrize(
    ("prefix", "text", "ends"),
    [
        ("", "a b", []),
        ("a b", "", [0, 0]),
        ("a b", "a b c", [1, 2]),
        ("a b c", "b c d", [0, 1, 2]),
        ("a b c", "a x b c d", [1, 3, 4]),
        ("a b c", "a x c d", [1, 2, 3]),
        ("grey area", "gray area code", [1, 2]),
        ("zero zero", "zero zero zero zero", [1, 2]),
        ("zero zero zero", "zero zero one", [1, 2, 3]),
        ("zero zero zero", "zero zero", [1, 2, 2]),
        ("one zero zero zero", "one zero zero zero zero two", [1, 2, 3, 4]),
        ("a b", "x y z w", [0, 0]),
        ("one two", "one eight", [1, 1]),
        ("one two", "one too", [1, 2]),
        ("one two three", "one eight three four", [1, 2, 3]),
        ("zero two", "zero eight two one", [1, 3]),
        ("cat", "act", [1]),
        ("c", "b c d", [2]),
        ("one everyone three", "one every one three four", [1, 3, 4]),
        ("zero zero zero", "zero zero six zero one", [1, 2, 4]),
    ],
)
def test_readings_are_lined_up(prefix: str, text: str, ends: list[int]) -> None:
    assert align(tokens(prefix), tokens(text)) == ends


READING = st.lists(st.sampled_from(["a", "b", "ab", "ba", "abc", "aabcd"]), max_size=4)


@given(READING, READING)
def test_the_part_lined_up_has_the_least_edit_distance(prefix: list[str], text: list[str]) -> None:
    ends = align(tokens(" ".join(prefix)), tokens(" ".join(text)))
    assert len(ends) == len(prefix)
    if prefix:
        costs = [
            (*edits_and_matches(prefix, text[:j]), abs(j - len(prefix)))
            for j in range(len(text) + 1)
        ]
        assert costs[ends[-1]] == min(costs)
        runs = [text[start:end] for start, end in pairwise([0, *ends])]
        parts = [edits_and_matches([w], run) for w, run in zip(prefix, runs, strict=True)]
        assert (sum(p[0] for p in parts), sum(p[1] for p in parts)) == min(costs)[:2]


def test_a_true_committed_text_is_found_exactly_however_often_words_repeat() -> None:
    spoken = tokens(" zero zero zero one zero zero")
    for length in range(len(spoken) + 1):
        assert align(spoken[:length], spoken) == list(range(1, length + 1))


def characters(first: int, count: int) -> list[Token]:
    """Characters that are all different."""
    return tokenize("".join(chr(0x4E00 + i) for i in range(first, first + count)), "zh")


@pytest.mark.parametrize("length", [40, LINED_UP, LINED_UP + 200])
def test_a_true_committed_text_is_found_exactly_however_long(length: int) -> None:
    spoken = characters(0, length + 5)
    assert align(spoken[:length], spoken) == list(range(1, length + 1))
    ends = align(characters(5000, 1) + spoken[1:length], spoken)
    assert ends[-40:] == list(range(1, length + 1))[-40:]


def test_only_the_newest_of_a_long_differing_text_are_lined_up() -> None:
    ends = align(characters(5000, 1) + characters(1, LINED_UP), characters(0, LINED_UP + 1))
    assert ends == [0, *range(2, LINED_UP + 2)]
