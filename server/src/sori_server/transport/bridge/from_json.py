"""JSON values to messages of the contract, strictly: what is not understood is refused.

The mapping is that of `to_json`. Null stands for nothing: what is not set is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeVar, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from sori_server.domain.errors import InvalidConfig, quoted
from sori_server.transport.bridge.to_json import (
    DURATION,
    NANOSECONDS,
    enum_names,
    is_map,
    json_fields,
)

MAX_DURATION: Final = 315_576_000_000
"""Seconds; 10,000 years, what a `Duration` can hold."""
MAX_FLOAT: Final = 3.4028234663852886e38
_INTEGERS: Final = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
}

Kind = TypeVar("Kind")
Read = Callable[[object, str], Any]
"""From JSON at a path to what a field holds."""
Store = Callable[[Message, object, str], None]
"""Sets one field of a message from JSON at a path."""


def dict_to_message(fields: Mapping[str, object], message: Message, path: str) -> None:
    """Set the fields of `message`, which is at `path` in what the client sent.

    Raises:
        InvalidConfig: a field is unknown, or its value has the wrong type, is out of range or
            not one of those allowed.
    """
    stores = _stores(message.DESCRIPTOR)
    for name, value in fields.items():
        field = f"{path}.{name if _is_plain(name) else quoted(name)}"
        if name not in stores:
            known = f"known: {', '.join(sorted(stores))}" if stores else "there are none here"
            raise InvalidConfig(field, f"unknown field; {known}")
        stores[name](message, value, field)


def integer_range(field: FieldDescriptor) -> tuple[int, int] | None:
    """The least and the greatest value of `field`; None if it holds no integers."""
    return _INTEGERS.get(field.type)


def _is_plain(name: str) -> bool:
    return name.isidentifier() and name.isascii() and len(name) <= 64


@cache
def _stores(message: Descriptor) -> dict[str, Store]:
    return {field.name: _store(field) for field in json_fields(message)}


def _store(field: FieldDescriptor) -> Store:
    if is_map(field):
        return _map_store(field.name)
    if field.message_type is not None:
        fill = _fill_duration if field.message_type.full_name == DURATION else _fill
        return (
            _message_list_store(field.name, fill)
            if field.is_repeated
            else _message_store(field.name, fill)
        )
    read = _reader(field)
    return _list_store(field.name, read) if field.is_repeated else _scalar_store(field.name, read)


def _scalar_store(name: str, read: Read) -> Store:
    def store(message: Message, value: object, path: str) -> None:
        setattr(message, name, read(value, path))

    return store


def _list_store(name: str, read: Read) -> Store:
    def store(message: Message, value: object, path: str) -> None:
        items = _expect(list, value, path, "a list")
        getattr(message, name).extend(
            [read(item, f"{path}[{index}]") for index, item in enumerate(items)]
        )

    return store


def _message_store(name: str, fill: Store) -> Store:
    def store(message: Message, value: object, path: str) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        fill(inner, value, path)

    return store


def _message_list_store(name: str, fill: Store) -> Store:
    def store(message: Message, value: object, path: str) -> None:
        for index, item in enumerate(_expect(list, value, path, "a list")):
            fill(getattr(message, name).add(), item, f"{path}[{index}]")

    return store


def _map_store(name: str) -> Store:
    def store(message: Message, value: object, path: str) -> None:
        texts = getattr(message, name)
        for key, item in _expect(dict, value, path, "an object").items():
            texts[_text(key, path)] = _text(item, f"{path}[{quoted(key)}]")

    return store


def _fill(message: Message, value: object, path: str) -> None:
    dict_to_message(_expect(dict, value, path, "an object"), message, path)


def _fill_duration(message: Message, value: object, path: str) -> None:
    seconds = _number(value, path, MAX_DURATION, "a number of seconds")
    whole, nanos = divmod(round(abs(seconds) * NANOSECONDS), NANOSECONDS)
    duration = cast(Duration, message)
    duration.seconds, duration.nanos = (whole, nanos) if seconds >= 0 else (-whole, -nanos)


def _reader(field: FieldDescriptor) -> Read:
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    if field.type == field.TYPE_FLOAT:
        return lambda value, path: _number(value, path, MAX_FLOAT, "a number")
    if bounds := integer_range(field):
        return lambda value, path: _integer(value, path, *bounds)
    return {field.TYPE_BOOL: _flag, field.TYPE_STRING: _text}[field.type]


def _enum_reader(enum: EnumDescriptor) -> Read:
    numbers = {name: number for number, name in enum_names(enum).items()}

    def read(value: object, path: str) -> int:
        name = _expect(str, value, path, "a string")
        if name not in numbers:
            raise InvalidConfig(path, f"{quoted(name)} is not known; allowed: {', '.join(numbers)}")
        return numbers[name]

    return read


def _flag(value: object, path: str) -> bool:
    return _expect(bool, value, path, "true or false")


def _text(value: object, path: str) -> str:
    text = _expect(str, value, path, "a string")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidConfig(path, "half of a surrogate pair is not text") from None
    return text


def _integer(value: object, path: str, least: int, most: int) -> int:
    if isinstance(value, float):
        if not value.is_integer():
            raise InvalidConfig(path, "must be a whole number")
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(value, path, "a whole number")
    if not least <= value <= most:
        raise InvalidConfig(path, f"out of range: {least} to {most} is allowed")
    return value


def _number(value: object, path: str, most: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(value, path, what)
    if not abs(value) <= most:
        raise InvalidConfig(path, f"out of range: {-most} to {most} is allowed")
    return value


def _expect(kind: type[Kind], value: object, path: str, what: str) -> Kind:
    if not isinstance(value, kind):
        raise _wrong_type(value, path, what)
    return value


def _wrong_type(value: object, path: str, what: str) -> InvalidConfig:
    if value is None:
        return InvalidConfig(path, "null means nothing here; leave the field out")
    return InvalidConfig(path, f"must be {what}, not {_NAMES[type(value)]}")


_NAMES: Final[dict[type, str]] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
