"""Where a model runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import ctranslate2

from sori_server.engine.cores import usable_cores

AUTO: Final = "auto"
CPU: Final = "cpu"
CUDA: Final = "cuda"

_DEVICE: Final = re.compile(r"cpu|cuda(:\d{1,3})?")
_MOST_CALLS: Final = 4
_GPU_CALLS: Final = 2
_COMPUTE_TYPES: Final = {CPU: "int8", CUDA: "float16"}


@dataclass(frozen=True, slots=True)
class Placement:
    """Device, arithmetic, threads and calls of a model.

    `device` is `cpu`, `cuda` or `cuda:1`, `cpu_threads` are those of one model call (zero: the
    library's choice), and `parallel_calls` run side by side.

    Raises:
        ValueError: no such kind of device.
    """

    device: str = CPU
    compute_type: str = "int8"
    cpu_threads: int = 0
    parallel_calls: int = 1

    def __post_init__(self) -> None:
        if not _DEVICE.fullmatch(self.device):
            raise ValueError(f"device must be cpu, cuda or cuda:INDEX, got {self.device!r}")

    @property
    def kind(self) -> str:
        """`cpu` or `cuda`."""
        return self.device.partition(":")[0]

    @property
    def index(self) -> int:
        """Which device of its kind."""
        return int(self.device.partition(":")[2] or 0)


def detect_device() -> str:
    """`cuda` where CTranslate2 finds a GPU, else `cpu`."""
    return CUDA if ctranslate2.get_cuda_device_count() else CPU


def place(
    device: str = AUTO, compute_type: str = AUTO, *, cpu_threads: int = 0, parallel_calls: int = 0
) -> Placement:
    """A placement with `auto` and zeros filled in.

    A GPU if there is one; int8 on CPU, float16 on GPU; calls side by side as many as measured
    fastest: threads of one call have to meet after every layer, those of several calls never.

    Raises:
        ValueError: no such kind of device.
    """
    device = detect_device() if device == AUTO else device
    kind = Placement(device).kind
    cores = usable_cores()
    calls = parallel_calls or (min(cores, _MOST_CALLS) if kind == CPU else _GPU_CALLS)
    return Placement(
        device,
        _COMPUTE_TYPES[kind] if compute_type == AUTO else compute_type,
        cpu_threads=cpu_threads or (max(cores // calls, 1) if kind == CPU else 0),
        parallel_calls=calls,
    )
