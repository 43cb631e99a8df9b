"""`sori stream`: files and stdin to a server."""

import signal

import numpy as np
import pytest
from sori_server.cli.demo.recordings import AUDIO
from support.command_line import Serving, end, next_line, running, sori
from support.recordings import read_recording

pytestmark = pytest.mark.integration

DIGITS = AUDIO / "digits_human.flac"


def test_a_file_as_json_events(server: Serving) -> None:
    ended = sori("stream", DIGITS, "--fast", "--json", "--words", "--address", server.address)
    assert (ended.code, ended.err) == (0, "")
    (started,) = ended.events("session_started")
    (summary,) = ended.events("session_summary")
    results = ended.events("result")
    finals = [result for result in results if result["is_final"]]
    assert started["model"]["name"] == "mini"  # type: ignore[index]
    assert finals[0]["committed_text"] == "Four seven zero three."
    assert [word["text"] for word in finals[0]["words"]][:2] == ["Four", "seven"]  # type: ignore[attr-defined]
    assert summary["received_audio"] == pytest.approx(14.2, abs=0.01)


def test_plain_text_is_final_lines(server: Serving) -> None:
    korean = AUDIO / "ko_dialog.flac"
    ended = sori("stream", korean, "--no-interim", "--language", "ko", "--address", server.address)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "불을 바꿔 주세요."
    assert len(lines) == 4


def test_raw_audio_on_stdin(server: Serving) -> None:
    samples = read_recording("digits_human").samples.astype(np.dtype("<f4"))
    flags = ("--format", "f32le", "--no-interim", "--address", server.address)
    ended = sori("stream", "-", *flags, stdin=samples.tobytes())
    assert ended.code == 0
    assert ended.out.startswith("Four seven zero three.\n")


def test_ctrl_c_shows_what_was_heard_and_exits_130(server: Serving) -> None:
    with running("stream", DIGITS, "--realtime", "--address", server.address) as process:
        while "seven" not in next_line(process):
            pass
        process.send_signal(signal.SIGINT)
        ended = end(process)
    assert ended.code == 130
    assert ended.err == ""
    assert ended.out.splitlines()[-1].lower().startswith("four seven")


def test_without_a_server() -> None:
    ended = sori("stream", DIGITS, "--address", "127.0.0.1:1")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: no server answers at 127.0.0.1:1: start one with")


def test_a_refused_language_names_its_field(server: Serving) -> None:
    ended = sori("stream", DIGITS, "--language", "xx", "--address", server.address)
    assert ended.code == 2
    assert "language_codes[0]" in ended.err
    assert ended.err.count("\n") == 1


def test_a_file_that_is_not_there(server: Serving) -> None:
    ended = sori("stream", "missing.wav", "--address", server.address)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "error: missing.wav: No such file or directory\n"
