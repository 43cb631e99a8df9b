"""The report: one HTML page that holds everything, and the plots as PNG beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sori_server.evaluation import plots, wording
from sori_server.evaluation.figures import Evaluation
from sori_server.evaluation.tally import Tally

PAGE: Final = "report.html"
TEMPLATE: Final = "report.html.jinja"


def write_report(
    folder: Path, evaluation: Evaluation, tallies: Mapping[str, Tally], offline: Tally
) -> Path:
    """Write page and plots into `folder`, made if it is not there; the path of the page.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = plots.draw(evaluation, tallies, offline)
    for name, figure in figures.items():
        plots.save_png(figure, folder / f"{name}.png")
    # The SVG is matplotlib's own and escapes the names in it.
    drawn = {name: Markup(plots.svg(figure)) for name, figure in figures.items()}  # noqa: S704
    page = folder / PAGE
    page.write_text(render(evaluation, drawn), encoding="utf-8")
    return page


def render(evaluation: Evaluation, drawn: Mapping[str, str]) -> str:
    """The page, with plots by name."""
    loader = PackageLoader("sori_server.evaluation", package_path="")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": wording.percent,
        "points": wording.points,
        "ratio": wording.ratio,
        "ms": wording.milliseconds,
    }
    return environment.get_template(TEMPLATE).render(
        evaluation=evaluation,
        plots=drawn,
        run=wording.run_of(evaluation),
        silences=list(wording.silences(evaluation)),
        latencies=wording.LATENCIES,
        dash=wording.NOTHING,
    )
