"""The report as files: JSON with every figure, and the plots as PNG."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from sori_server.benchmark import plots
from sori_server.benchmark.figures import Report

FIGURES: Final = "bench.json"


def write_json(report: Report, path: Path) -> None:
    """Write all figures.

    Raises:
        OSError: it cannot be written.
    """
    path.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")


def write_report(report: Report, folder: Path) -> None:
    """Write figures and plots into `folder`, made if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(report, folder / FIGURES)
    for name, figure in plots.draw(report).items():
        plots.save_png(figure, folder / f"{name}.png")
