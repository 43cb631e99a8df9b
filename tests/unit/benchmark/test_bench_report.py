import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from sori_server.benchmark.figures import SCHEMA, Capacity, Point, Report, Setup
from sori_server.benchmark.report import write_report
from sori_server.benchmark.table import BenchTable, cells, verdict_of
from sori_server.benchmark.trials import judged
from sori_server.benchmark.usage import Sample
from support.loads import run_figures

pytestmark = pytest.mark.unit

SETUP = Setup("sori://host:1", "mini on cpu", "2 cores", "idle", "bundled", 60.0, 10.0, 1, 1)
USAGE = tuple(Sample(float(k), p, 0.5, 99.0) for k in range(3) for p in ("gateway", "worker"))
COURSE = (Point(0.0, 0.01, 0.02, 0.3), Point(1.0, None, None, None))


def report_of(*runs: tuple[int, float]) -> Report:
    figures = [run_figures(n, [late], usage=USAGE, course=COURSE) for n, late in runs]
    found = tuple(judged(run, [0.5, 1.0]) for run in figures)
    capacities = (Capacity(1.0, 4, 8, ("p95 finalisation 3.00 s",)),)
    return Report(SCHEMA, SETUP, run_figures(2), found, capacities)


def test_a_report_is_json_and_plots(tmp_path: Path) -> None:
    write_report(report_of((4, 0.4), (8, 3.0)), tmp_path / "new")
    report = json.loads((tmp_path / "new" / "bench.json").read_text("utf-8"))
    assert report["runs"][1]["complaints"]["1.0"] == ["p95 finalisation 3.00 s"]
    assert report["runs"][0]["run"]["finalisation"]["p95"] == 0.4
    for name in ("latency", "batch-sizes", "interval", "queue-delay", "usage"):
        assert (tmp_path / "new" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_any_result_can_be_drawn(tmp_path: Path) -> None:
    bare = judged(run_figures(1, [], batch_sizes={}), [1.0])
    write_report(Report(SCHEMA, SETUP, None, (bare,), ()), tmp_path)
    assert not (tmp_path / "usage.png").exists(), "nobody looked at the server"


def test_the_line_of_a_run() -> None:
    line = cells("4 streams", run_figures(4, [0.25]))
    assert line[:3] == ["4 streams", "250", "250"]
    assert line[-3:] == ["5.00", "+0.00", "1.0"]


def test_the_strictest_deadline_that_holds_is_told() -> None:
    report = report_of((4, 0.4), (5, 0.7), (8, 3.0))
    assert [verdict_of(each) for each in report.runs] == [
        "holds 0.5 s",
        "holds 1 s",
        "p95 finalisation 3.00 s",
    ]
    assert verdict_of(None) == ""


def test_where_there_is_no_terminal_runs_are_lines() -> None:
    out, report = io.StringIO(), report_of((4, 0.4))
    table = BenchTable(Console(file=out, width=300))
    with table.showing():
        table.started(SETUP)
        table.ran("4 streams", report.runs[0].run, report.runs[0])
    table.concluded(report)
    said = out.getvalue()
    assert "idle, 60 s measured after 10 s" in said
    assert "4 streams: final p50 400" in said
    assert "within 1 s: 4 streams; 8: p95 finalisation 3.00 s" in said
    assert "gateway 0.50 cores, 99 MiB; worker 0.50 cores, 99 MiB" in said
