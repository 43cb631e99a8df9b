"""`sori bench` against real servers with the real model."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import pytest
from support.command_line import end, serving, sori, start

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SHORT = ("--duration", "6", "--warm-up", "2")


def test_a_short_run_with_a_server_of_its_own(tmp_path: Path) -> None:
    figures, folder = tmp_path / "bench.json", tmp_path / "report"
    ended = sori(
        *("bench", "--model", "mini", "--device", "cpu", "--streams", "3", *SHORT),
        *("--deadline", "30", "--json", figures, "--report", folder),
        SORI_LIMITS_MAX_FINAL_DELAY="inf",
        SORI_LIMITS_MAX_GATEWAY_LOAD="inf",
    )
    report = json.loads(figures.read_text("utf-8"))
    (judged,) = report["runs"]
    run = judged["run"]
    # Whether generator and engine were in time depends on who else is on this machine.
    (complaints,) = judged["complaints"].values()
    assert ended.code == (1 if judged["void"] or complaints else 0), ended.err
    assert report["schema"] == "sori.bench/1"
    assert report["setup"]["server"].startswith("mini on cpu")
    losses = run["losses"]
    assert (losses["lost_samples"], losses["missing"], losses["doubled"]) == (0, 0, 0)
    assert (losses["failed"], losses["refused"]) == (0, 0)
    assert losses["sent_samples"] > 3 * 7 * 16_000
    assert losses["utterances"] == run["finalisation"]["count"] > 0
    assert run["finalisation"]["p50"] > run["hang_over"]["p50"] / 2 > 0
    assert run["staleness"]["count"] > run["interval"]["count"] > 0
    assert run["words"]["said"] > 0
    assert run["words"]["wer"] < 0.3
    assert sum(run["batch_sizes"].values()) == run["queue"]["count"] > 0
    assert {sample["process"] for sample in run["usage"]} == {"gateway", "worker"}
    assert judged["complaints"].keys() == {"30.0"}
    assert not [complaint for complaint in complaints if "delay grows" not in complaint]
    assert "3 streams: final p50" in ended.out
    plots = {path.name for path in folder.iterdir()}
    assert plots >= {"bench.json", "latency.png", "batch-sizes.png", "queue-delay.png", "usage.png"}


def test_refused_streams_are_counted_and_timed(tmp_path: Path) -> None:
    figures = tmp_path / "bench.json"
    with serving(SORI_LIMITS_MAX_STREAMS="1") as server:
        ended = sori(
            *("bench", "--target", f"sori://{server.address}", "--pid", str(server.process.pid)),
            *("--streams", "3", *SHORT, "--json", figures),
        )
    assert ended.code == 1
    run = json.loads(figures.read_text("utf-8"))["runs"][0]["run"]
    assert (run["losses"]["refused"], run["losses"]["failed"]) == (2, 0)
    assert run["refusal"]["count"] == 2
    assert 0 < run["refusal"]["p95"] < 5
    assert (run["losses"]["lost_samples"], run["losses"]["missing"]) == (0, 0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_all_leaves_nothing_running(number: int, code: int) -> None:
    process = start("bench", "--model", "mini", "--streams", "2", "--duration", "60")
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"sori://")
    left = until_family(process.pid, 3)
    for each in (process.pid, *left):  # as a terminal or `timeout` sends it
        with contextlib.suppress(ProcessLookupError):  # it may leave with the first of them
            os.kill(each, number)
    assert end(process).code == code
    deadline = time.monotonic() + 10
    while any(map(alive, left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in left if alive(pid)]


def until_family(pid: int, count: int) -> set[int]:
    """Processes below this one, when there are so many: server, worker, generator."""
    for _ in range(200):
        found = below(pid)
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError(f"only {found} were started")


def below(pid: int) -> set[int]:
    children = set[int]()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # threads come and go
        for task in Path(f"/proc/{pid}/task").iterdir():
            children.update(map(int, (task / "children").read_text().split()))
    return children.union(*(below(child) for child in children))


def alive(pid: int) -> bool:
    """Whether it runs; one that nobody has asked for its exit code does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
