"""Audio in lock step and at the pace of speech."""

import asyncio

import numpy as np
import pytest
from sori_server.evaluation.feeds import LockStep, Paced, pieces
from sori_server.evaluation.references import Track

pytestmark = pytest.mark.unit

TRACK = Track("t", "t", np.arange(4_000, dtype=np.int16), ())
"""A quarter of a second."""


def test_pieces_are_all_the_audio_in_order() -> None:
    sent = list(pieces(TRACK))
    assert [len(piece or b"") for piece in sent] == [3_200, 3_200, 1_600]
    assert b"".join(piece or b"" for piece in sent) == TRACK.pcm.tobytes()


def test_an_utterance_ends_behind_the_piece_that_holds_its_end() -> None:
    sent = list(pieces(TRACK, [0.05, 0.1, 0.2]))
    assert [piece is None for piece in sent] == [False, True, True, False, True, False]


async def test_lock_step_waits_and_counts_audio() -> None:
    asked = 0

    async def settled() -> None:
        nonlocal asked
        asked += 1

    clock = LockStep()
    seen = [(asked, clock.now()) async for _ in clock.feed(pieces(TRACK), settled)]
    assert seen == [(1, 0.1), (2, 0.2), (3, 0.25)]
    assert asked == 4, "and once more before the end of audio"


async def test_paced_audio_comes_when_it_was_spoken_however_late_it_is_asked_for() -> None:
    clock = Paced()
    track = Track("t", "t", np.zeros(17_600, np.int16), ())
    times = []
    async for _ in clock.feed(pieces(track)):
        times.append(clock.now())
        if len(times) == 1:
            await asyncio.sleep(1.2)
    assert 0.1 <= times[0] <= times[1] - 1.2
    assert times[-1] - times[1] < 0.9, "what was late delays nothing after it"
    assert 1.1 <= clock.latest <= times[-1] - 0.2
