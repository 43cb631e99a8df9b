"""`sori transcribe`: several files at once, and one that is none."""

import shutil
from pathlib import Path

import pytest
from sori_server.cli.demo.recordings import AUDIO
from support.command_line import sori

pytestmark = pytest.mark.integration

GOOD = (AUDIO / "digits_human.flac", AUDIO / "ko_dialog.flac")


@pytest.mark.parametrize(
    ("file_format", "start"),
    [
        ("srt", "1\n00:00:0"),
        ("vtt", "WEBVTT\n\n00:00:0"),
        ("json", '{\n  "segments": [\n'),
    ],
)
def test_a_bad_file_is_told_and_the_others_go_on(
    file_format: str, start: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound here")
    flags = ("--model", "mini", "--format", file_format, "--output-dir", tmp_path / "out")
    ended = sori("transcribe", GOOD[0], bad, GOOD[1], *flags)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {bad}: ")
    assert ended.err.count("\n") == 1
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "out").iterdir()}
    assert set(written) == {f"digits_human.{file_format}", f"ko_dialog.{file_format}"}
    assert all(text.startswith(start) for text in written.values())
    assert "Four seven zero three." in written[f"digits_human.{file_format}"]
    assert "불을 바꿔 주세요." in written[f"ko_dialog.{file_format}"]


def test_all_files_are_transcribed_whatever_a_server_would_bear(tmp_path: Path) -> None:
    copies = [Path(shutil.copy(GOOD[0], tmp_path / f"{name}.flac")) for name in "abcd"]
    flags = ("--model", "mini", "--output-dir", tmp_path / "out")
    ended = sori("transcribe", *copies, *flags, SORI_LIMITS_MAX_STREAMS="2")
    assert (ended.code, ended.err) == (0, "")
    assert len(list((tmp_path / "out").iterdir())) == len(copies)
