# ruff: noqa: S105 - tokens that protect nothing

from __future__ import annotations

import pytest
from sori.v1 import speech_pb2 as pb
from sori_client import SessionStarted, Summary, errors
from sori_client.reception import Reception

pytestmark = pytest.mark.unit


def response(sequence: int, kind: str = "progress") -> pb.StreamingRecognizeResponse:
    message = pb.StreamingRecognizeResponse(sequence=sequence)
    if kind:
        getattr(message, kind).SetInParent()
    return message


def test_a_whole_stream_keeps_its_first_and_last_word() -> None:
    reception = Reception()
    assert reception.session is None
    assert isinstance(reception.receive(response(1, "session_started")), SessionStarted)
    assert reception.session is not None
    assert reception.receive(response(2, "")) is None
    assert reception.receive(response(3)) is not None
    assert reception.summary is None
    assert isinstance(reception.receive(response(4, "session_summary")), Summary)
    assert reception.summary is not None
    reception.complete()


@pytest.mark.parametrize("wrong", [0, 1, 2, 4, 100, -1])
def test_any_number_but_the_next_is_an_error(wrong: int) -> None:
    reception = Reception()
    reception.receive(response(1))
    reception.receive(response(2))
    with pytest.raises(errors.SequenceError) as error:
        reception.receive(response(wrong))
    assert (error.value.expected, error.value.received) == (3, wrong)


def test_the_first_number_is_one() -> None:
    with pytest.raises(errors.SequenceError):
        Reception().receive(response(2))


def test_an_end_without_a_summary_is_not_good() -> None:
    reception = Reception()
    reception.receive(response(1, "session_started"))
    with pytest.raises(errors.ContractBroken):
        reception.complete()


def resumed(sequence: int, token: str = "") -> pb.StreamingRecognizeResponse:
    started = pb.SessionStarted(resumed=True, resume_token=token)
    return pb.StreamingRecognizeResponse(sequence=sequence, session_started=started)


def test_numbers_and_tokens_go_on_over_a_resume() -> None:
    reception = Reception()
    first = response(1, "session_started")
    first.session_started.resume_token = "a"
    reception.receive(first)
    assert (reception.token, reception.sequence) == ("a", 1)
    final = response(2, "result")
    final.result.resume_token = "b"
    reception.receive(final)
    progress = response(3)
    progress.progress.committed_byte_offset = 500
    reception.receive(progress)
    assert (reception.token, reception.committed) == ("b", 500)
    with pytest.raises(errors.SequenceError):
        reception.receive(resumed(1))
    reception.receive(resumed(4, "c"))
    reception.receive(response(5))
    leaving = response(6, "go_away")
    leaving.go_away.resume_token = "d"
    reception.receive(leaving)
    assert (reception.token, reception.sequence, reception.committed) == ("d", 6, 500)


def test_a_server_that_begins_anew_has_lost_the_session() -> None:
    reception = Reception()
    reception.receive(response(1, "session_started"))
    with pytest.raises(errors.SessionLost, match="does not resume"):
        reception.receive(response(1, "session_started"))
