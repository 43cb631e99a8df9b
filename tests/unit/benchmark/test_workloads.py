from itertools import pairwise

import numpy as np
import pytest
from sori_server.benchmark.blocks import EVEN, pieces_of
from sori_server.benchmark.scripts import CHUNK, Manner, Script
from sori_server.benchmark.workloads import ROUND, Workload, cast_of
from sori_server.domain.errors import InvalidConfig
from sori_server.evaluation.references import Corpus, Track, Utterance
from support.loads import pcm_of, piece

pytestmark = pytest.mark.unit

PIECES = (piece(0.1, 1.6, 1.7), piece(0.1, 3.1, 3.3), piece(0.2, 2.4, 2.5, "ko"))


def speech_share(script: Script) -> float:
    return sum(said.end - said.start for said in script.spoken) / script.duration


@pytest.mark.parametrize(
    ("workload", "least", "most"),
    [
        (Workload.CONTINUOUS, 0.75, 0.95),
        (Workload.CONVERSATIONAL, 0.35, 0.5),
        (Workload.HOSTILE, 0.35, 0.5),
        (Workload.IDLE, 0.12, 0.2),
    ],
)
def test_speech_fills_its_share(workload: Workload, least: float, most: float) -> None:
    for plan in cast_of(PIECES, workload, 1).plans(4, 1.0)[:4]:
        assert least <= speech_share(plan.script) <= most
        assert plan.script.duration >= ROUND
        assert len(pcm_of(plan.script)) % CHUNK == 0


def test_a_block_follows_the_same_block_in_all_scripts() -> None:
    pieces = [piece(0.1, 1.0 + k / 10, 1.3 + k / 10) for k in range(6)]
    cast = cast_of(pieces, Workload.CONVERSATIONAL, 1)
    scripts = [plan.script for plan in (*cast.plans(12, 1.0), *cast.rehearsal())]
    said = [[spoken.block for spoken in script.spoken] for script in scripts]
    before = {follower: one for blocks in said for one, follower in pairwise(blocks)}

    assert len(before) == len(pieces)
    assert all(before[other] == one for blocks in said for one, other in pairwise(blocks))
    assert len({blocks[0] for blocks in said}) > 1, "each begins at a place of its own"


def test_speech_lies_where_the_script_says() -> None:
    for said in (
        script := cast_of(PIECES, Workload.CONVERSATIONAL, 1).plans(1, 1.0)[0].script
    ).spoken:
        inside = pcm_of(script)[
            round((said.start + 0.02) * 16_000) : round((said.end - 0.02) * 16_000)
        ]
        before = pcm_of(script)[round((said.start - 0.05) * 16_000) : round(said.start * 16_000)]
        assert np.abs(inside).mean() > 1_000
        assert 0 < np.abs(before).mean() < 200, "noise, neither speech nor digital silence"


def test_streams_say_other_things_but_the_same_each_time() -> None:
    pieces = [piece(0.1, 1.1 + k / 10, 1.5 + k / 10) for k in range(8)]
    cast = cast_of(pieces, Workload.CONVERSATIONAL, 1)
    few, many = cast.plans(3, 2.0), cast.plans(6, 2.0)
    for one, other in zip(few, many, strict=False):
        assert np.array_equal(pcm_of(one.script), pcm_of(other.script))
    orders = {tuple(said.block for said in plan.script.spoken) for plan in many}
    assert len(orders) == len(many)
    again = cast_of(pieces, Workload.CONVERSATIONAL, 2).plans(6, 2.0)
    assert {tuple(s.block for s in plan.script.spoken) for plan in again} != orders


def test_streams_connect_one_by_one_and_start_at_random() -> None:
    plans = cast_of(PIECES, Workload.CONVERSATIONAL, 1).plans(8, 4.0)
    assert [plan.opens for plan in plans] == pytest.approx([k / 2 for k in range(8)])
    assert all(0 <= plan.starts - plan.opens < 0.5 for plan in plans)
    assert len({round(plan.starts % 0.1, 4) for plan in plans}) == 8


def test_continuous_speech_has_short_pauses() -> None:
    (plan,) = cast_of(PIECES[:2], Workload.CONTINUOUS, 1).plans(1, 1.0)
    pauses = [later.start - sooner.end for sooner, later in pairwise(plan.script.spoken)]
    assert all(0.2 < pause < 0.5 for pause in pauses)


def test_a_burst_ends_everywhere_at_once() -> None:
    plans = cast_of(PIECES, Workload.BURST, 1).plans(4, 2.0)
    ends = [
        [round(plan.starts + said.end, 4) for said in plan.script.spoken_until(60)]
        for plan in plans
    ]
    shortest = min(map(len, ends))
    assert shortest > 5
    assert all(each[:shortest] == ends[0][:shortest] for each in ends)


def test_a_block_is_the_same_everywhere() -> None:
    cast = cast_of(PIECES, Workload.CONVERSATIONAL, 1)
    heard: dict[str, set[bytes]] = {}
    for plan in (*cast.plans(4, 1.0), *cast.rehearsal()):
        for said in plan.script.spoken:
            first = round((said.start - 0.05) * 16_000)
            heard.setdefault(said.block, set()).add(
                pcm_of(plan.script)[first : first + 16_000].tobytes()
            )
            assert (first - round((PIECES_BY_BLOCK[said.block] - 0.05) * 16_000)) % EVEN == 0
    assert {len(audio) for audio in heard.values()} == {1}


PIECES_BY_BLOCK = {each.spoken.block: each.spoken.start for each in PIECES}


def test_the_rehearsal_says_every_block_once() -> None:
    rehearsal = cast_of(PIECES, Workload.CONVERSATIONAL, 1).rehearsal()
    assert [plan.script.language for plan in rehearsal] == ["en", "ko"]
    said = [said.block for plan in rehearsal for said in plan.script.spoken]
    assert sorted(said) == sorted(PIECES_BY_BLOCK)


def test_disturbers_come_on_top() -> None:
    plans = cast_of(PIECES, Workload.HOSTILE, 1).plans(3, 1.0)
    assert [plan.manner for plan in plans[3:]] == [Manner.HASTY, Manner.DEAF, Manner.GARBLED]
    assert [plan.number for plan in plans] == list(range(6))
    peaceful = cast_of(PIECES, Workload.CONVERSATIONAL, 1).plans(3, 1.0)
    assert all(
        np.array_equal(pcm_of(one.script), pcm_of(other.script))
        for one, other in zip(plans[:3], peaceful, strict=True)
    )
    loud = [int(np.abs(pcm_of(plan.script).astype(int)).max()) for plan in plans[3:]]
    assert loud[2] > 32_000


def track(name: str, recording: str) -> Track:
    pcm = (1_000 * np.sin(np.arange(10 * 16_000) / 9)).astype(np.int16)
    said = (Utterance("one", "en", 1.0, 2.0), Utterance("two", "en", 2.1, 9.95))
    return Track(name, recording, pcm, said)


def test_pieces_are_cut_no_further_than_halfway_to_the_next_utterance() -> None:
    first, second = pieces_of(Corpus((track("a", "a"),)))
    assert (first.spoken.start, first.duration) == pytest.approx((0.15, 0.15 + 1.0 + 0.05))
    assert (second.spoken.start, second.duration) == pytest.approx((0.05, 0.05 + 7.85 + 0.025))
    assert [first.spoken.block, second.spoken.block] == ["a/0", "a/1"]
    assert all(left < right for left, right in pairwise([0.0, first.spoken.end, first.duration]))


def test_recordings_with_a_speaker_per_channel_are_left_out() -> None:
    with pytest.raises(InvalidConfig, match="no utterances"):
        pieces_of(Corpus((track("a#1", "a"),)))
