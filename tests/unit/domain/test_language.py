"""Languages have one name outside and one inside, and both ways lead back."""

from __future__ import annotations

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES as WHISPER_CODES
from sori_server.domain.config import RecognitionConfig
from sori_server.domain.language import language_tag, tag_for, whisper_code

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("ko-KR", "ko"),
        ("en_us", "en"),
        ("zh-Hant-TW", "zh"),
        ("zh-yue", "yue"),
        ("zh-cmn-Hans", "zh"),
        ("zh-HK", "zh"),
        ("yue-HK", "yue"),
        ("cmn-CN", "zh"),
        ("jv", "jw"),
        ("nb-NO", "no"),
        ("nn-NO", "nn"),
        ("no", "no"),
        ("iw-IL", "he"),
        ("he", "he"),
        ("in", "id"),
        ("ji", "yi"),
        ("mo", "ro"),
        ("fil-PH", "tl"),
        ("haw", "haw"),
        ("sl-rozaj-biske-1994", "sl"),
    ],
)
def test_a_tag_names_a_language_of_whisper(tag: str, code: str) -> None:
    assert whisper_code(tag) == code


@pytest.mark.parametrize(
    "tag",
    ["", "e", "e1", "12", "-KR", "en-", "en--US", "e n", "*", "en-verylongone", "한국어", "ko\n"],
)
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="not a BCP-47 tag"):
        whisper_code(tag)


@pytest.mark.parametrize("code", WHISPER_CODES)
def test_every_language_of_whisper_finds_back(code: str) -> None:
    assert whisper_code(language_tag(code)) == code


def test_the_one_code_that_is_no_tag_is_told_as_one() -> None:
    assert [code for code in WHISPER_CODES if language_tag(code) != code] == ["jw"]
    assert language_tag("jw") == "jv"


def test_a_language_is_called_what_the_client_called_it() -> None:
    config = RecognitionConfig(languages=("ko", "no"), language_tags=("ko-KR", "nb"))
    assert [tag_for(code, config) for code in ("ko", "no", "jw")] == ["ko-KR", "nb", "jv"]
    assert tag_for("ko", RecognitionConfig(languages=("ko",))) == "ko"
