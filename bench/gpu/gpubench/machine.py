"""What a report says of the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGES: Final = (
    "sori-server",
    "ctranslate2",
    "faster-whisper",
    "nvidia-cublas-cu12",
    "nvidia-cuda-nvrtc-cu12",
    "onnxruntime",
    "numpy",
    "grpcio",
)
_QUERY: Final = "name,driver_version,memory.total,power.limit,clocks.max.sm"


def described() -> dict[str, str]:
    """Name and value of everything that figures depend on."""
    facts = {
        "GPU": _gpus(),
        "CPU": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "Memory": _memory(),
        "System": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "libcublas.so.12": os.environ.get("SORI_BENCH_CUBLAS", "wherever the loader finds it"),
    }
    return facts | {package: _version(package) for package in _PACKAGES}


def _gpus() -> str:
    query = ["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return "none that nvidia-smi knows of"
    return "; ".join(answer.stdout.strip().splitlines())


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemTotal"):
            return f"{int(line.split()[1]) / 2**20:.0f} GiB"
    return "unknown"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
