"""What all engine tests share."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


@pytest.fixture(autouse=True)
def _quick_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawned processes run the main module again; that of pytest takes longer than a model."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
