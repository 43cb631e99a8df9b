"""Rates and channels no audio has are wrong usage, told before anything is opened."""

from __future__ import annotations

import pytest
from sori_server.cli.main import app
from typer.testing import CliRunner

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("command", [("pipe",), ("stream", "-"), ("stream", "a.raw", "--realtime")])
@pytest.mark.parametrize(
    "flag", ["--rate=-5", "--rate=4000", "--rate=99999999999", "--channels=0", "--channels=70000"]
)
def test_raw_audio_there_is_none_of_is_wrong_usage(command: tuple[str, ...], flag: str) -> None:
    result = CliRunner().invoke(app, [*command, "--format", "s16le", flag])
    assert result.exit_code == 2
    assert f"Invalid value for '{flag.partition('=')[0]}" in result.output
