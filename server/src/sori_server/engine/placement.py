"""Where a model runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import ctranslate2

AUTO: Final = "auto"
CPU: Final = "cpu"
CUDA: Final = "cuda"

_DEVICE: Final = re.compile(r"cpu|cuda(:\d{1,3})?")
_COMPUTE_TYPES: Final = {CPU: "int8", CUDA: "float16"}


@dataclass(frozen=True, slots=True)
class Placement:
    """Device (`cpu`, `cuda` or `cuda:1`), arithmetic and CPU threads (zero: the library's choice).

    Raises:
        ValueError: no such kind of device.
    """

    device: str = CPU
    compute_type: str = "int8"
    cpu_threads: int = 0

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


def place(device: str = AUTO, compute_type: str = AUTO, cpu_threads: int = 0) -> Placement:
    """A placement with `auto` filled in: a GPU if there is one, int8 on CPU, float16 on GPU.

    Raises:
        ValueError: no such kind of device.
    """
    device = detect_device() if device == AUTO else device
    placement = Placement(device, compute_type, cpu_threads)
    if compute_type == AUTO:
        return Placement(device, _COMPUTE_TYPES[placement.kind], cpu_threads)
    return placement
