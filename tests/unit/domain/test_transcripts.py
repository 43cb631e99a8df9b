"""Transcripts: exact times, no word lost or cut, valid files."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.events import Result
from sori_server.domain.recognition import Word
from sori_server.domain.transcripts import (
    FORMATS,
    MAX_CAPTION_CHARACTERS,
    MAX_CAPTION_SAMPLES,
    Caption,
    captions,
    to_json,
    to_srt,
    to_txt,
    to_vtt,
)

pytestmark = pytest.mark.unit


def final(
    text: str, start: int = 0, end: int = 16_000, words: tuple[Word, ...] = (), index: int = 0
) -> Result:
    return Result(index, 1, Span(start, end), text, "", True, "en", words=words)


def interim(text: str) -> Result:
    return Result(0, 1, Span(0, 16_000), "", text, False, "en")


def spoken(*texts: str, each: int = 8_000) -> Result:
    words = tuple(Word(text, i * each, (i + 1) * each, 0.9) for i, text in enumerate(texts))
    return final("".join(texts), 0, len(texts) * each, words)


def test_only_finals_with_text_are_written() -> None:
    results = [interim(" maybe"), final(" one two"), final("  "), final(" three")]
    assert to_txt(results) == "one two\nthree\n"
    assert [caption.text for caption in captions(results)] == ["one two", "three"]


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_said_is_a_valid_file(name: str) -> None:
    expected = {"txt": "", "json": '{\n  "segments": []\n}\n', "srt": "", "vtt": "WEBVTT\n"}
    assert FORMATS[name]([]) == expected[name]


def test_srt_is_exact() -> None:
    results = [final(" 하나, two", 8, 16_000), final(" three", 3661 * 16_000 + 15_999, 10**8)]
    assert to_srt(results) == (
        "1\n00:00:00,001 --> 00:00:01,000\n하나, two\n\n2\n01:01:02,000 --> 01:44:10,000\nthree\n"
    )


def test_vtt_is_exact_and_escaped() -> None:
    assert to_vtt([final(" a < b & c --> d\n\ne", 0, 24_001)]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na &lt; b &amp; c --&gt; d e\n"
    )


def test_json_has_words_when_there_are() -> None:
    document = json.loads(to_json([spoken(" one", " two"), final(" three", index=1)]))
    first, second = document["segments"]
    assert first["text"] == "one two"
    assert first["words"][1] == {"word": "two", "start": 0.5, "end": 1.0, "confidence": 0.9}
    assert (second["index"], second["start"], second["end"]) == (1, 0.0, 1.0)
    assert "words" not in second


def test_a_long_result_without_words_stays_whole() -> None:
    text = "word " * 100
    assert captions([final(text, 0, 10**6)]) == [Caption(0, 10**6, text.strip())]


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"\A ?[a-z가-힣]{1,30}\Z"), st.integers(1, 40_000), st.integers(0, 9_000)
        ),
        min_size=1,
        max_size=80,
    )
)
def test_splitting_keeps_every_word_and_its_time(spoken_words: list[tuple[str, int, int]]) -> None:
    words, clock = [], 0
    for text, length, pause in spoken_words:
        words.append(Word(text, clock, clock + length, 1.0))
        clock += length + pause
    text = "".join(word.text for word in words)
    result = captions([final(text, 0, clock, tuple(words))])
    assert "".join(caption.text for caption in result).replace(" ", "") == text.replace(" ", "")
    starts, ends = {word.start for word in words}, {word.end for word in words}
    for before, after in zip([None, *result], result, strict=False):
        assert after.start in starts
        assert after.end in ends
        assert len(after.text) <= MAX_CAPTION_CHARACTERS
        assert after.end - after.start <= MAX_CAPTION_SAMPLES
        assert before is None or before.end <= after.start


def test_captions_are_as_long_as_they_may_be() -> None:
    texts = [f" word{i:03}" for i in range(40)]
    assert [len(c.text) for c in captions([spoken(*texts, each=1000)])] == [79, 79, 79, 79]


def test_split_captions_count_on_in_srt() -> None:
    numbers = re.findall(r"^(\d+)$", to_srt([spoken(*[" so"] * 40), final(" end")]), re.MULTILINE)
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
    assert len(numbers) > 2


def test_captions_do_not_show_their_text_in_logs() -> None:
    assert "secret" not in repr(captions([final("secret")]))
