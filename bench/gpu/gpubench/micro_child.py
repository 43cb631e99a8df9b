"""Runs some of the micro-benchmarks and prints a JSON line for each point."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from gpubench.geometry import GEOMETRIES
from gpubench.loaded import Device, Loaded
from gpubench.micro import MICRO, Micro
from gpubench.scale import SCALES, Scale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("geometry", choices=GEOMETRIES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", required=True)
    parser.add_argument("--compute-type", required=True)
    parser.add_argument("--scale", choices=SCALES, required=True)
    parser.add_argument("--seconds-each", type=float, required=True)
    parser.add_argument("--skip", type=int, default=0)
    asked = parser.parse_args()
    device = Device(asked.device, asked.compute_type)
    loaded = Loaded(GEOMETRIES[asked.geometry], asked.folder, device)
    for number, micro in enumerate(MICRO):
        if number >= asked.skip:
            run(micro, number, loaded, SCALES[asked.scale], asked.seconds_each)


def run(micro: Micro, number: int, loaded: Loaded, scale: Scale, limit: float) -> None:
    """Print the points of one micro-benchmark, and at the end whether there are all of them."""
    deadline, ended = time.monotonic() + limit, ""
    try:
        for point in micro.measure(loaded, scale):
            print(json.dumps({"number": number, "point": asdict(point)}), flush=True)
            if time.monotonic() > deadline:
                ended = f"out of time after {limit:.0f} s"
                break
    except (RuntimeError, ValueError) as error:
        ended = f"{type(error).__name__}: {error}"
    print(json.dumps({"number": number, "ended": ended}), flush=True)


if __name__ == "__main__":
    main()
