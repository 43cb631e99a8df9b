"""Frames of WebSocket protocol v1 for tests: any that can be, and what the schema says of one."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sori_server.transport.bridge.from_json import integer_range
from sori_server.transport.bridge.schema import stream_schema
from sori_server.transport.bridge.to_json import enum_names, is_map, json_fields

AnyMessage = TypeVar("AnyMessage", bound=Message)

DAYS: Final = 10 * 24 * 3600
"""Seconds; a float tells nanoseconds apart for longer than this."""
TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def schema_of(name: str) -> Draft202012Validator:
    """Checks values against `$defs/{name}`."""
    return Draft202012Validator({**stream_schema(), "anyOf": [{"$ref": f"#/$defs/{name}"}]})


CLIENT_MESSAGE: Final = schema_of("ClientMessage")
SERVER_MESSAGE: Final = schema_of("ServerMessage")


def assert_server_message(event: dict[str, Any]) -> None:
    """Fail with the reason if no server of protocol v1 may send `event`."""
    SERVER_MESSAGE.validate(event)


def messages(kind: type[AnyMessage]) -> st.SearchStrategy[AnyMessage]:
    """Any message of `kind`, which has no `oneof`, that JSON can tell: its enums are known."""

    @st.composite
    def build(draw: st.DrawFn) -> AnyMessage:
        message = kind()
        for field in json_fields(cast(Descriptor, kind.DESCRIPTOR)):
            _fill(draw, message, field)
        return message

    return build()


def _fill(draw: st.DrawFn, message: Message, field: FieldDescriptor) -> None:
    if is_map(field):
        getattr(message, field.name).update(draw(st.dictionaries(TEXT, TEXT, max_size=3)))
    elif field.is_repeated:
        getattr(message, field.name).extend(draw(st.lists(_value(field), max_size=2)))
    elif not draw(st.booleans()):
        return
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(draw(_value(field)))
    else:
        setattr(message, field.name, draw(_value(field)))


def _value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        kind = GetMessageClass(field.message_type)
        return durations() if kind is Duration else messages(kind)
    if field.enum_type is not None:
        return st.sampled_from(sorted(enum_names(field.enum_type)))
    if bounds := integer_range(field):
        return st.integers(*bounds)
    if field.type == field.TYPE_FLOAT:
        return st.floats(allow_nan=False, allow_infinity=False, width=32)
    return st.booleans() if field.type == field.TYPE_BOOL else TEXT


def durations() -> st.SearchStrategy[Duration]:
    """Any length of time, also below zero."""
    nanoseconds = st.integers(-DAYS * 10**9, DAYS * 10**9)

    def duration(length: int) -> Duration:
        whole, nanos = divmod(abs(length), 10**9)
        sign = 1 if length >= 0 else -1
        return Duration(seconds=sign * whole, nanos=sign * nanos)

    return nanoseconds.map(duration)
