"""Word error rate: checked by hand, by its laws, and against jiwer."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.cli.wer import WordErrors, edit_distance, normalised_words, word_errors

pytestmark = pytest.mark.unit

SENTENCES = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8)


@pytest.mark.parametrize(
    ("said", "recognized", "errors"),
    [
        ("four seven zero", "four seven zero", 0),
        ("four seven zero", "four zero", 1),
        ("four seven zero", "four seven two zero", 1),
        ("four seven zero", "four eleven zero", 1),
        ("four seven", "", 2),
        ("a b c", "c b a", 2),
    ],
)
def test_counts_wrong_missing_and_added_words(said: str, recognized: str, errors: int) -> None:
    assert word_errors(said, recognized).errors == errors


def test_case_punctuation_and_forms_of_letters_do_not_count() -> None:
    assert word_errors("Don't stop: it’s 5 o'clock.", "dont STOP its 5 oclock").errors == 0
    assert normalised_words("불을, 바꿔 주세요!") == ["불을", "바꿔", "주세요"]
    assert normalised_words("ｆｉｖｅ–nine") == ["five", "nine"]


def test_rates_add_up_by_words_not_by_recordings() -> None:
    total = WordErrors(1, 2) + WordErrors(1, 8)
    assert total.rate == pytest.approx(0.2)


def test_rate_of_nothing_said() -> None:
    assert word_errors("", "").rate == 0.0
    assert word_errors("", "ghost").rate == 1.0


@given(SENTENCES.filter(bool), SENTENCES)
def test_agrees_with_jiwer(said: list[str], recognized: list[str]) -> None:
    ours = word_errors(" ".join(said), " ".join(recognized)).rate
    assert ours == pytest.approx(jiwer.wer(" ".join(said), " ".join(recognized)))


@given(SENTENCES, SENTENCES)
def test_distance_is_symmetric_and_bounded(a: list[str], b: list[str]) -> None:
    distance = edit_distance(a, b)
    assert distance == edit_distance(b, a)
    assert abs(len(a) - len(b)) <= distance <= max(len(a), len(b))
