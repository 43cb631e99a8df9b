"""Which language windows are decoded in, and when what was detected is believed."""

from __future__ import annotations

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.config import RecognitionConfig
from sori_server.domain.recognition import Hypothesis
from sori_server.session.language import CONFIDENT, ENOUGH_AUDIO, LanguageChoice
from support.session_streams import NEWEST, SECOND, Stream, stream

pytestmark = pytest.mark.unit


def heard(
    text: str = " ja",
    *,
    language: str = "de",
    sure: float = CONFIDENT,
    length: int = ENOUGH_AUDIO,
    doubtful: bool = False,
) -> Hypothesis:
    return Hypothesis(Span(0, length), text, language, sure, doubtful=doubtful)


def choice(*languages: str, switching: bool = False) -> LanguageChoice:
    return LanguageChoice(RecognitionConfig(languages=languages, language_switching=switching))


# --------------------------------------------------------------------- choice


def test_a_language_that_was_named_stays_whatever_is_heard() -> None:
    named = choice("ko")
    named.hear(heard(language="en", sure=1.0))
    assert named.languages == ("ko",)


@pytest.mark.parametrize("languages", [(), ("en", "de", "ko")])
def test_a_language_detected_with_confidence_is_held(languages: tuple[str, ...]) -> None:
    several = choice(*languages)
    assert several.languages == languages
    several.hear(heard())
    assert several.languages == ("de",)
    several.hear(heard(language="ko", sure=1.0))
    assert several.languages == ("de",)


@pytest.mark.parametrize(
    "doubt",
    [
        heard(sure=CONFIDENT - 0.01),
        heard(length=ENOUGH_AUDIO - 1),
        heard(doubtful=True),
        heard(""),
    ],
    ids=["unsure", "short", "doubtful", "silent"],
)
def test_a_language_that_may_be_another_is_not_held(doubt: Hypothesis) -> None:
    several = choice()
    several.hear(doubt)
    assert several.languages == ()
    several.hear(heard())
    assert several.languages == ("de",)


def test_a_stream_that_switches_holds_none() -> None:
    several = choice("en", "de", switching=True)
    several.hear(heard(sure=1.0, length=10 * ENOUGH_AUDIO))
    assert several.languages == ("en", "de")


# -------------------------------------------------------------------- session


def committed(s: Stream) -> list[str]:
    return [r.committed_text for r in s.results]


def interims(recognition: RecognitionConfig, *answers: dict[str, object]) -> Stream:
    """Speech with an interim every second, answered so."""
    s = stream(recognition, interims=True, prefix_padding=0.0)
    text = " one two"
    for answer in answers:
        s.speech(1.0)
        settings = {"language": "en", "sure": 0.9, **answer}
        s.answer(s.waiting[0], text + NEWEST, **settings)  # type: ignore[arg-type]
    return s


def test_words_are_committed_only_when_the_language_is_sure() -> None:
    s = interims(RecognitionConfig(), {"sure": 0.7}, {"sure": 0.79}, {"sure": 0.8})
    assert committed(s) == ["", "", "one two"]


def test_words_in_a_language_detected_without_confidence_are_shown_all_the_same() -> None:
    s = interims(RecognitionConfig(), {"sure": 0.3})
    assert s.results[0].tentative_text.startswith("one two")
    assert s.results[0].language_confidence == 0.3


def test_a_doubtful_interim_commits_nothing_and_its_language_is_not_held() -> None:
    s = interims(RecognitionConfig(), {}, {"doubtful": True}, {})
    assert committed(s) == ["", "", "one two"]
    assert [r.options.languages for r in s.asked] == [(), ("en",), ("en",)]
    s = interims(RecognitionConfig(), {"doubtful": True}, {})
    assert [r.options.languages for r in s.asked] == [(), ()]


def test_a_text_in_another_language_than_before_takes_no_committed_word_back() -> None:
    recognition = RecognitionConfig(language_switching=True)
    s = interims(recognition, {}, {}, {"language": "ja"}, {"language": "ja"}, {})
    for earlier, later in zip(committed(s), committed(s)[1:], strict=False):
        assert later.startswith(earlier)
    s.end()
    s.answer(s.waiting[0], "一二三", language="ja", sure=1.0)
    assert s.results[-1].text.startswith("one two")


def test_the_language_of_an_interim_holds_for_the_final_and_what_follows() -> None:
    s = interims(RecognitionConfig(languages=("en", "ko")), {"language": "ko"})
    s.silence(1.0)
    assert s.finals_asked[0].options.languages == ("ko",)
    s.answer(s.finals_asked[0], " 하나", language="ko")
    s.speech(2.0)
    s.end()
    assert s.finals_asked[1].options.languages == ("ko",)


def test_every_utterance_of_a_stream_that_switches_is_detected_anew() -> None:
    recognition = RecognitionConfig(languages=("en", "ko"), language_switching=True)
    s = stream(recognition)
    for language, text in (("ko", " 하나"), ("en", " two")):
        s.speech(2.0)
        s.silence(1.0)
        assert s.waiting[0].options.languages == ("en", "ko")
        s.answer(s.waiting[0], text, language=language, sure=1.0)
    assert [r.language for r in s.final_results] == ["ko", "en"]


def test_a_final_that_is_lost_has_the_language_of_its_newest_interim() -> None:
    s = interims(RecognitionConfig(), {"language": "ko"}, {"language": "ko"})
    s.end()
    s.fail(s.waiting[0])
    (final,) = s.final_results
    assert (final.text, final.language) == ("one two", "ko")


def test_detection_delays_nothing() -> None:
    """The window that tells the language is the one whose text is shown."""
    s = stream(RecognitionConfig(), interims=True, prefix_padding=0.0)
    s.speech(0.5)
    (request,) = s.asked
    assert request.bind(SECOND // 2) == Span(0, SECOND // 2)
    s.answer(request, " one", sure=1.0)
    assert s.results[0].text == "one"
