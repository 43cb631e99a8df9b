"""Where transcripts go."""

from pathlib import Path

import pytest
import typer
from sori_server.cli.transcripts_out import plan_outputs

pytestmark = pytest.mark.unit

A, B = Path("x/a.mp3"), Path("y/b.wav")


def test_into_a_folder_by_name() -> None:
    assert plan_outputs([A, B], "srt", Path("out")) == [Path("out/a.srt"), Path("out/b.srt")]


def test_to_stdout_where_it_makes_sense() -> None:
    assert plan_outputs([A, B], "txt", None) == [None, None]
    assert plan_outputs([A], "srt", None) == [None]
    with pytest.raises(typer.BadParameter, match="--output-dir"):
        plan_outputs([A, B], "srt", None)


def test_two_recordings_never_share_a_transcript() -> None:
    with pytest.raises(typer.BadParameter, match=r"out/a\.srt"):
        plan_outputs([A, Path("y/a.wav")], "srt", Path("out"))
