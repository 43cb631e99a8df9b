"""Messages as JSON has them, and back without loss."""

from __future__ import annotations

import json
import struct

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st
from sori.v1 import speech_pb2 as pb
from sori_server.transport.bridge.from_json import dict_to_message
from sori_server.transport.bridge.to_json import message_to_dict
from support.stream_frames import messages

pytestmark = pytest.mark.unit

KINDS = [
    GetMessageClass(message)
    for name, message in pb.DESCRIPTOR.message_types_by_name.items()
    if not name.startswith(("Streaming", "RecognizeRequest", "AudioChunk"))
]
"""Without those of bytes and oneofs, which JSON has frames for."""


@pytest.mark.parametrize(
    "kind", [*KINDS, pb.StreamingConfig], ids=lambda kind: kind.DESCRIPTOR.name
)
@given(data=st.data())
def test_nothing_is_lost_through_json(kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    text = json.dumps(message_to_dict(message), allow_nan=False)
    again = kind()
    dict_to_message(json.loads(text), again, "it")
    assert again == message


def test_scalars_and_lists_are_always_there_and_what_is_unset_is_not() -> None:
    assert message_to_dict(pb.RecognitionResult(utterance_index=7)) == {
        "utterance_index": 7,
        "revision": 0,
        "alternatives": [],
        "is_final": False,
        "channel_tag": 0,
        "language_code": "",
        "language_confidence": 0,
        "resume_token": "",
    }
    assert message_to_dict(pb.DecodingOptions()) == {"beam_size": 0}
    assert message_to_dict(pb.EndpointingConfig()) == {}
    assert message_to_dict(pb.DecodingOptions(condition_on_previous_text=False)) == {
        "beam_size": 0,
        "condition_on_previous_text": False,
    }


def test_values_are_those_of_the_mapping() -> None:
    warning = pb.Warning(
        reason=pb.WARNING_REASON_AUDIO_CLIPPED, message="loud", metadata={"start": "1.5"}
    )
    assert message_to_dict(warning) == {
        "reason": "audio_clipped",
        "message": "loud",
        "metadata": {"start": "1.5"},
    }
    assert message_to_dict(pb.SpeechEvent(type=pb.SPEECH_EVENT_TYPE_SPEECH_STARTED)) == {
        "type": "speech_started",
        "channel_tag": 0,
    }
    progress = pb.Progress(acknowledged_byte_offset=2**53, final_offset=Duration(nanos=1))
    assert message_to_dict(progress) == {
        "acknowledged_byte_offset": 2**53,
        "final_offset": 1e-9,
        "resume_token": "",
        "committed_byte_offset": 0,
    }


def test_enum_values_of_a_newer_server_are_left_out() -> None:
    newer = pb.Model(name="a")
    newer.MergeFromString(pb.Model(tasks=[99, pb.TASK_TRANSLATE]).SerializeToString())
    assert message_to_dict(newer)["tasks"] == ["translate"]
    result = pb.RecognitionResult.FromString(
        pb.RecognitionResult(final_reason=99).SerializeToString()
    )
    assert "final_reason" not in message_to_dict(result)


@given(nanos=st.integers(0, 4 * 3600 * 10**9))
def test_seconds_have_no_more_than_nine_decimals(nanos: int) -> None:
    whole, rest = divmod(nanos, 10**9)
    seconds = message_to_dict(pb.Finalized(offset=Duration(seconds=whole, nanos=rest)))["offset"]
    assert round(seconds, 9) == seconds


@given(confidence=st.floats(0, 1, width=32))
def test_numbers_of_32_bits_come_back_and_are_short(confidence: float) -> None:
    shown = message_to_dict(pb.WordInfo(confidence=confidence))["confidence"]
    assert struct.pack("<f", shown) == struct.pack("<f", confidence)
    assert message_to_dict(pb.WordInfo(confidence=0.9))["confidence"] == 0.9
