"""Where and when transcripts are written."""

from pathlib import Path

import pytest
from sori_server.cli.transcribing import Job, Transcript, write
from sori_server.domain.audio import Span
from sori_server.domain.events import Result

pytestmark = pytest.mark.unit

RESULT = Result(0, 1, Span(0, 16_000), "Four seven.", "", is_final=True, language="en")


def test_to_stdout_with_a_heading_when_there_are_several(
    capsys: pytest.CaptureFixture[str],
) -> None:
    transcript = Transcript(Job(Path("a.wav"), None), [RESULT])
    write(transcript, "txt", heading=False)
    write(transcript, "txt", heading=True)
    assert capsys.readouterr().out == "Four seven.\n==> a.wav <==\nFour seven.\n"


def test_into_a_folder_that_is_made(tmp_path: Path) -> None:
    output = tmp_path / "new" / "a.txt"
    write(Transcript(Job(Path("a.wav"), output), [RESULT]), "txt", heading=False)
    assert output.read_text("utf-8") == "Four seven.\n"


def test_what_was_read_of_a_damaged_file_is_kept_and_nothing_else(tmp_path: Path) -> None:
    damaged, bad = tmp_path / "damaged.txt", tmp_path / "bad.txt"
    write(Transcript(Job(Path("a.wav"), damaged), [RESULT], "damaged"), "txt", heading=False)
    write(Transcript(Job(Path("b.wav"), bad), [], "no sound"), "txt", heading=False)
    assert damaged.exists()
    assert not bad.exists()


def test_silence_gives_an_empty_transcript(tmp_path: Path) -> None:
    write(Transcript(Job(Path("a.wav"), tmp_path / "a.txt"), []), "txt", heading=False)
    assert (tmp_path / "a.txt").read_text() == ""
