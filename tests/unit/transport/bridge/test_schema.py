"""The schema says what the codec does."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sori.v1 import speech_pb2 as pb
from sori_server.domain.errors import SoriError
from sori_server.domain.limits import Limits
from sori_server.transport.bridge import schema
from sori_server.transport.bridge.codec import CLIENT_TYPES, event_of, request_of
from sori_server.transport.bridge.errors import error_fields, refusal
from sori_server.transport.bridge.to_json import message_to_dict
from support.stream_frames import (
    CLIENT_MESSAGE,
    SERVER_MESSAGE,
    assert_server_message,
    messages,
    schema_of,
)

pytestmark = pytest.mark.unit

LIMITS = Limits()
REQUESTS = pb.StreamingRecognizeRequest.DESCRIPTOR.fields_by_name
EVENTS = list(pb.StreamingRecognizeResponse.DESCRIPTOR.oneofs_by_name["response"].fields)
NOT_TOLD = {"ADDRESS_UNAVAILABLE", "REQUEST_CANCELLED"}
"""Reasons of errors that no client causes or sees."""
ODD_VALUES = st.sampled_from(
    [None, True, 0, -1, 2**31, 2**63, 0.5, 1e20, 1e300, "", "linear16", "en", [], [None], {}]
).map(copy.deepcopy)


@st.composite
def frames(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(CLIENT_TYPES))
    message = draw(messages(GetMessageClass(REQUESTS[kind].message_type)))
    return {"type": kind, **message_to_dict(message)}


def objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


@st.composite
def damaged_frames(draw: st.DrawFn) -> dict[str, Any]:
    frame = draw(frames())
    for _ in range(draw(st.integers(1, 2))):
        target = draw(st.sampled_from(list(objects(frame))))
        name = draw(st.sampled_from([*target, "preset", "task", "surprise"]))
        target[name] = draw(ODD_VALUES)
    return frame


def is_accepted(frame: dict[str, Any]) -> bool:
    try:
        request_of(json.dumps(frame), LIMITS)
    except SoriError:
        return False
    return True


def every_error(kind: type[SoriError] = SoriError) -> Iterator[type[SoriError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from every_error(narrower)


def test_it_is_a_schema_and_the_one_next_to_the_proto_file() -> None:
    Draft202012Validator.check_schema(schema.stream_schema())
    root = Path(__file__).parents[4]
    published = root / "protos" / "jsonschema" / "stream-v1.schema.json"
    assert published.read_text(encoding="utf-8") == schema.schema_text()


def test_every_element_is_described() -> None:
    for name, definition in schema.stream_schema()["$defs"].items():
        assert definition["description"], name
        for field, value in definition.get("properties", {}).items():
            assert value.get("description") or field == "type", f"{name}.{field}"


@given(frame=frames())
def test_every_frame_that_a_client_may_send_validates(frame: dict[str, Any]) -> None:
    CLIENT_MESSAGE.validate(frame)
    assert is_accepted(frame)


@given(frame=damaged_frames())
def test_codec_and_schema_refuse_the_same(frame: dict[str, Any]) -> None:
    assert is_accepted(frame) == CLIENT_MESSAGE.is_valid(frame)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.name)
@given(data=st.data())
def test_every_event_validates(kind: FieldDescriptor, data: st.DataObject) -> None:
    message = data.draw(messages(GetMessageClass(kind.message_type)))
    response = pb.StreamingRecognizeResponse(sequence=1, **{kind.name: message})
    event = event_of(response)
    assert_server_message(event)
    assert_server_message({**event, "of a later version": 1})
    assert not SERVER_MESSAGE.is_valid({**event, "type": "surprise"})


def test_events_of_newer_servers_validate() -> None:
    assert_server_message(event_of(pb.StreamingRecognizeResponse(sequence=1)))


@pytest.mark.parametrize(
    "kind",
    [kind for kind in every_error() if kind.reason not in NOT_TOLD],
    ids=lambda kind: kind.__name__,
)
def test_every_error_validates_and_has_a_close_code(kind: type[SoriError]) -> None:
    error = kind.restored("so it is", {"field": "config", "limit": "1"}, retry_after=1.0)
    assert_server_message({"type": "error", **error_fields(error)})
    schema_of("CloseCode").validate(refusal(error).close_code)


@pytest.mark.parametrize("name", ["code", "message", "field", "retryable", "metadata"])
def test_errors_are_complete(name: str) -> None:
    event = {"type": "error", **error_fields(SoriError("so it is"))}
    assert_server_message(event)
    del event[name]
    assert not SERVER_MESSAGE.is_valid(event)
