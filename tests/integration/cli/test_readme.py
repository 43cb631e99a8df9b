"""The README's example runs as it is printed there, and prints what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import Serving

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


def test_the_python_example(server: Serving) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    match = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", readme, re.DOTALL)
    assert match is not None
    code, shown = match.groups()
    assert len([line for line in code.splitlines() if line]) <= 10
    assert "localhost:50051" in code
    printed = subprocess.run(
        [sys.executable, "-c", code.replace("localhost:50051", server.address)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout.splitlines()
    finals = [line for line in printed if line.startswith("=")]
    assert finals == [line for line in shown.splitlines() if line.startswith("=")]
    assert len(printed) > len(finals)
