from pathlib import Path

import pytest
from sori_server.benchmark.workloads import Workload
from sori_server.cli.commands.bench import WorkloadChoice
from sori_server.cli.main import app
from typer.testing import CliRunner

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "http://127.0.0.1:1"), "must be one of sori://"),
        (("--target", "sori://nowhere"), "SCHEME://HOST:PORT"),
        (("--target", "sori://127.0.0.1:0"), "SCHEME://HOST:PORT"),
        (("--target", "sori://127.0.0.1:1", "--model", "mini"), "--model: is of a server that"),
        (
            ("--target", "sori://127.0.0.1:1", "--interim-model", "mini"),
            "--interim-model: is of a server that",
        ),
        (("--target", "sori://127.0.0.1:1", "--pid", "4194304"), "--pid: there is no process"),
        (("--pid", "1"), "--pid: is the process of a --target"),
        (("--json", "nowhere/bench.json"), "--json: no such folder"),
        (("--report", __file__), "--report: not a folder"),
        (("nowhere",), "no such folder"),
        (("--streams", "0"), "--streams"),
        (("--workload", "quiet"), "--workload"),
        (("--search", "--streams", "9", "--most", "8"), "--most: must be at least"),
    ],
)
def test_what_cannot_be_run_is_said(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, ["bench", *arguments])
    assert ended.exit_code == 2
    assert said in " ".join(ended.stderr.replace("│", " ").split())


def test_all_workloads_can_be_chosen() -> None:
    assert [choice.value for choice in WorkloadChoice] == [workload.value for workload in Workload]
