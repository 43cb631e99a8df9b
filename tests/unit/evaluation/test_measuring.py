"""Tallies of a small talk in two languages, by hand."""

import pytest
from sori_server.evaluation.alignment import Edits
from sori_server.evaluation.heard import Heard, HeardWord, OfflineText
from sori_server.evaluation.measuring import live_tallies, offline_tallies
from sori_server.evaluation.tally import Tally
from support.displays import shown, track, utterance

pytestmark = pytest.mark.unit

TALK = track(utterance("one two", 1.0, 3.0), utterance("불을 바꿔", 5.0, 7.0, "ko"))


def words(text: str, start: float, end: float) -> list[HeardWord]:
    return [HeardWord(w.text, w.start, w.end) for w in utterance(text, start, end).words]


def heard() -> Heard:
    return Heard(
        displays=[
            shown(2.1, "", "on", span=(0.8, 2.0)),
            shown(2.6, "", "one", span=(0.8, 2.5)),
            shown(
                3.64, "one two", span=(0.8, 3.2), final=True, endpointing=0.5,
                words=words("one two", 1.1, 3.1),
            ),
            shown(6.0, "", "불을", span=(4.8, 5.9), of=1, language="ko"),
            shown(
                7.7, "불을 꿔", span=(4.8, 7.2), of=1, language="ko", final=True,
                words=words("불을 꿔", 5.0, 7.0), endpointing=0.5,
            ),
        ],
        speech_ends=[3.05, 7.1],
    )  # fmt: skip


def test_each_language_has_its_own_errors() -> None:
    tallies = live_tallies(TALK, heard(), wall=True)
    assert tallies["en"].words == Edits(2)
    assert tallies["ko"].words == Edits(2, substitutions=1)
    assert tallies["ko"].characters == Edits(4, deletions=1)
    assert [tallies[language].utterances for language in ("en", "ko")] == [1, 1]


def test_first_text_counts_from_the_first_word_of_its_utterance() -> None:
    tallies = live_tallies(TALK, heard(), wall=True)
    assert tallies["en"].first_interim == pytest.approx((1.1,))
    assert tallies["ko"].first_interim == pytest.approx((1.0,))


def test_a_final_is_timed_from_speech_and_from_the_audio_that_decided() -> None:
    """Decided at 3.05 + 0.5 s: in the piece of audio that ends at 3.6 s."""
    tally = live_tallies(TALK, heard(), wall=True)["en"]
    assert tally.finalisation == pytest.approx((0.64,))
    assert tally.hang_over == (0.5,)
    assert tally.after_decision == pytest.approx((0.04,))


def test_without_a_clock_nobody_knows_what_computing_took() -> None:
    tally = live_tallies(TALK, heard(), wall=False)["en"]
    assert tally.after_decision == ()
    assert tally.finalisation == pytest.approx((0.64,))


def test_erasure_counts_what_was_shown() -> None:
    tallies = live_tallies(TALK, heard(), wall=True)
    assert (tallies["en"].deleted, tallies["en"].misheard, tallies["en"].shown) == (1, 1, 2)
    assert (tallies["ko"].deleted, tallies["ko"].shown) == (0, 2)


def test_word_times_are_those_of_right_words() -> None:
    tallies = live_tallies(TALK, heard(), wall=True)
    assert tallies["en"].start_errors == pytest.approx((0.1, 0.1))
    assert tallies["ko"].end_errors == pytest.approx((0.0,))


def test_an_utterance_nobody_wrote_is_empty() -> None:
    texts = [OfflineText("one two", "en", tuple(words("one two", 1.0, 3.0)))]
    tallies = offline_tallies(TALK, texts)
    assert (tallies["en"].empty, tallies["ko"].empty) == (0, 1)
    assert tallies["ko"].words == Edits(2, deletions=2)


def test_text_where_nothing_is_said_belongs_to_no_language() -> None:
    silence = track()
    invented = Heard([shown(2.0, "thank you", final=True)])
    tallies = live_tallies(silence, invented, wall=True)
    assert {language: tally.shown for language, tally in tallies.items()} == {"": 2}


def test_tallies_add_up_field_by_field() -> None:
    one = Tally(words=Edits(2), empty=1, start_errors=(0.1,))
    two = Tally(words=Edits(3, 1), shown=4, start_errors=(0.2, 0.3))
    assert one + two == Tally(words=Edits(5, 1), empty=1, shown=4, start_errors=(0.1, 0.2, 0.3))
