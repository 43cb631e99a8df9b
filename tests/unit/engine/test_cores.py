"""As many cores as the system and the container allow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sori_server.engine.cores import usable_cores
from sori_server.engine.placement import Placement, place

pytestmark = pytest.mark.unit


@pytest.fixture
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)), raising=False)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_cores_are_those_it_may_run_on() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cores() == 1
        assert place("cpu") == Placement("cpu", "int8", 1, 1)
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.usefixtures("sixteen")
@pytest.mark.parametrize(
    ("told", "cores"),
    [
        ("max 100000\n", 16),
        ("400000 100000\n", 4),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("9000000 100000\n", 16),
        ("rubbish", 16),
    ],
)
def test_a_container_may_have_fewer(tmp_path: Path, told: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(told)
    assert usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("sixteen")
@pytest.mark.parametrize(("quota", "cores"), [(-1, 16), (300_000, 3)])
def test_so_it_is_with_the_older_control_groups(tmp_path: Path, quota: int, cores: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("sixteen")
def test_where_nothing_is_told_all_are_usable(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 16
