"""Messages of the contract to JSON values.

Durations become seconds, enums lower-case names without their prefix, 64-bit integers
numbers. What is unset is left out, enums that are unspecified too; lists and scalars
without presence are always there. There are no bytes in JSON.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

Convert = Callable[[Any], Any]
"""From the value of a field to JSON; None when it is left out."""

DURATION: Final = "google.protobuf.Duration"
NANOSECONDS: Final = 10**9
UNSPECIFIED: Final = "UNSPECIFIED"
_FLOAT: Final = struct.Struct("<f")
_FLOAT_DIGITS: Final = range(6, 9)


class _Field(NamedTuple):
    name: str
    optional: bool
    convert: Convert | None


def message_to_dict(message: Message) -> dict[str, Any]:
    """The fields of `message`, ready for `json.dumps`.

    Enum values that this version does not know are left out like unspecified ones.
    """
    fields: dict[str, Any] = {}
    for name, optional, convert in _fields(message.DESCRIPTOR):
        if optional and not message.HasField(name):
            continue
        value = getattr(message, name)
        if convert is not None:
            value = convert(value)
        if value is not None:
            fields[name] = value
    return fields


def json_fields(message: Descriptor) -> list[FieldDescriptor]:
    """The fields of `message` that JSON has: all but bytes."""
    return [field for field in message.fields if field.type != field.TYPE_BYTES]


def is_map(field: FieldDescriptor) -> bool:
    """Whether `field` is a map, an object in JSON."""
    message = field.message_type
    return message is not None and bool(message.GetOptions().map_entry)


@cache
def enum_names(enum: EnumDescriptor) -> dict[int, str]:
    """The names in JSON by number, without the unspecified one."""
    prefix = enum.values_by_number[0].name.removesuffix(UNSPECIFIED)
    return {
        value.number: value.name.removeprefix(prefix).lower()
        for value in enum.values
        if value.number != 0
    }


@cache
def _fields(message: Descriptor) -> tuple[_Field, ...]:
    return tuple(
        _Field(field.name, bool(field.has_presence), _conversion(field))
        for field in json_fields(message)
    )


def _conversion(field: FieldDescriptor) -> Convert | None:
    if is_map(field):
        return dict
    convert = _single(field)
    if not field.is_repeated:
        return convert
    return list if convert is None else _listing(convert)


def _listing(convert: Convert) -> Convert:
    return lambda values: [item for value in values if (item := convert(value)) is not None]


def _single(field: FieldDescriptor) -> Convert | None:
    if field.message_type is not None:
        return _seconds if field.message_type.full_name == DURATION else message_to_dict
    if field.enum_type is not None:
        return enum_names(field.enum_type).get
    return _shortest if field.type == field.TYPE_FLOAT else None


def _seconds(duration: Duration) -> float:
    """Exact to the nanosecond, and without noise: the division is rounded but once."""
    return (duration.seconds * NANOSECONDS + duration.nanos) / NANOSECONDS


def _shortest(value: float) -> float:
    """The number with the fewest digits that is `value` in 32 bits: 0.9, not 0.8999999762."""
    for digits in _FLOAT_DIGITS:
        short = float(f"{value:.{digits}g}")
        if abs(short) < 3.4e38 and _FLOAT.unpack(_FLOAT.pack(short))[0] == value:
            return short
    return value
