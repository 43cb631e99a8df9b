"""`sori presets` shows every preset, to people and to programs."""

from __future__ import annotations

import json

import pytest
from sori_server.cli.preset_list import print_json, print_table
from sori_server.domain.presets import PRESETS

pytestmark = pytest.mark.unit


def test_the_table_has_a_line_for_each_preset(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    print_table()
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [preset.name for preset in PRESETS]
    assert "after 10 s" in lines[2]
    assert "at a pause of 0.3 s" in lines[3]
    assert "small" in lines[0]


def test_json_has_an_object_for_each_preset(capsys: pytest.CaptureFixture[str]) -> None:
    print_json()
    voice, *others = map(json.loads, capsys.readouterr().out.splitlines())
    assert voice == {
        "name": "voice-command",
        "description": PRESETS[0].description,
        "model": "small",
        "mode": "fixed",
        "end_silence": 0.5,
        "prefix_padding": 0.3,
        "chunk_duration": 2.0,
        "overlap_duration": 0.2,
        "interim_interval": 0.5,
        "beam_size": 1,
    }
    assert [other["name"] for other in others] == [preset.name for preset in PRESETS[1:]]
    assert others[-1]["end_silence"] == 1.0
