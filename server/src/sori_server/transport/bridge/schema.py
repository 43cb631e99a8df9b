"""The JSON Schema of WebSocket protocol v1, as it is in the wheel."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def schema_text() -> str:
    """The schema as it is served: `$defs` has `ClientMessage`, `ServerMessage`, `CloseCode`."""
    return (resources.files(__package__) / "stream-v1.schema.json").read_text(encoding="utf-8")


def stream_schema() -> dict[str, Any]:
    """The schema as JSON values, which the caller may change."""
    schema: dict[str, Any] = json.loads(schema_text())
    return schema
