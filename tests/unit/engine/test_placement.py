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
    assert place("cpu") == Placement("cpu", "int8", 0)
    assert place("cuda:1") == Placement("cuda:1", "float16", 0)
    assert place("cpu", "float32", 3) == Placement("cpu", "float32", 3)


def test_a_device_has_a_kind_and_an_index() -> None:
    assert (Placement("cuda:3").kind, Placement("cuda:3").index) == ("cuda", 3)
    assert (Placement("cpu").kind, Placement("cpu").index) == ("cpu", 0)


@pytest.mark.parametrize("device", ["tpu", "", "gpu:0", "cuda:x", "cuda:-1", "cpu:1"])
def test_other_devices_are_refused(device: str) -> None:
    with pytest.raises(ValueError, match="device must be"):
        place(device)
