"""Builds models of random weights, measures them and writes a report, within a time.

    bench/gpu/run.sh --out FOLDER

What is there when time runs out is in the report; each part says if it ended early.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import ctranslate2

from gpubench import capacity, machine, measuring
from gpubench.geometry import Geometry
from gpubench.loaded import Device
from gpubench.plan import PLANS, Plan
from gpubench.report import Report
from gpubench.weights import build


def main() -> None:
    """Do all parts of a plan."""
    asked = _arguments()
    device = _device(asked.device)
    plan = PLANS[asked.plan or ("quick" if device.kind == "cuda" else "test")]
    report = Report(asked.out, machine.described())
    run(plan, device, asked.models, report, time.monotonic() + 60 * asked.minutes)
    print(f"the report is in {asked.out}")


def run(plan: Plan, device: Device, models: Path, report: Report, deadline: float) -> None:
    """Build, measure, search; each search gets an equal share of what the parts before left."""
    folders = _build(plan, models, report)
    share = plan.micro_share * (deadline - time.monotonic())
    measuring.measure(plan.micro, folders[plan.micro], device, plan.scale, report, share)
    for place, search in enumerate(plan.searches):
        now = time.monotonic()
        until = now + (deadline - now) / (len(plan.searches) - place)
        capacity.measure(search, folders[search.geometry], device, report, until)


def _build(plan: Plan, models: Path, report: Report) -> dict[Geometry, Path]:
    table = report.table("Models of random weights", "seconds")
    wanted = dict.fromkeys((plan.micro, *(search.geometry for search in plan.searches)))
    folders = {}
    for geometry in wanted:
        began = time.monotonic()
        folder = folders[geometry] = build(geometry, models / geometry.name)
        size = (folder / "model.bin").stat().st_size / 1e6
        took = time.monotonic() - began
        table.rows.append({"model": geometry.name, "MB in float16": size, "seconds": took})
        report.save()
    return folders


def _device(kind: str) -> Device:
    if kind == "auto":
        kind = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    return Device(kind, "float16" if kind == "cuda" else "int8")


def _arguments() -> argparse.Namespace:
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="bench/gpu/run.sh", description=summary)
    parser.add_argument("--out", type=Path, default=Path("gpu-report"), help="folder of the report")
    parser.add_argument("--minutes", type=float, default=8.0, help="after which all has ended")
    parser.add_argument(
        "--plan", choices=PLANS, help="default: quick on a GPU, else test, which tests the script"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--models",
        type=Path,
        default=Path(tempfile.gettempdir()) / "sori-random-models",
        help="folder of the models; those that are there are not built again",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
