"""A complete recording behaves like a client that sends it all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.audio import Span
from sori_server.domain.errors import RecognitionFailed
from sori_server.domain.events import (
    Event,
    NumberedEvent,
    Progress,
    Result,
    SessionSummary,
    WindowLost,
)
from sori_server.runtime.door import AudioBytes, EndOfAudio
from sori_server.runtime.recording import RecordingDoor
from support.in_process import ScriptedEngine, ran
from support.word_audio import assert_heard, conversation, linear16

pytestmark = pytest.mark.unit


@given(st.binary(max_size=200), st.integers(1, 64))
async def test_it_is_sent_in_pieces_and_counted(recording: bytes, piece: int) -> None:
    door = RecordingDoor(recording, piece)
    sent = b""
    while isinstance(message := await door.receive(), AudioBytes):
        assert 0 < len(message.data) <= piece
        assert message.offset is None
        sent += message.data
    assert sent == recording
    assert message == EndOfAudio(len(recording))


def result(*, is_final: bool) -> Result:
    return Result(0, 1, Span(0, 10), "text", "", is_final=is_final, language="en")


async def test_final_results_and_totals_are_kept_and_nothing_else() -> None:
    door = RecordingDoor(b"", 1)
    totals = SessionSummary(100, 50, 1, 0.5)
    told: list[Event] = [result(is_final=False), Progress(9, 9), result(is_final=True), totals]
    for number, event in enumerate(told, start=1):
        await door.send(NumberedEvent(number, event))
    assert door.results == [result(is_final=True)]
    assert door.summary == totals
    door.check_complete()


async def test_a_recording_with_a_hole_is_none() -> None:
    door = RecordingDoor(b"", 1)
    for number, start in enumerate((16_000, 80_000), start=1):
        await door.send(NumberedEvent(number, WindowLost(Span(start, start + 16), "BAD")))
    with pytest.raises(RecognitionFailed, match=r"from 1\.000 s to 1\.001 s") as failure:
        door.check_complete()
    assert failure.value.metadata == {"start": "1.000", "end": "1.001"}


async def test_a_runner_reads_it_to_the_end() -> None:
    audio = conversation([range(10), range(10, 25)])
    door = RecordingDoor(linear16(audio), 4_096)
    assert await ran(door, ScriptedEngine()) is None
    assert_heard([kept.text for kept in door.results], range(25))
    assert door.summary.received == len(audio)
    assert door.summary.final_results == 2
    door.check_complete()
