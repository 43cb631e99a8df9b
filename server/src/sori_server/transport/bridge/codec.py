"""Frames of WebSocket protocol v1 to messages of the contract, and back."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from sori.v1 import speech_pb2 as pb

from sori_server.domain.errors import MessageTooLarge, ProtocolViolation, quoted
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.from_json import dict_to_message
from sori_server.transport.bridge.to_json import message_to_dict

CLIENT_TYPES: Final = ("config", "finalize", "keep_alive", "response_ack", "end_of_audio")
"""Client frames of text; audio comes in frames of bytes."""
UNKNOWN_TYPE: Final = "unknown"
"""Type of an event that is newer than this server, which passes it on."""
RENAMED: Final = {"type": "event"}
"""Fields of events whose names frames need for themselves."""

_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def request_of(text: str | bytes, limits: Limits) -> pb.StreamingRecognizeRequest:
    """The message in one text frame of a client.

    Raises:
        MessageTooLarge: it is longer than `limits.max_control_bytes`.
        ProtocolViolation: it is not a JSON object of a known `type`.
        InvalidConfig: a field is unknown or wrong.
    """
    fields = json_object(text, limits)
    kind = fields.pop("type", None)
    if kind not in CLIENT_TYPES:
        allowed = ", ".join(CLIENT_TYPES)
        given = f"{quoted(kind)} is not known" if isinstance(kind, str) else "a string is needed"
        raise ProtocolViolation(f"type: {given}; allowed: {allowed}", metadata={"field": "type"})
    request = pb.StreamingRecognizeRequest()
    message = getattr(request, kind)
    message.SetInParent()
    dict_to_message(fields, message, kind)
    return request


def audio_request(data: bytes) -> pb.StreamingRecognizeRequest:
    """The message in one binary frame of a client: audio that continues."""
    return pb.StreamingRecognizeRequest(audio=pb.AudioChunk(data=data))


def event_of(response: pb.StreamingRecognizeResponse) -> dict[str, Any]:
    """The event of `response`: its `type` and `sequence`, then its fields."""
    kind = response.WhichOneof("response")
    if kind is None:
        return {"type": UNKNOWN_TYPE, "sequence": response.sequence}
    event = {"type": kind, "sequence": response.sequence}
    for name, value in message_to_dict(getattr(response, kind)).items():
        event[RENAMED.get(name, name)] = value
    return event


def event_text(response: pb.StreamingRecognizeResponse) -> str:
    """The text frame of `response`: compact JSON."""
    return _compact(event_of(response))


def json_object(text: str | bytes, limits: Limits) -> dict[str, Any]:
    """The object in a text frame, whatever its fields.

    Raises:
        MessageTooLarge: it is longer than `limits.max_control_bytes`.
        ProtocolViolation: it is no JSON object, or names a field twice.
    """
    if _size(text) > limits.max_control_bytes:
        raise MessageTooLarge("message", limits.max_control_bytes)
    try:
        value = json.loads(
            text if isinstance(text, str) else text.decode(),
            object_pairs_hook=_without_duplicates,
        )
    except RecursionError:
        raise _malformed("JSON is nested too deeply") from None
    except ValueError:  # also of numbers with thousands of digits, and of bytes that are no text
        raise _malformed("not valid JSON; audio is sent in binary frames") from None
    if not isinstance(value, dict):
        raise _malformed("a JSON object is needed")
    return value


def _size(text: str | bytes) -> int:
    if isinstance(text, bytes) or text.isascii():
        return len(text)
    return len(text.encode(errors="surrogatepass"))


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise _malformed(f"field {quoted(twice)} is there twice")
    return fields


def _malformed(why: str) -> ProtocolViolation:
    return ProtocolViolation(f"message: {why}", metadata={"field": "message"})
