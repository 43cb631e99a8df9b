"""Events as JSON lines."""

import json

import pytest
from sori_client import types
from sori_server.cli.event_json import EVENT_NAMES, to_json

pytestmark = pytest.mark.unit


def result(**fields: object) -> types.Result:
    plain = {"committed_text": "불을", "tentative_text": "", "is_final": True}
    places = {"utterance_index": 0, "revision": 2, "start": 0.5, "end": 1.23456}
    return types.Result(**{**plain, **places, **fields})


def test_a_result_has_its_name_its_text_and_seconds() -> None:
    line = to_json(result(final_reason=types.FinalReason.ENDPOINT))
    assert "\n" not in line
    assert "불을" in line
    assert json.loads(line) == {
        "event": "result",
        "committed_text": "불을",
        "is_final": True,
        "utterance_index": 0,
        "revision": 2,
        "start": 0.5,
        "end": 1.2346,
        "language_confidence": 0.0,
        "confidence": 0.0,
        "final_reason": "endpoint",
        "channel": 0,
    }


def test_words_are_objects() -> None:
    said = json.loads(to_json(result(words=(types.Word("불을", 0.5, 1.0, 0.9),))))
    assert said["words"] == [{"text": "불을", "start": 0.5, "end": 1.0, "confidence": 0.9}]


def test_metadata_stays_an_object() -> None:
    warning = types.ServerWarning("RECOGNITION_FAILED", "lost", {"start": "1.0"})
    assert json.loads(to_json(warning))["metadata"] == {"start": "1.0"}


def test_every_event_of_the_contract_has_a_name() -> None:
    assert set(EVENT_NAMES) == set(types.Event.__args__)
