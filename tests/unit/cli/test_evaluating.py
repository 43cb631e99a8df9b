"""What becomes of the figures of an evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest
from sori_server.cli.evaluating import tell
from sori_server.evaluation.run import Outcome
from sori_server.evaluation.thresholds import Thresholds
from support.evaluations import evaluated, passes

pytestmark = pytest.mark.unit


def test_figures_are_shown_though_no_file_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FileNotFoundError):
        tell(Outcome(passes(), evaluated()), tmp_path / "none" / "e.json", None, Thresholds())
    assert "talk" in capsys.readouterr().out
