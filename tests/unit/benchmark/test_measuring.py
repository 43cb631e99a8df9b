import pytest
from sori_server.benchmark.measuring import Period, measured
from sori_server.benchmark.scripts import Spoken
from support.loads import final, interim, plan, record, spoken

pytestmark = pytest.mark.unit

ALL = Period(0.0, 10.0)


def test_finalisation_is_from_the_true_end_to_the_first_final_that_covers_it() -> None:
    stream = plan(spoken(1, 2), spoken(4, 5))
    heard = record((2.3, final(0.8, 1.5)), (2.7, final(1.5, 2.1)), (5.5, final(3.8, 5.3)))
    found = measured(stream, heard, ALL, by_final=False)
    assert found.finalisation == [pytest.approx((2.0, 0.7)), pytest.approx((5.0, 0.5))]
    assert (found.utterances, found.missing, found.doubled) == (2, 0, 0)
    assert found.hang_over == [0.3, 0.3, 0.3]


def test_a_final_may_end_a_little_before_the_utterance() -> None:
    found = measured(plan(spoken(1, 2)), record((2.5, final(0.8, 1.85))), ALL, by_final=False)
    assert found.missing == 0
    found = measured(plan(spoken(1, 2)), record((2.5, final(0.8, 1.7))), ALL, by_final=False)
    assert (found.missing, found.finalisation) == (1, [])


def missing(*finals: tuple[float, float], said: Spoken, by_final: bool = False) -> int:
    heard = record(*((end + 0.5, final(start, end)) for start, end in finals))
    return measured(plan(said), heard, ALL, by_final=by_final).missing


@pytest.mark.parametrize("by_final", [False, True])
def test_an_utterance_without_its_beginning_is_missing(by_final: bool) -> None:
    said = spoken(0, 5)
    assert missing((3, 5), said=said, by_final=by_final) == 1
    assert missing((0.6, 5), said=said, by_final=by_final) == 1
    assert missing((0.45, 5), said=said, by_final=by_final) == 0


@pytest.mark.parametrize("by_final", [False, True])
def test_several_finals_may_cover_an_utterance_together(by_final: bool) -> None:
    said = spoken(0, 5)
    assert missing((0, 2), (2, 4), (4, 5.2), said=said, by_final=by_final) == 0
    assert missing((0, 2), (2.3, 5.2), said=said, by_final=by_final) == 0
    assert missing((0, 2), (4, 5.2), said=said, by_final=by_final) == 1
    assert missing((0, 5.2), (2, 2.1), said=said, by_final=by_final) == 0


def test_pauses_within_an_utterance_need_no_final() -> None:
    said = Spoken("a", "red blue", 0, 5, ((0, 1), (4, 5)))
    assert missing((0, 1.2), (3.7, 5.2), said=said) == 0


def test_the_final_of_another_utterance_covers_no_beginning() -> None:
    stream = plan(spoken(1, 3), spoken(4, 8))
    heard = record((3.5, final(0.8, 3.2)), (8.5, final(6, 8.2)))
    assert measured(stream, heard, ALL, by_final=False).missing == 1


def test_where_silence_ends_nothing_finals_count_from_their_last_word() -> None:
    stream = plan(spoken(1, 3), spoken(3.3, 5))
    heard = record((2.9, final(0.8, 2.1)), (6.0, final(2.1, 5.2)), (7.0, final(5.2, 6.5, "")))
    found = measured(stream, heard, ALL, by_final=True)
    assert found.finalisation == [pytest.approx((2.0, 0.9)), pytest.approx((5.0, 1.0))]


def test_finals_that_cover_audio_again_are_doubled() -> None:
    heard = record((2.5, final(0.8, 2.2)), (2.6, final(0.8, 2.2)), (5.4, final(2.15, 5.3)))
    assert measured(plan(spoken(1, 2)), heard, ALL, by_final=False).doubled == 1


def test_what_is_due_outside_the_period_is_left_out() -> None:
    stream = plan(spoken(1, 2), spoken(4, 5), spoken(7, 8))
    heard = record(*((end + 0.5, final(end - 1, end + 0.2)) for end in (2.0, 5.0, 8.0)))
    found = measured(stream, heard, Period(3.0, 8.0), by_final=False)
    assert found.utterances == 1
    assert [at for at, _ in found.finalisation] == pytest.approx([5.0])
    assert [block for block, *_ in found.word_errors] == ["a"]


def test_interims_are_measured_against_the_audio_they_cover() -> None:
    heard = record(
        (1.62, interim(0.8, 1.5)), (2.15, interim(0.8, 2.0)), (5.6, interim(4, 5.5, utterance=1))
    )
    found = measured(plan(spoken(1, 2)), heard, ALL, by_final=False)
    assert found.staleness == pytest.approx([0.12, 0.15, 0.1])
    assert found.interval == pytest.approx([0.53])
    assert found.first_text == pytest.approx([0.62])
    assert (found.queue, found.batch_sizes) == ([], [])


def test_interims_without_text_are_no_first_text() -> None:
    heard = record((1.6, interim(0.8, 1.5, " ")), (2.1, interim(0.8, 2.0)))
    assert measured(plan(spoken(1, 2)), heard, ALL, by_final=False).first_text == [
        pytest.approx(1.1)
    ]


def test_word_errors_are_charged_to_the_utterance_they_are_in() -> None:
    stream = plan(spoken(1, 2, block="a"), spoken(4, 5, "green grey", "b"), spoken(9, 12, "black"))
    heard = record((2.5, final(0.8, 2.2)), (5.5, final(3.8, 5.3, "green grow")))
    found = measured(stream, heard, Period(0, 6), by_final=False)
    assert found.word_errors == [("a", 2, 0), ("b", 2, 1)]


def test_no_text_is_in_what_is_printed() -> None:
    stream = plan(spoken(1, 2, "secret"))
    heard = record((2.5, final(0.8, 2.2, "secret")))
    found = measured(stream, heard, ALL, by_final=False)
    assert "secret" not in repr((stream, heard, found, heard.heard))
