"""The modules of the page are typed as strictly as the web client they are made with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TSC = ROOT / "clients" / "web" / "node_modules" / ".bin" / "tsc"

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not TSC.exists(), reason="needs npm install in clients/web"),
]


def test_types_of_the_page() -> None:
    project = ROOT / "tools" / "page" / "tsconfig.json"
    checked = subprocess.run([TSC, "--project", project], check=False, capture_output=True)
    assert checked.returncode == 0, checked.stdout.decode()
