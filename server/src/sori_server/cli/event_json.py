"""Events as JSON objects; their names are those of the contract, and two of the client."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Any, Final

from sori_client import types

EVENT_NAMES: Final[dict[type[Any], str]] = {
    types.SessionStarted: "session_started",
    types.Result: "result",
    types.SpeechEvent: "speech_event",
    types.Progress: "progress",
    types.Finalized: "finalized",
    types.ServerWarning: "warning",
    types.GoAway: "go_away",
    types.Reconnecting: "reconnecting",
    types.Reconnected: "reconnected",
    types.Summary: "session_summary",
}


def to_json(event: types.Event) -> str:
    """One line: `event` is its name, the rest its fields; times in seconds.

    Fields without a value are left out.
    """
    fields = {"event": EVENT_NAMES[type(event)], **_plain(event)}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field of an event
    if dataclasses.is_dataclass(value):
        fields = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {name: _plain(field) for name, field in fields if field not in (None, "", ())}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if hasattr(value, "items") else value
