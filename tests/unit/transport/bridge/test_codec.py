"""Frames of text to messages and back."""

from __future__ import annotations

import contextlib
import json

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import example, given
from hypothesis import strategies as st
from sori.v1 import speech_pb2 as pb
from sori_server.domain.errors import (
    InvalidConfig,
    MessageTooLarge,
    ProtocolViolation,
    SoriError,
)
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.codec import audio_request, event_of, event_text, request_of

pytestmark = pytest.mark.unit

LIMITS = Limits()
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FRAME_TYPES = st.sampled_from(["config", "finalize", "keep_alive", "end_of_audio", "audio"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "config"}', pb.StreamingRecognizeRequest(config=pb.StreamingConfig())),
        (
            '{"interim_results": true, "type": "config", "recognition":'
            ' {"audio_format": {"encoding": "linear16", "sample_rate_hertz": 16000}}}',
            pb.StreamingRecognizeRequest(
                config=pb.StreamingConfig(
                    interim_results=True,
                    recognition=pb.RecognitionConfig(
                        audio_format=pb.AudioFormat(
                            encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16000
                        )
                    ),
                )
            ),
        ),
        (
            '{"type": "finalize", "request_id": "가"}'.encode(),
            pb.StreamingRecognizeRequest(finalize=pb.Finalize(request_id="가")),
        ),
        ('{"type": "keep_alive"}', pb.StreamingRecognizeRequest(keep_alive=pb.KeepAlive())),
        ('{"type": "end_of_audio"}', pb.StreamingRecognizeRequest(end_of_audio=pb.EndOfAudio())),
        (
            '{"type": "end_of_audio", "total_bytes": 0}',
            pb.StreamingRecognizeRequest(end_of_audio=pb.EndOfAudio(total_bytes=0)),
        ),
    ],
)
def test_client_frames(text: str | bytes, message: pb.StreamingRecognizeRequest) -> None:
    assert request_of(text, LIMITS) == message


def test_audio_continues() -> None:
    request = audio_request(b"\0\1")
    assert request.audio.data == b"\0\1"
    assert not request.audio.HasField("byte_offset")


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("", "message", "not valid JSON"),
        ("hello", "message", "not valid JSON"),
        ('{"type": "keep_alive"', "message", "not valid JSON"),
        (b"\xff\xfe", "message", "not valid JSON"),
        ("9" * 5000, "message", "not valid JSON"),
        ("[]", "message", "a JSON object is needed"),
        ('"config"', "message", "a JSON object is needed"),
        ("null", "message", "a JSON object is needed"),
        ("[" * 60_000, "message", "nested too deeply"),
        ('{"a":' * 10_000, "message", "nested too deeply"),
        ('{"type": "config", "type": "config"}', "message", "field 'type' is there twice"),
        ('{"type": "config", "recognition": {"a": 1, "b": 2, "a": 1}}', "message", "'a' is there"),
        ("{}", "type", "a string is needed; allowed: config, finalize, keep_alive, response_ack,"),
        ('{"type": null}', "type", "a string is needed"),
        ('{"type": ["config"]}', "type", "a string is needed"),
        ('{"type": "audio"}', "type", "'audio' is not known; allowed: config"),
        ('{"type": "Config"}', "type", "'Config' is not known"),
    ],
)
def test_text_that_is_no_message_breaks_the_protocol(
    text: str | bytes, field: str, message: str
) -> None:
    with pytest.raises(ProtocolViolation, match=message) as caught:
        request_of(text, LIMITS)
    assert caught.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"type": "finalize", "request_id": 1}', "finalize.request_id"),
        ('{"type": "finalize", "id": "a"}', "finalize.id"),
        ('{"type": "keep_alive", "now": true}', "keep_alive.now"),
        (
            '{"type": "end_of_audio", "total_bytes": 9223372036854775808}',
            "end_of_audio.total_bytes",
        ),
        ('{"type": "end_of_audio", "total_bytes": 1e999}', "end_of_audio.total_bytes"),
        ('{"type": "config", "endpointing": {"min_speech": NaN}}', "config.endpointing.min_speech"),
        ('{"type": "config", "sequence": 1}', "config.sequence"),
    ],
)
def test_fields_are_named_with_their_frame(text: str, field: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        request_of(text, LIMITS)
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["x" * 101, b"x" * 101, '"' + "가" * 33 + '"'])
def test_long_text_is_not_read(text: str | bytes) -> None:
    with pytest.raises(MessageTooLarge, match="message: at most 100 bytes"):
        request_of(text, Limits(max_control_bytes=100))


@given(text=st.text() | st.binary() | JSON_VALUES.map(json.dumps))
@example(text="\ud800")
def test_no_text_raises_anything_else(text: str | bytes) -> None:
    with contextlib.suppress(SoriError):
        request_of(text, LIMITS)


@given(kind=FRAME_TYPES, fields=st.dictionaries(st.text(max_size=3), JSON_VALUES, max_size=2))
def test_no_field_raises_anything_else(kind: str, fields: dict[str, object]) -> None:
    with contextlib.suppress(SoriError):
        request_of(json.dumps({**fields, "type": kind}), LIMITS)


def test_events_have_type_and_number_first() -> None:
    response = pb.StreamingRecognizeResponse(
        sequence=3, finalized=pb.Finalized(request_id="가", offset=Duration(seconds=1))
    )
    text = '{"type":"finalized","sequence":3,"request_id":"가","offset":1.0}'
    assert event_text(response) == text


def test_the_kind_of_a_speech_event_leaves_type_to_the_frame() -> None:
    response = pb.StreamingRecognizeResponse(
        sequence=2, speech_event=pb.SpeechEvent(type=pb.SPEECH_EVENT_TYPE_SPEECH_ENDED)
    )
    assert event_of(response) == {
        "type": "speech_event",
        "sequence": 2,
        "event": "speech_ended",
        "channel_tag": 0,
    }


def test_an_event_of_a_newer_server_keeps_its_number() -> None:
    newer = pb.StreamingRecognizeResponse.FromString(
        b"\x08\x05\xa2\x06\x00"
    )  # sequence 5, field 100
    assert event_of(newer) == {"type": "unknown", "sequence": 5}
