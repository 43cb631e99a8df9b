"""Programs that embed Sori: the documented ones run as printed, and none leaves a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soxr
from support.recordings import AUDIO, read_recording

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

SOUNDDEVICE = '''
"""A microphone that hears a recording, then a moment of silence; then somebody hits Ctrl-C."""

import os, signal, time
import numpy

class InputStream:
    def __init__(self, samplerate, channels):
        assert (samplerate, channels) == (48_000, 1)
        self.samples = numpy.load("speech.npy")
        self.silence = 150

    def __enter__(self):
        return self

    def __exit__(self, *_):
        print("microphone off", flush=True)

    def read(self, count):
        time.sleep(0.02)
        block, self.samples = self.samples[:count], self.samples[count:]
        if len(block) < count:
            block = numpy.zeros((count, 1), numpy.float32)
            self.silence -= 1
            if self.silence == 0:
                os.killpg(0, signal.SIGINT)
        return block, False
'''


class Script:
    """A running script, and whatever processes it has started."""

    def __init__(self, folder: Path, code: str) -> None:
        path = folder / "script.py"
        path.write_text(code, encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", str(path)],
            cwd=folder,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def interrupt(self) -> None:
        """Ctrl-C, which reaches the worker process, too."""
        os.killpg(self.process.pid, signal.SIGINT)

    def finish(self) -> tuple[int, str, str]:
        """Status, stdout and stderr, which only end with the last process that has them."""
        try:
            printed, errors = self.process.communicate(timeout=50)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.returncode, printed, errors


def test_the_microphone_example(tmp_path: Path) -> None:
    code = EXAMPLES[0]
    assert len([line for line in code.splitlines() if line]) <= 10
    samples = read_recording("digits_human").samples[: round(7.2 * 16_000)]
    resampled = soxr.resample(samples, 16_000, 48_000)[:, None]
    np.save(tmp_path / "speech.npy", resampled)
    (tmp_path / "sounddevice.py").write_text(SOUNDDEVICE, encoding="utf-8")
    script = Script(tmp_path, code.replace("Recognizer(", 'Recognizer("mini", '))
    status, printed, errors = script.finish()
    lines = printed.splitlines()
    finals = [line for line in lines if line.startswith("=")]
    assert finals == ["= Four seven zero three.", "= Five nine one."], errors
    assert any(line.startswith("~") for line in lines)
    assert lines[-1] == "microphone off"
    assert status == -signal.SIGINT
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == 1


def test_the_example_of_recordings(tmp_path: Path) -> None:
    (tmp_path / "speech.wav").write_bytes((AUDIO / "digits_human.flac").read_bytes())
    script = Script(tmp_path, EXAMPLES[1].replace("Recognizer(", 'Recognizer("mini", '))
    status, printed, errors = script.finish()
    text, received, *kinds = printed.splitlines()
    assert (status, errors) == (0, "")
    assert text.startswith("Four seven zero three. Five nine one.")
    assert received == "1.0"
    assert (kinds[0], kinds[-1]) == ("SessionStarted", "Summary")
    assert "Finalized" in kinds


OPEN = """
import time
import numpy
from sori_server import Recognizer

if __name__ == "__main__":
    print("loading", flush=True)
    recognizer = Recognizer("mini")
    stream = recognizer.open(sample_rate=16_000)
    stream.write(numpy.random.default_rng(1).normal(0, 0.3, 480_000))
    print(stream.receive().model.name, flush=True)
"""


def test_a_program_that_fails_and_closes_nothing_leaves_nothing(tmp_path: Path) -> None:
    status, printed, errors = Script(tmp_path, OPEN + "    raise OSError('broken')").finish()
    assert (status, printed) == (1, "loading\nmini\n")
    assert errors.endswith("OSError: broken\n")
    assert errors.count("Traceback") == 1


def test_ctrl_c_while_the_model_is_loaded_leaves_nothing(tmp_path: Path) -> None:
    script = Script(tmp_path, OPEN)
    while script.line() != "loading":
        pass
    time.sleep(0.15)
    script.interrupt()
    status, printed, errors = script.finish()
    assert (status, printed) == (-signal.SIGINT, "")
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == 1


def test_a_script_without_its_guard_is_told(tmp_path: Path) -> None:
    code = "from sori_server import Recognizer\nRecognizer('mini')\n"
    status, _, errors = Script(tmp_path, code).finish()
    assert status == 1
    assert "if __name__ == '__main__':" in errors
    assert "EngineUnavailable" in errors.splitlines()[-1]


def test_the_package_alone_stays_light() -> None:
    code = "import sys, sori_server; print(len({'numpy', 'grpc', 'av'} & set(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed == "0\n"
    with pytest.raises(ImportError, match="Listener"):
        from sori_server import Listener  # type: ignore[attr-defined]  # noqa: F401, PLC0415
