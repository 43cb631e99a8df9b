"""What `sori eval` does with its flags."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

from rich.console import Console

from sori_server.cli.exits import ExitCode
from sori_server.cli.local import model_for
from sori_server.evaluation import table
from sori_server.evaluation.plan import Plan
from sori_server.evaluation.progress import bars
from sori_server.evaluation.references import read_corpus
from sori_server.evaluation.run import Outcome, Subject, evaluate
from sori_server.evaluation.thresholds import Thresholds
from sori_server.settings import Settings


def evaluate_folder(folder: Path, only: Collection[str], plan: Plan, settings: Settings) -> Outcome:
    """Run all passes over the recordings of a folder.

    Raises:
        InvalidConfig, InvalidAudio, ModelNotFound: what is wrong with folder, flags or model.
        SoriError, SoriClientError: a live pass failed.
    """
    plan.check()
    corpus = read_corpus(folder, only)
    subject = Subject(settings, model_for(settings))
    with bars(corpus, plan.paces) as told:
        return evaluate(corpus, plan, subject, told)


def tell(outcome: Outcome, json: Path | None, report: Path | None, limits: Thresholds) -> int:
    """Print the figures and write the files; the exit code.

    Raises:
        OSError: a file cannot be written.
    """
    table.show(Console(highlight=False), outcome.evaluation)
    if json is not None:
        outcome.write_json(json)
    if report is not None:
        print(outcome.write_report(report))
    failures = limits.failures(outcome.evaluation)
    for line in failures:
        print(f"limit: {line}", file=sys.stderr)
    return ExitCode.FAILED if failures else ExitCode.DONE
