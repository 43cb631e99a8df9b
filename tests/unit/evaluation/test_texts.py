"""What is compared of a text."""

import pytest
from sori_server.evaluation.texts import key, normalised, shown_words

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Don't colour Mr. Smith's cat!", "en", "do not color mister smith is cat"),
        ("Uh, the TV.", "en", "the tv"),
        ("불을, 바꿔 주세요.", "ko", "불을 바꿔 주세요"),
        ("Straße, NEUE", "de", "straße neue"),
        ("你好，世界", "zh", "你 好 世 界"),
        ("...", "en", ""),
    ],
)
def test_what_is_not_said_does_not_count(text: str, language: str, expected: str) -> None:
    assert normalised(text, language) == expected


def test_digits_are_words_wherever_an_utterance_ends() -> None:
    """Joined, one wrong digit would be one wrong word out of one."""
    whole = normalised("four seven zero three", "en")
    parts = " ".join(normalised(part, "en") for part in ("Four seven.", "zero three"))
    assert whole == parts == "4 7 0 3"


@pytest.mark.parametrize(
    ("word", "expected"), [(" Hello,", "hello"), ("—", ""), ("주세요.", "주세요")]
)
def test_keys_are_equal_for_what_sounds_equal(word: str, expected: str) -> None:
    assert key(word) == expected


def test_readers_see_punctuation_and_characters_where_there_are_no_spaces() -> None:
    assert shown_words(" Well,  yes. ", "en") == ("Well,", "yes.")
    assert shown_words("你好。", "zh") == ("你", "好", "。")
