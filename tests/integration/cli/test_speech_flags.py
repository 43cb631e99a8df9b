"""What the flags of all speech commands do, with the bundled model."""

import io
import json
from pathlib import Path

import av
import numpy as np
import pytest
from sori_server.cli.demo.recordings import AUDIO
from support.command_line import Serving, running, serving, sori
from support.recordings import read_recording

pytestmark = pytest.mark.integration

DIGITS = AUDIO / "digits_human.flac"
FIRST_LINE = "Four seven zero three."


def stereo_wav(path: Path) -> Path:
    """Digits on the left, Korean on the right."""
    left, right = (read_recording(name).samples for name in ("digits_human", "ko_dialog"))
    length = min(len(left), len(right))
    both = np.stack([left[:length], right[:length]], axis=1)
    samples = np.round(both * 32_767).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
    frame.sample_rate = 16_000
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as output:
        stream = output.add_stream("pcm_s16le", rate=16_000)
        stream.layout = "stereo"  # type: ignore[union-attr]
        output.mux(stream.encode(frame))  # type: ignore[union-attr, arg-type]
        output.mux(stream.encode(None))  # type: ignore[union-attr]
    path.write_bytes(file.getvalue())
    return path


def test_presets_are_listed_for_people_and_for_programs() -> None:
    table, lines = sori("presets"), sori("presets", "--json")
    assert (table.code, lines.code) == (0, 0)
    names = [json.loads(line)["name"] for line in lines.out.splitlines()]
    assert names == ["voice-command", "captions", "meeting", "low-latency", "accurate"]
    assert all(name in table.out for name in names)


def test_a_preset_cuts_text_by_the_clock(server: Serving) -> None:
    to = ("--json", "--no-interim", "--address", server.address)
    ended = sori("stream", DIGITS, "--preset", "voice-command", *to)
    assert ended.code == 0
    (started,) = ended.events("session_started")
    assert started["config"]["preset"] == "voice-command"  # type: ignore[index]
    assert started["config"]["endpointing"]["chunk_duration"] == 2.0  # type: ignore[index]
    reasons = [result["final_reason"] for result in ended.events("result")]
    assert "chunk" in reasons


def test_an_unknown_preset_is_told_those_there_are(server: Serving) -> None:
    for command in (("stream", DIGITS, "--address", server.address), ("transcribe", DIGITS)):
        ended = sori(*command, "--preset", "turbo")
        assert ended.code == 2
        assert "voice-command, captions" in ended.err
        assert ended.err.count("\n") == 1


def test_a_server_runs_with_a_preset() -> None:
    with serving(SORI_PRESET="captions") as server:
        ended = sori("stream", DIGITS, "--json", "--address", server.address)
    (started,) = ended.events("session_started")
    assert started["config"]["preset"] == "captions"  # type: ignore[index]


def test_the_model_of_a_preset_is_what_auto_means() -> None:
    flags = ("serve", "--json", "--grpc-port", "0", "--preset", "voice-command")
    with running(*flags, HF_HUB_OFFLINE="1", HF_HOME="nowhere") as process:
        assert process.stderr is not None
        warning = process.stderr.readline().decode()
    assert "'mini'" in warning
    assert "model 'small' cannot be had" in warning


def test_chunks_overlap_and_contradictions() -> None:
    flags = ("pipe", "--model", "mini", "--json", "--chunk", "3")
    ended = sori(*flags, "--overlap", "0.5", stdin=DIGITS.read_bytes())
    assert (ended.code, ended.err) == (0, "")
    assert "chunk" in [result["final_reason"] for result in ended.events("result")]
    ended = sori(*flags, "--overlap", "2", stdin=DIGITS.read_bytes())
    assert ended.code == 2
    assert "overlap_duration: 2 s is not within 0 s and 1.5 s" in ended.err


def test_containers_on_stdin_need_no_flag(server: Serving) -> None:
    ended = sori("pipe", "--model", "mini", stdin=DIGITS.read_bytes())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == FIRST_LINE
    to = ("--no-interim", "--address", server.address)
    ended = sori("stream", "-", "--format", "flac", *to, stdin=DIGITS.read_bytes())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == FIRST_LINE


def test_bias_and_replacements() -> None:
    flags = ("--initial-prompt", "Digits.", "--hotword", "seven", "--hotword", "nine")
    ended = sori(
        *("transcribe", DIGITS, "--model", "mini", "--replace", "seven=7", *flags),
    )
    assert (ended.code, ended.err) == (0, "")
    assert " 7 " in ended.out
    assert "seven" not in ended.out.lower()
    assert sori("transcribe", DIGITS, "--replace", "seven").code == 2


def test_one_utterance_is_enough(server: Serving) -> None:
    to = ("--json", "--no-interim", "--address", server.address)
    ended = sori("stream", DIGITS, "--single-utterance", *to)
    assert (ended.code, ended.err) == (0, "")
    (final,) = ended.events("result")
    assert final["committed_text"] == FIRST_LINE
    kinds = [event["type"] for event in ended.events("speech_event")]
    assert kinds[-1] == "single_utterance_ended"


def test_channels_apart(server: Serving, tmp_path: Path) -> None:
    path = stereo_wav(tmp_path / "two.wav")
    ended = sori(
        *("stream", path, "--separate-channels", "--no-interim", "-l", "en", "-l", "ko-KR"),
        *("--address", server.address),
    )
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert f"[1] {FIRST_LINE}" in lines
    assert any(line.startswith("[2] 불을 바꿔 주세요.") for line in lines)
    by_pipe = sori(
        *("pipe", "--model", "mini", "--separate-channels", "--channels", "2"),
        stdin=path.read_bytes(),
    )
    assert (by_pipe.code, by_pipe.err) == (0, "")
    assert f"[1] {FIRST_LINE}" in by_pipe.out.splitlines()


def test_a_language_keeps_its_tag(server: Serving) -> None:
    korean = AUDIO / "ko_dialog.flac"
    ended = sori(
        *("stream", korean, "--json", "--no-interim", "-l", "ko-KR", "--address", server.address)
    )
    assert {result["language"] for result in ended.events("result")} == {"ko-KR"}
