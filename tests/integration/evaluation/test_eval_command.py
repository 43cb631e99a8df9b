"""`sori eval` with the real model: offline, in lock step, at a server, and what it refuses."""

import json
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from sori_server.cli.demo.recordings import AUDIO
from support.command_line import Ended, serving, sori
from support.recordings import read_recording

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NAME = "clip"
SPOKEN = 11.0
"""Seconds of the clip: three utterances of a recording of English."""


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with its transcript, noise in which nothing is said, and audio without any."""
    folder = tmp_path_factory.mktemp("recordings")
    described = json.loads((AUDIO / "en_dialog.json").read_text("utf-8"))
    said = [u for u in described["utterances"] if u["end"] < SPOKEN - 0.8]
    write_wav(folder / f"{NAME}.wav", samples()[: round(SPOKEN * 16_000)])
    (folder / f"{NAME}.json").write_text(json.dumps({"utterances": said}), "utf-8")
    noise = np.random.default_rng(7).normal(0, 60, 16_000 * 3)
    write_wav(folder / "hush.wav", noise.astype(np.int16))
    (folder / "hush.json").write_text('{"utterances": []}', "utf-8")
    shutil.copy(folder / "hush.wav", folder / "loose.wav")
    return folder


def samples() -> np.ndarray:
    return (read_recording("en_dialog").samples * 32_768).astype(np.int16)


def write_wav(path: Path, pcm: np.ndarray) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(pcm.tobytes())


@pytest.fixture(scope="module")
def fast(recordings: Path) -> tuple[Ended, dict[str, object]]:
    """A run in lock step with everything it can write, limits that hold among it."""
    flags = ("--json", recordings / "fast.out", "--report", recordings / "report")
    limits = ("--max-violations", "0", "--max-silence-words", "0", "--max-wer-diff", "15")
    ended = sori("eval", recordings, "--model", "mini", *flags, *limits)
    return ended, json.loads((recordings / "fast.out").read_text("utf-8"))


def test_it_compares_and_writes_everything(
    fast: tuple[Ended, dict[str, object]], recordings: Path
) -> None:
    ended, figures = fast
    assert (ended.code, ended.err) == (0, "")
    assert "skipped, without a transcript: loose.wav" in ended.out
    assert ended.out.splitlines()[-1] == str(recordings / "report" / "report.html")
    live = figures["total"]["live"]["fast"]
    assert figures["total"]["offline"]["accuracy"]["wer"] < 0.3
    assert live["accuracy"]["wer"] < 0.3
    assert live["latency"]["word_shown"]["count"] > 10
    assert 0 < live["latency"]["first_interim"]["p50"] < 1.5
    assert live["latency"]["after_decision"]["count"] == 0, "there is no clock in lock step"
    assert figures["recordings"][1]["silence"] == {"fast": {"words": 0, "model_calls": 0}}


def test_lock_step_gives_the_same_every_time_and_limits_are_told(
    fast: tuple[Ended, dict[str, object]], recordings: Path, tmp_path: Path
) -> None:
    flags = ("--model", "mini", "--streams", "1", "--json", tmp_path / "again.json")
    limits = ("--max-final-latency", "0.4", "--max-erasure", "0", "--max-violations", "0")
    ended = sori("eval", recordings, *flags, *limits)
    again = json.loads((tmp_path / "again.json").read_text("utf-8"))
    for name in ("recordings", "languages", "total", "transcripts"):
        assert again[name] == fast[1][name]
    assert ended.code == 1
    paced, erasure = ended.err.splitlines()
    assert paced == "limit: paced: final latency p99, s: not measured, at most 0.4 wanted"
    assert erasure.startswith("limit: fast: erasure: ")


def test_a_folder_of_rubbish_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    ended = sori("eval", tmp_path, "--model", "mini")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: {tmp_path / 'a.json'}: not a transcript: ")
    assert ended.err.count("\n") == 1


def test_a_server_elsewhere_gives_the_same_text_at_the_pace_of_speech(
    fast: tuple[Ended, dict[str, object]], recordings: Path, tmp_path: Path
) -> None:
    out = tmp_path / "paced.json"
    with serving() as server:
        flags = ("--model", "mini", "--only", NAME, "--pace", "paced", "--json", out)
        ended = sori("eval", recordings, *flags, "--address", server.address)
    assert (ended.code, ended.err) == (0, "")
    figures = json.loads(out.read_text("utf-8"))
    assert figures["transcripts"]["paced"][NAME] == fast[1]["transcripts"]["fast"][NAME]
    decided = figures["total"]["live"]["paced"]["latency"]["after_decision"]
    assert decided["count"] > 0
    assert 0 < decided["p50"] < 5
    assert figures["wall_time"]["paced"] > SPOKEN


def test_a_missing_package_is_told_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n in ('jiwer', 'jinja2') else find(n, *a)\n"
    )
    ended = sori("eval", tmp_path, PYTHONPATH=str(tmp_path))
    assert ended.code == 2
    assert "needs jiwer, jinja2: install it with `pip install 'sori-server[eval]'`" in ended.err
