"""The size check complains about what is too large, and about nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TOOL = Path(__file__).parents[3] / "tools" / "check_sizes.py"


def check(folder: Path, source: str) -> tuple[int, str]:
    (folder / "module.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, TOOL, folder], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("x = 1\n" * 401, "module.py: 401 lines, at most 400"),
        ("x = 1\n" * 151, "half of the modules have more than 151 lines"),
        ("def long():\n" + "    x = 1\n" * 60, "module.py:1: long has 61 lines, at most 60"),
        ("async def long():\n" + "    x = 1\n" * 60, "long has 61 lines"),
    ],
)
def test_complains(tmp_path: Path, source: str, complaint: str) -> None:
    status, output = check(tmp_path, source)
    assert status == 1
    assert complaint in output


def test_accepts_what_fits(tmp_path: Path) -> None:
    documented = 'def fits():\n    """First.\n' + "\n" * 20 + '    """\n' + "    x = 1\n" * 59
    assert check(tmp_path, documented) == (0, "1 modules, median 82 lines: 0 too large\n")
