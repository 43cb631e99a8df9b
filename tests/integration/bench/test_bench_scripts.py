"""The scripts of `bench/` start, and the one that is quick says what it is for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

BENCH = Path(__file__).parents[3] / "bench"


def run(script: str, *flags: str) -> str:
    command = [sys.executable, BENCH / script, *flags]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=50, cwd=BENCH.parent
    ).stdout


def test_a_simulated_gpu_bears_a_few_streams() -> None:
    flags = ("--models", "base", "--only", "as built", "one call at a time")
    said = run("simulated_gpu.py", *flags, "--streams", "20", "--seconds", "25")
    assert "base, 30 s" in said
    p95 = re.findall(r"(as built|one call at a time) +p95 0\.50 s, [3-9]\.\d interims", said)
    assert p95 == ["as built", "one call at a time"]


@pytest.mark.parametrize("script", ["flat_cost.py", "soak.py"])
def test_the_others_can_be_started(script: str) -> None:
    """Measuring takes them minutes."""
    assert "--json" in run(script, "--help")
