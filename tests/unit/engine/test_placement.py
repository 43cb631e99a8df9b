"""Devices are found and named."""

from __future__ import annotations

import ctranslate2
import pytest
from sori_server.engine.placement import Placement, detect_device, place

pytestmark = pytest.mark.unit


def test_auto_is_the_gpu_where_there_is_one() -> None:
    expected = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    assert detect_device() == expected
    assert place().device == expected


def test_arithmetic_follows_the_device_unless_it_is_named() -> None:
    assert place("cpu").compute_type == "int8"
    assert place("cuda:1").compute_type == "float16"
    assert place("cpu", "float32").compute_type == "float32"


@pytest.mark.parametrize(
    ("cores", "calls", "threads"), [(1, 1, 1), (2, 2, 1), (4, 4, 1), (16, 4, 4)]
)
def test_calls_on_a_cpu_share_its_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, calls: int, threads: int
) -> None:
    monkeypatch.setattr("sori_server.engine.placement.usable_cores", lambda: cores)
    assert place("cpu") == Placement("cpu", "int8", threads, calls)
    assert place("cpu", parallel_calls=1) == Placement("cpu", "int8", cores, 1)
    assert place("cpu", cpu_threads=3, parallel_calls=2) == Placement("cpu", "int8", 3, 2)


def test_calls_on_a_gpu_leave_the_threads_to_the_library() -> None:
    assert place("cuda") == Placement("cuda", "float16", 0, 2)


def test_a_device_has_a_kind_and_an_index() -> None:
    assert (Placement("cuda:3").kind, Placement("cuda:3").index) == ("cuda", 3)
    assert (Placement("cpu").kind, Placement("cpu").index) == ("cpu", 0)


@pytest.mark.parametrize("device", ["tpu", "", "gpu:0", "cuda:x", "cuda:-1", "cpu:1"])
def test_other_devices_are_refused(device: str) -> None:
    with pytest.raises(ValueError, match="device must be"):
        place(device)
