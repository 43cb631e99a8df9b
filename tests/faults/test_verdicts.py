"""The checker finds what it is for: each promise broken by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from support.verdicts import verdict

pytestmark = pytest.mark.faults

Responses = list[pb.StreamingRecognizeResponse]


def result(
    index: int, text: str, start: int, end: int, *, final: bool = False
) -> pb.StreamingRecognizeResponse:
    return pb.StreamingRecognizeResponse(
        result=pb.RecognitionResult(
            utterance_index=index,
            is_final=final,
            start_offset=Duration(seconds=start),
            end_offset=Duration(seconds=end),
            alternatives=[pb.RecognitionAlternative(committed_text=text)],
        )
    )


def progress(seconds: int) -> pb.StreamingRecognizeResponse:
    return pb.StreamingRecognizeResponse(
        progress=pb.Progress(final_offset=Duration(seconds=seconds))
    )


def good() -> Responses:
    """Two utterances over two connections; the second begins with the fourth response."""
    return [
        pb.StreamingRecognizeResponse(session_started=pb.SessionStarted()),
        result(0, "w1 w2", 0, 1),
        progress(0),
        pb.StreamingRecognizeResponse(session_started=pb.SessionStarted(resumed=True)),
        result(0, "w1 w2 w3", 0, 2, final=True),
        result(1, "w4", 3, 4),
        result(1, "w4 w5", 3, 5, final=True),
        progress(5),
        pb.StreamingRecognizeResponse(session_summary=pb.SessionSummary()),
    ]


def found(responses: Responses, *, moved: bool = False) -> list[str]:
    for number, response in enumerate(responses, 1):
        response.sequence = response.sequence or number
    received = [(1 if at < 3 else 2, response) for at, response in enumerate(responses)]
    return verdict(received, range(1, 6), {2} if moved else set())


def text_of(response: pb.StreamingRecognizeResponse) -> pb.RecognitionAlternative:
    return response.result.alternatives[0]


def lose(responses: Responses) -> None:
    text_of(responses[6]).committed_text = "w4"


def repeat(responses: Responses) -> None:
    text_of(responses[6]).committed_text = "w4 w5 w3"


def swap(responses: Responses) -> None:
    text_of(responses[4]).committed_text = "w1 w3 w2"


def take_back(responses: Responses) -> None:
    text_of(responses[1]).committed_text = "w1 w9"


def go_back(responses: Responses) -> None:
    responses[6].result.start_offset.seconds = 1


def skip(responses: Responses) -> None:
    responses[5].sequence = 9


def say_more(responses: Responses) -> None:
    responses[5].result.utterance_index = 0


def leave_open(responses: Responses) -> None:
    text_of(responses[6]).tentative_text = " w6"


def forget(responses: Responses) -> None:
    responses[7].progress.final_offset.seconds = -1


def cut_off(responses: Responses) -> None:
    del responses[8]


def warn(responses: Responses) -> None:
    lost = pb.Warning(reason=pb.WARNING_REASON_RECOGNITION_FAILED)
    responses[7] = pb.StreamingRecognizeResponse(warning=lost)


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert found(good()) == []


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lose, "words"),
        (repeat, "words"),
        (swap, "words"),
        (take_back, "taken back"),
        (go_back, "times"),
        (skip, "numbers"),
        (say_more, "after its final"),
        (leave_open, "tentative"),
        (forget, "progress"),
        (cut_off, "summary"),
        (warn, "warned"),
    ],
)
def test_each_broken_promise_is_found(harm: Callable[[Responses], None], problem: str) -> None:
    responses = good()
    harm(responses)
    assert any(problem in each for each in found(responses)), found(responses)


def test_interims_start_anew_at_another_server_and_contradict_nothing() -> None:
    responses = good()
    responses.insert(4, result(0, "w1", 0, 1))
    assert any("taken back" in each for each in found(responses))
    assert found(responses, moved=True) == []
    text_of(responses[4]).committed_text = "w2"
    assert any("taken back" in each for each in found(responses, moved=True))
