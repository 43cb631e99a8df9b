"""The frames in docs/websocket.md are frames, and its tables are complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.codec import request_of
from sori_server.transport.bridge.schema import stream_schema
from support.stream_frames import CLIENT_MESSAGE, assert_server_message

pytestmark = pytest.mark.unit

TEXT = (Path(__file__).parents[4] / "docs" / "websocket.md").read_text(encoding="utf-8")
DEFS = stream_schema()["$defs"]


def frames(arrow: str) -> list[str]:
    """Those that are complete, of version 1."""
    found = re.findall(rf'^{arrow} (\{{"type".*\}})$', TEXT, re.MULTILINE)
    return [frame for frame in found if "…" not in frame]


def names_in_table(heading: str) -> set[str]:
    """The first cells in code of the table below a heading."""
    section = TEXT.split(f"# {heading}\n")[1].split("\n#")[0]
    return set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))


def types_of(side: str) -> set[str]:
    definitions = (DEFS[frame["$ref"].rsplit("/", 1)[1]] for frame in DEFS[side]["oneOf"])
    return {definition["properties"]["type"]["const"] for definition in definitions}


@pytest.mark.parametrize("text", frames("→"))
def test_frames_of_clients_are_accepted(text: str) -> None:
    CLIENT_MESSAGE.validate(json.loads(text))
    request_of(text, Limits())


@pytest.mark.parametrize("text", frames("←"))
def test_frames_of_servers_validate(text: str) -> None:
    assert_server_message(json.loads(text))


def test_every_type_is_in_a_table() -> None:
    assert names_in_table("What a client sends") == types_of("ClientMessage")
    assert names_in_table("What the server sends") == types_of("ServerMessage") - {"unknown"}


def test_every_close_code_and_error_is_in_the_table() -> None:
    table = TEXT.split("# Errors and close codes\n")[1].split("\n#")[0]
    first_cells = " ".join(re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE))
    assert set(map(int, re.findall(r"\d+", first_cells))) == {
        code["const"] for code in DEFS["CloseCode"]["oneOf"]
    }
    rows = "\n".join(line for line in table.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`([A-Z_]+)`", rows)) == set(DEFS["ErrorCode"]["enum"])
