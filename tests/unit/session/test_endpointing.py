"""Boundaries from speech probabilities; one frame is 100 ms here."""

from __future__ import annotations

import pytest
from sori_server.domain.config import EndpointingConfig, EndpointingMode
from sori_server.session.endpointing import (
    TRANSITIONS,
    Boundary,
    Endpointer,
    Pause,
    Phase,
    Signal,
    SpeechOffset,
    SpeechOnset,
    SpeechOverlong,
)

pytestmark = pytest.mark.unit

FRAME = 1600
CONFIG = EndpointingConfig(end_silence=0.5, min_speech=0.2, max_utterance=8.0)


def boundaries(endpointer: Endpointer, *runs: tuple[float, int]) -> list[tuple[int, Boundary]]:
    """Frame number and boundary of each boundary in runs of (probability, frames)."""
    flat = [probability for probability, frames in runs for _ in range(frames)]
    found = ((i, endpointer.accept(p)) for i, p in enumerate(flat, start=1))
    return [(i, boundary) for i, boundary in found if boundary is not None]


def test_every_phase_has_a_row_is_reachable_and_every_signal_is_used() -> None:
    assert set(TRANSITIONS) == set(Phase)
    reached = {Phase.SILENCE}
    for _ in Phase:
        reached |= {target for phase in reached for target in TRANSITIONS[phase].values()}
    assert reached == set(Phase)
    assert {signal for row in TRANSITIONS.values() for signal in row} == set(Signal)


def test_speech_starts_after_the_least_speech_and_ends_after_the_silence() -> None:
    found = boundaries(Endpointer(CONFIG, FRAME), (0.0, 3), (0.9, 10), (0.0, 10))
    assert found == [
        (5, SpeechOnset(3 * FRAME)),
        (18, SpeechOffset(13 * FRAME, 18 * FRAME, overlong=False)),
    ]


def test_a_blip_is_not_speech() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    assert boundaries(endpointer, (0.9, 1), (0.0, 1), (0.9, 1), (0.0, 9)) == []
    assert endpointer.phase is Phase.SILENCE


def test_without_a_least_length_the_first_frame_is_speech() -> None:
    endpointer = Endpointer(EndpointingConfig(min_speech=0.0), FRAME)
    assert boundaries(endpointer, (0.9, 1)) == [(1, SpeechOnset(0))]


def test_speech_goes_on_above_the_exit_threshold_and_comes_back_above_the_entry() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    assert len(boundaries(endpointer, (0.9, 3), (0.36, 10))) == 1
    assert boundaries(endpointer, (0.34, 1), (0.36, 4)) == [
        (5, SpeechOffset(13 * FRAME, 18 * FRAME, overlong=False))
    ]


def test_a_short_pause_does_not_end_speech() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    assert len(boundaries(endpointer, (0.9, 3), (0.0, 4), (0.9, 3))) == 1
    assert endpointer.phase is Phase.SPEECH
    assert endpointer.last_speech == 10 * FRAME


def test_in_a_pause_the_last_speech_is_before_it() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    boundaries(endpointer, (0.9, 3), (0.0, 4))
    assert endpointer.last_speech == 3 * FRAME


@pytest.mark.parametrize(("spoken", "silence"), [(20, 5), (30, 3), (40, 1), (60, 1), (79, 1)])
def test_the_longer_the_utterance_the_shorter_the_pause_that_ends_it(
    spoken: int, silence: int
) -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    _, (frame, offset) = boundaries(endpointer, (0.9, spoken), (0.0, 6))
    assert frame == spoken + silence
    assert isinstance(offset, SpeechOffset)
    assert not offset.overlong


def test_speech_without_a_pause_is_overlong_until_the_next_utterance_begins() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    (_, onset), *overlong = boundaries(endpointer, (0.9, 81))
    assert isinstance(onset, SpeechOnset)
    assert overlong == [(80, SpeechOverlong()), (81, SpeechOverlong())]
    endpointer.begin(70 * FRAME, cut=True)
    assert boundaries(endpointer, (0.9, 69)) == [(69, SpeechOverlong())]


def test_padding_counts_to_the_length_of_the_utterance() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    boundaries(endpointer, (0.0, 10), (0.9, 2))
    endpointer.begin(7 * FRAME, cut=False)
    assert boundaries(endpointer, (0.9, 75)) == [(75, SpeechOverlong())]


def test_a_pause_in_an_overlong_utterance_ends_it_however_much_silence_is_wanted() -> None:
    config = EndpointingConfig(end_silence=10.0, min_speech=0.2, max_utterance=4.0)
    endpointer = Endpointer(config, FRAME)
    assert boundaries(endpointer, (0.9, 3), (0.0, 60)) == [
        (2, SpeechOnset(0)),
        (40, SpeechOffset(3 * FRAME, 40 * FRAME, overlong=True)),
    ]
    assert endpointer.phase is Phase.SILENCE


def test_speech_ended_from_outside_goes_on_with_the_next_voiced_frame() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    boundaries(endpointer, (0.9, 5))
    endpointer.end()
    assert boundaries(endpointer, (0.9, 1)) == [(1, SpeechOnset(0))]


def test_speech_ended_from_outside_is_over_with_a_silent_frame() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    boundaries(endpointer, (0.9, 5))
    endpointer.end()
    assert boundaries(endpointer, (0.0, 1), (0.9, 1), (0.0, 8)) == []


def test_a_pause_ended_from_outside_is_silence() -> None:
    endpointer = Endpointer(CONFIG, FRAME)
    boundaries(endpointer, (0.9, 5), (0.0, 2))
    endpointer.end()
    assert endpointer.phase is Phase.SILENCE
    assert boundaries(endpointer, (0.9, 1), (0.0, 8)) == []


@pytest.mark.parametrize(
    ("config", "spoken", "decided"),
    [
        (CONFIG, 10, 15),
        (EndpointingConfig(end_silence=0.41), 10, 15),
        (EndpointingConfig(end_silence=0.5, max_utterance=2.0), 7, 11),
        (EndpointingConfig(mode=EndpointingMode.FIXED, chunk_duration=1.2), 10, 12),
        (EndpointingConfig(mode=EndpointingMode.CLIENT, max_utterance=1.2), 6, None),
    ],
    ids=["silence", "between frames", "patience", "the clock", "the client"],
)
def test_a_pause_tells_when_it_ends_the_utterance(
    config: EndpointingConfig, spoken: int, decided: int | None
) -> None:
    endpointer = Endpointer(config, FRAME)
    assert endpointer.pause is None
    assert len(boundaries(endpointer, (0.9, spoken))) == 1
    endpointer.begin(0, cut=False)
    assert endpointer.pause is None
    pauses = []
    while True:
        offset = endpointer.accept(0.0)
        if offset is not None:
            break
        pauses.append(endpointer.pause)
    if decided is None:
        assert set(pauses) == {None}
        return
    assert isinstance(offset, SpeechOffset)
    assert offset.decided_at == decided * FRAME
    assert pauses == [Pause(spoken * FRAME, decided * FRAME)] * (decided - spoken - 1)
    assert endpointer.pause is None
