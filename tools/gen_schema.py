"""Writes the JSON Schema of WebSocket protocol v1 from the proto file and its comments."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from sori.v1 import speech_pb2 as pb
from sori_server.transport.bridge.codec import CLIENT_TYPES, RENAMED, UNKNOWN_TYPE
from sori_server.transport.bridge.from_json import MAX_DURATION, MAX_FLOAT, integer_range
from sori_server.transport.bridge.to_json import (
    DURATION,
    UNSPECIFIED,
    enum_names,
    is_map,
    json_fields,
)

Schema = dict[str, Any]

PROTO = "sori/v1/speech.proto"
SPOKEN_BY_BOTH = "Effective"
"""Before the names of settings as the server repeats them: open, and with all that is known."""
ABOUT = (
    "Text frames of /v1/stream. Audio is sent in binary frames, in the configured encoding, "
    "split anywhere. Times are seconds. What is not set is left out; null stands for nothing. "
    "Later servers send more fields, values and types than these: skip what is not known."
)
CLOSE_CODES = {
    1000: "Ended well: the session summary was sent.",
    1002: "What came is no WebSocket frame.",
    1007: "A text frame is not UTF-8.",
    1009: "A frame was too large.",
    1011: "Internal error.",
    1012: "The server is leaving; try again.",
    1013: "No room, model not loaded or engine not there; try again later.",
    4400: "The config or the audio is wrong.",
    4403: "Pages of this site may not use the server.",
    4404: "No such model.",
    4408: "Nothing was received for too long, or events were not read in time.",
    4409: "Protocol violation: a frame that is no message, or out of order.",
    4410: "There is no session to resume with this token.",
    4411: "Audio is missing.",
    4412: "Another connection has resumed the session.",
    4413: "The session was too long.",
}
INTERNAL = "INTERNAL"
GRPC_STATUS = re.compile(r"^[A-Z_]+(?:, with \w+)?[:.]\s*")
LEFT_OUT = "Left out"


class Comments:
    """The comment before each element of the proto file, by its full name."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._texts = {
            _full_name(file, location.path): location.leading_comments
            for location in file.source_code_info.location
            if location.leading_comments and location.path[0] in {4, 5}
        }
        self._json_names = dict(_json_names())

    def of(self, full_name: str) -> str:
        """The comment on one line; enum values in it as JSON has them."""
        text = " ".join(self._texts[full_name].split())
        return re.sub(r"`([A-Z0-9_]+)`", self._in_json, text)

    def _in_json(self, quoted: re.Match[str]) -> str:
        return f"`{self._json_names.get(quoted[1], quoted[1])}`"


def _full_name(file: FileDescriptorProto, path: Sequence[int]) -> str:
    """The name of what is at `path`: pairs of a field number and an index."""
    element: Any = file
    names = [file.package]
    for number, index in zip(path[::2], path[1::2], strict=True):
        field = element.DESCRIPTOR.fields_by_number[number].name
        element = getattr(element, field)[index]
        names.append(element.name)
    return ".".join(names)


def _json_names() -> Iterable[tuple[str, str]]:
    for enum in pb.DESCRIPTOR.enum_types_by_name.values():
        for number, name in enum_names(enum).items():
            yield enum.values_by_number[number].name, name
            yield name.upper(), name


class Side:
    """The schemas of what one side sends."""

    def __init__(self, comments: Comments, defs: Schema, *, strict: bool, taken: set[str]) -> None:
        self._comments = comments
        self._defs = defs
        self._strict = strict
        self._taken = taken

    def frame(self, kind: str, field: FieldDescriptor, head: Schema) -> Schema:
        """Define the frame of type `kind`, made of the message in `field`."""
        message = field.message_type
        if message.name not in self._defs:
            schema = self._object(message, {"type": {"const": kind}, **head})
            about = [schema["description"], self._comments.of(field.full_name)]
            schema["description"] = " ".join(dict.fromkeys(about))
            self._defs[message.name] = schema
        return _ref(message.name)

    def _object(self, message: Descriptor, head: Schema | None = None) -> Schema:
        head = head or {}
        fields = json_fields(message)
        properties = {self._property(field, head): self._field(field) for field in fields}
        always = [self._property(field, head) for field in fields if self._is_always_there(field)]
        required = [*head, *(() if self._strict else always)]
        return {
            "type": "object",
            "description": self._comments.of(message.full_name),
            "properties": {**head, **properties},
            **({"required": required} if required else {}),
            **({"additionalProperties": False} if self._strict else {}),
        }

    def _property(self, field: FieldDescriptor, head: Schema) -> str:
        return RENAMED.get(field.name, field.name) if "sequence" in head else field.name

    def _is_always_there(self, field: FieldDescriptor) -> bool:
        if field.is_repeated:
            return True
        return not field.has_presence and field.enum_type is None

    def _field(self, field: FieldDescriptor) -> Schema:
        about = {"description": self._comments.of(field.full_name)}
        if is_map(field):
            return {"type": "object", "additionalProperties": {"type": "string"}, **about}
        value = self._value(field)
        return (
            {"type": "array", "items": value, **about} if field.is_repeated else {**value, **about}
        )

    def _value(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            if field.message_type.full_name == DURATION:
                return {"type": "number", **self._range(-MAX_DURATION, MAX_DURATION)}
            return self._message(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.type == field.TYPE_FLOAT:
            return {"type": "number", **self._range(-MAX_FLOAT, MAX_FLOAT)}
        if bounds := integer_range(field):
            return {"type": "integer", **self._range(*bounds)}
        return {"type": {field.TYPE_BOOL: "boolean", field.TYPE_STRING: "string"}[field.type]}

    def _range(self, least: float, most: float) -> Schema:
        return {"minimum": least, "maximum": most} if self._strict else {}

    def _message(self, message: Descriptor) -> Schema:
        name = message.name
        if not self._strict and name in self._taken:
            name = f"{SPOKEN_BY_BOTH}{name}"
        if name not in self._defs:
            self._defs[name] = {}  # keeps its place before what it refers to
            self._defs[name] = self._object(message)
        return _ref(name)

    def _enum(self, enum: EnumDescriptor) -> Schema:
        names = enum_names(enum)
        lines = [self._comments.of(enum.full_name)]
        for value in enum.values:
            label = f"`{names[value.number]}`" if value.number else LEFT_OUT
            lines.append(f"{label}: {self._comments.of(_value_name(enum, value.name))}")
        self._defs[enum.name] = {
            "type": "string",
            "description": "\n".join(lines),
            "enum": list(names.values()),
        }
        return _ref(enum.name)


def _value_name(enum: EnumDescriptor, value: str) -> str:
    return f"{enum.full_name}.{value}"


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _client_frames(comments: Comments, defs: Schema) -> list[Schema]:
    side = Side(comments, defs, strict=True, taken=set())
    fields = pb.StreamingRecognizeRequest.DESCRIPTOR.fields_by_name
    return [side.frame(kind, fields[kind], {}) for kind in CLIENT_TYPES]


def _server_frames(comments: Comments, defs: Schema) -> list[Schema]:
    side = Side(comments, defs, strict=False, taken=set(defs))
    response = pb.StreamingRecognizeResponse.DESCRIPTOR
    sequence = {
        "type": "integer",
        "minimum": 1,
        "description": comments.of(f"{response.full_name}.sequence"),
    }
    kinds = response.oneofs_by_name["response"].fields
    frames = [side.frame(kind.name, kind, {"sequence": sequence}) for kind in kinds]
    defs["Unknown"] = {
        "type": "object",
        "description": "An event of another server that is newer than this one. Skip it.",
        "properties": {"type": {"const": UNKNOWN_TYPE}, "sequence": sequence},
        "required": ["type", "sequence"],
    }
    return [*frames, _ref("Unknown")]


def _error(comments: Comments, defs: Schema) -> Schema:
    defs["ErrorCode"] = _error_code(comments)
    properties = {
        "type": {"const": "error"},
        "code": {**_ref("ErrorCode"), "description": "For programs."},
        "message": {"type": "string", "description": "For people."},
        "field": {"type": ["string", "null"], "description": "Path of the field that is wrong."},
        "retryable": {"type": "boolean", "description": "The same may succeed later."},
        "retry_after": {"type": ["number", "null"], "description": "Seconds to wait before that."},
        "metadata": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Further facts by name.",
        },
    }
    defs["Error"] = {
        "type": "object",
        "description": "Why the stream ended. The last event; the server closes after it.",
        "properties": properties,
        "required": list(properties),
    }
    return _ref("Error")


def _error_code(comments: Comments) -> Schema:
    enum = pb.DESCRIPTOR.enum_types_by_name["ErrorReason"]
    prefix = enum.values_by_number[0].name.removesuffix(UNSPECIFIED)
    codes = {
        value.name.removeprefix(prefix): comments.of(_value_name(enum, value.name))
        for value in enum.values
        if value.number
    }
    about = {code: GRPC_STATUS.sub("", comment) for code, comment in codes.items()}
    about[INTERNAL] = "Something went wrong in the server."
    lines = [f"`{code}`: {text}" for code, text in about.items() if text]
    return {
        "type": "string",
        "description": "\n".join(["What went wrong.", *lines]),
        "enum": list(about),
    }


def stream_schema(comments: Comments) -> Schema:
    defs: Schema = {}
    client = _client_frames(comments, defs)
    server = [*_server_frames(comments, defs), _error(comments, defs)]
    close_codes = [{"const": code, "description": why} for code, why in CLOSE_CODES.items()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:sori:stream-v1",
        "title": "Sori WebSocket protocol v1",
        "description": ABOUT,
        "anyOf": [_ref("ClientMessage"), _ref("ServerMessage")],
        "$defs": {
            "ClientMessage": {"description": "A text frame of a client.", "oneOf": client},
            "ServerMessage": {"description": "A text frame of the server.", "oneOf": server},
            "CloseCode": {"description": "What the server closes with.", "oneOf": close_codes},
            **defs,
        },
    }


def proto_file() -> FileDescriptorProto:
    """The proto file with its comments."""
    buf = Path(sys.executable).parent / "buf"
    image = subprocess.run([buf, "build", "-o", "-"], check=True, stdout=subprocess.PIPE).stdout
    files = FileDescriptorSet.FromString(image).file
    return next(file for file in files if file.name == PROTO)


def main(path: Path) -> None:
    schema = stream_schema(Comments(proto_file()))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
