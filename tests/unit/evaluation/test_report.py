"""The report: one page that needs nothing else, plots, and the tables on a terminal."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from sori_server.evaluation import table
from sori_server.evaluation.report import write_report
from sori_server.evaluation.tally import Tally
from support.evaluations import LIVE, OFFLINE, evaluated, invented

pytestmark = pytest.mark.unit

PLOTS = ("wer", "erasure", "latency-fast", "latency-paced", "word-times")


class Links(HTMLParser):
    """Collects what a page would load, and its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.figures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        wanted = [given.get(name) or "" for name in ("src", "href", "xlink:href")]
        self.loads += [link for link in wanted if link and not link.startswith("#")]
        if tag == "figure":
            self.figures.append(given["id"] or "")


def test_the_page_holds_all_plots_and_loads_nothing(tmp_path: Path) -> None:
    tallies = {"fast": LIVE, "paced": LIVE}
    name = "<script>alert('talk')</script>"
    figures = evaluated(silence=invented(), name=name)
    page = write_report(tmp_path / "report", figures, tallies, OFFLINE)
    text = page.read_text("utf-8")
    links = Links()
    links.feed(text)
    assert links.loads == []
    assert tuple(links.figures) == PLOTS
    assert "<script>" not in text
    assert re.search(r'<div class="card bad">\s*<b>1</b>', text), "a violation is not good"
    assert "2 words, 3 model calls" in text
    for plot in PLOTS:
        image = (page.parent / f"{plot}.png").read_bytes()
        assert image.startswith(b"\x89PNG")
        assert len(image) > 5_000


def test_nothing_measured_still_makes_a_page(tmp_path: Path) -> None:
    page = write_report(tmp_path, evaluated(Tally()), {"fast": Tally()}, Tally())
    assert "–" in page.read_text("utf-8")


def test_the_terminal_shows_the_same() -> None:
    out = io.StringIO()
    table.show(Console(file=out, width=100), evaluated(silence=invented()))
    text = out.getvalue()
    assert re.search(r"talk +4\.00 +5\.00 +\+1\.00", text)
    assert re.search(r"from endpoint decision to final +100 +600 +600 +2", text)
    assert "skipped, without a transcript: extra.flac" in text
