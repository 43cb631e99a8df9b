"""Erasure and violations, counted by hand."""

import pytest
from sori_server.evaluation.stability import deleted_words, violations
from support.displays import shown

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("displays", "expected"),
    [
        (["a", "a b", "a b c"], 0),
        # "b" and "c" go although "c" comes back: only the common beginning stays.
        (["a b c", "a x c"], 2),
        (["a b", "", "a b"], 2),
        (["a.", "a b."], 1),
        (["a", "b", "a"], 2),
        ([], 0),
        (["a b"], 0),
    ],
)
def test_words_after_the_common_beginning_are_taken_back(
    displays: list[str], expected: int
) -> None:
    assert deleted_words([text.split() for text in displays]) == expected


def test_committed_text_that_grows_is_no_violation() -> None:
    displays = [shown(1, "", "so"), shown(2, "so", " on"), shown(3, "so on", final=True)]
    assert violations(displays) == 0


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(shown(3, "so", " on the"), id="a word taken back, though it is still shown"),
        pytest.param(shown(3, "so in"), id="a word changed"),
        pytest.param(shown(3, "so it is", final=True), id="a final that says something else"),
    ],
)
def test_committed_text_that_shrinks_or_changes_is_one(later: object) -> None:
    assert violations([shown(2, "so on"), later]) == 1


def test_a_result_after_the_final_is_one() -> None:
    assert violations([shown(1, "so", final=True), shown(2, "so on")]) == 1
