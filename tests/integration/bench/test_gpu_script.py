"""The script for GPUs, on a CPU: it builds a model, runs all its parts and reports them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sori_server.domain.audio import Span, samples
from sori_server.domain.recognition import DecodingOptions, Hypothesis
from sori_server.engine.front_end import WhisperFrontEnd
from sori_server.engine.model import WindowTask
from sori_server.engine.models import resolve
from sori_server.engine.placement import place
from sori_server.engine.whisper import WhisperSpeechModel
from support.recordings import read_recording

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]  # six processes, one by one

SCRIPT = Path(__file__).parents[3] / "bench" / "gpu" / "run.sh"
BENCHMARKS = 10


@dataclass(frozen=True)
class Done:
    """What a run of the script left behind."""

    report: dict[str, Any]
    markdown: str
    model: Path

    def tables(self, words: str) -> list[dict[str, Any]]:
        return [table for table in self.report["tables"] if words in table["title"]]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    out, models = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("models")
    flags = ["--plan", "test", "--device", "cpu", "--minutes", "4"]
    subprocess.run(
        [SCRIPT, *flags, "--out", out, "--models", models],
        env=os.environ | {"PYTHON": sys.executable},
        check=True,
        timeout=270,
    )
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    markdown = (out / "report.md").read_text(encoding="utf-8")
    return Done(report, markdown, models / "tiny-random")


def test_names_the_machine(done: Done) -> None:
    assert done.report["machine"]["CPU"]
    assert done.report["machine"]["ctranslate2"] in done.markdown


def test_all_micro_benchmarks_have_figures(done: Done) -> None:
    tables = [table for table in done.report["tables"] if table["title"][0].isdigit()]
    assert len(tables) == BENCHMARKS
    for table in tables:
        assert table["rows"], table["title"]
        assert table["ended"] == "", table
        assert all(isinstance(row["setting"], str) for row in table["rows"])


def test_a_server_of_random_weights_finishes_utterances_of_real_speech(done: Done) -> None:
    (table,) = done.tables("Capacity")
    row = table["rows"][0]
    assert row["utterances"] > 0
    assert row["finals missing"] == row["finals doubled"] == row["lost samples"] == 0
    assert row["finals p50, s"] > 0


def test_the_model_is_one_that_sori_loads(done: Done) -> None:
    found = resolve(str(done.model), "cpu")
    model = WhisperSpeechModel(found, place("cpu"))
    audio = WhisperFrontEnd(found.path, found.capabilities).open_stream()
    audio.accept(read_recording("en_dialog").samples[: samples(4.0)])
    span = Span(0, samples(3.2))
    options = DecodingOptions(("en",), beam_size=5, word_times=True)
    outcomes = model.recognize_batch([WindowTask(audio.window(0, span.end), span, (), options)])
    assert all(isinstance(outcome, Hypothesis) for outcome in outcomes)
    assert "en" in model.info.languages
