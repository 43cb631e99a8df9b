"""Results of the contract become the values they were made from."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.config import RecognitionConfig
from sori_server.domain.events import Result
from sori_server.domain.recognition import Word
from sori_server.transport.contract import responses, results
from sori_server.transport.contract.durations import offset

pytestmark = pytest.mark.unit


def made(text: str, words: tuple[Word, ...] = ()) -> Result:
    return Result(3, 2, Span(1_600, 32_001), text, "", True, "ko", 0.5, 0.25, words, channel=1)


def there_and_back(result: Result) -> Result:
    message = responses.recognition_result(result, RecognitionConfig(), with_latency=False)
    return results.result(message)


@given(position=st.integers(0, 10**10))
def test_positions_are_exact(position: int) -> None:
    assert results.position(offset(position)) == position


def test_a_place_between_two_samples_is_the_nearest() -> None:
    assert results.position(Duration(nanos=62_500 + 31_251)) == 2


@pytest.mark.parametrize(
    "texts",
    [(" Seven", " four,", " two."), ("안녕", " 하세요"), ("你", "好"), (" a", " a")],
)
def test_a_result_comes_back_with_the_spaces_of_its_words(texts: tuple[str, ...]) -> None:
    words = tuple(Word(text, 1_600 * i, 1_600 * (i + 1), 0.5) for i, text in enumerate(texts))
    assert there_and_back(made("".join(texts), words)) == made("".join(texts), words)


def test_a_word_that_is_not_in_the_text_gets_a_space() -> None:
    words = (Word(" one", 0, 1_600, 0.5), Word(" two", 1_600, 3_200, 0.5))
    back = there_and_back(made(" replaced two", words))
    assert [word.text for word in back.words] == [" one", " replaced two"]


def test_a_result_without_a_reading_is_empty() -> None:
    empty = results.result(results.pb.RecognitionResult(is_final=True))
    assert (empty.text, empty.words, empty.span) == ("", (), Span(0, 0))
