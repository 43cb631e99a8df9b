import numpy as np
import pytest
from sori_server.benchmark.scripts import CHUNK, Block, Manner, StreamPlan, script_of
from support.loads import plan, spoken

pytestmark = pytest.mark.unit


def block(length: int, value: int, name: str) -> Block:
    return Block("en", np.full(length, value, np.int16), spoken(0.1, 0.2, block=name))


def test_blocks_follow_the_lead_and_take_their_utterances_along() -> None:
    lead = np.zeros(CHUNK, np.int16)
    script = script_of([block(2 * CHUNK, 1, "a"), block(CHUNK, 2, "b")], lead)
    assert script.duration == pytest.approx(0.4)
    assert [said.block for said in script.spoken] == ["a", "b"]
    assert [said.start for said in script.spoken] == pytest.approx([0.2, 0.4])
    assert script.spoken[1].words[0] == pytest.approx((0.4, 0.45))


def test_chunks_go_round() -> None:
    script = script_of([block(CHUNK, 1, "a"), block(CHUNK, 2, "b")], np.zeros(CHUNK, np.int16))
    assert [int(script.chunk(number)[0]) for number in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert all(len(script.chunk(number)) == CHUNK for number in range(7))


def test_what_is_said_goes_on_through_the_rounds() -> None:
    script = plan(spoken(1, 2), spoken(5, 6), duration=10).script
    starts = [said.start for said in script.spoken_until(16)]
    assert starts == [1, 5, 11, 15]


def test_a_moment_of_speech_is_due_with_its_chunk() -> None:
    late = StreamPlan(0, plan(spoken(1, 2)).script, opens=0.0, starts=3.0)
    assert late.due(0.0) == pytest.approx(3.0)
    assert late.due(0.099) == pytest.approx(3.0)
    assert late.due(0.3) == pytest.approx(3.3), "0.3 is not a whole number of tenths in binary"
    assert late.due(1.234) == pytest.approx(4.2)


def test_only_steady_clients_are_measured() -> None:
    script = plan(spoken(1, 2)).script
    measured = [m for m in Manner if StreamPlan(0, script, 0, 0, m).measured]
    assert measured == [Manner.STEADY]
