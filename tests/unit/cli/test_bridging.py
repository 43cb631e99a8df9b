"""A bridge alone carries no engine about."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

HEAVY = {"av", "ctranslate2", "faster_whisper", "huggingface_hub", "onnxruntime", "tokenizers"}


def test_it_imports_no_engine() -> None:
    code = "import sys, sori_server.cli.bridging; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = set(printed.stdout.decode().split())
    assert "sori_server.upstream.backend" in loaded
    assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith("sori_server.app")]
