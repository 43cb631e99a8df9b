"""`sori pipe`: audio on stdin, text on stdout, no server."""

import io
import json
import signal
import wave

import numpy as np
import pytest
from support.command_line import end, next_line, running, sori
from support.recordings import read_recording

pytestmark = pytest.mark.integration

FIRST_LINE = "Four seven zero three."


def float_samples() -> bytes:
    return read_recording("digits_human").samples.astype(np.dtype("<f4")).tobytes()


def wav_file() -> bytes:
    samples = (read_recording("digits_human").samples * 32_767).astype(np.dtype("<i2"))
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(samples.tobytes())
    return file.getvalue()


def test_raw_samples_give_lines_of_text() -> None:
    ended = sori("pipe", "--model", "mini", "--format", "f32le", stdin=float_samples())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == FIRST_LINE
    assert len(ended.out.splitlines()) == 4


def test_wav_is_known_by_its_header_and_a_fallback_to_mini_is_told() -> None:
    ended = sori("pipe", stdin=wav_file(), HF_HUB_OFFLINE="1", HF_HOME="nowhere")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == FIRST_LINE
    assert ended.err.startswith("warning: using the bundled demonstration model 'mini'")
    assert ended.err.count("\n") == 1


def test_ctrl_c_flushes_the_words_of_an_endless_stream() -> None:
    with running("pipe", "--model", "mini", "--format", "f32le", "--json", "--interim") as process:
        assert process.stdin is not None
        process.stdin.write(float_samples()[: round(3.3 * 64_000) + 1])  # and half a sample
        process.stdin.flush()
        text = ""
        while "seven" not in text.lower():
            event = json.loads(next_line(process))
            text = event.get("committed_text", "") + event.get("tentative_text", "")
            assert not event.get("is_final")
        process.send_signal(signal.SIGINT)
        ended = end(process)
    (final,) = [result for result in ended.events("result") if result["is_final"]]
    assert str(final["committed_text"]).lower().startswith("four seven zero")
    assert ended.code == 130
    assert ended.err == ""


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    with running("pipe", "--model", "mini", "--format", "f32le", "--json", "--interim") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(float_samples())
        next_line(process)
        process.stdout.close()
        process.wait(40)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_without_a_microphone() -> None:
    ended = sori("mic", "--model", "mini", "--input-device", "no such microphone")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
