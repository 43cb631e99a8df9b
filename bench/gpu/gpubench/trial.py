"""One number of live streams against a server: `sori bench`'s generator and its judgement."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Final

import sori_server
from sori_server.benchmark.blocks import pieces_of
from sori_server.benchmark.figures import Judged, RunFigures
from sori_server.benchmark.loading import Load, run_load
from sori_server.benchmark.sori_target import SoriTarget
from sori_server.benchmark.summing import figures
from sori_server.benchmark.table import mean_batch
from sori_server.benchmark.trials import judged
from sori_server.benchmark.usage import Sample
from sori_server.benchmark.workloads import Cast, Workload, cast_of
from sori_server.engine.cores import usable_cores
from sori_server.evaluation.references import read_corpus

from gpubench.gpu_meter import metered
from gpubench.plan import Pace
from gpubench.report import Cell

DEADLINE: Final = 1.0
"""Seconds from the end of speech to its final result that 19 of 20 may not exceed."""

_RECORDINGS: Final = Path(sori_server.__file__).parent / "demo" / "audio"
_STREAMS_A_PROCESS: Final = 60


@dataclass(frozen=True, slots=True)
class Served:
    """A server under load; `pid` is its gateway's process."""

    port: int
    pid: int


def attempt(served: Served, streams: int, pace: Pace) -> tuple[Judged, dict[str, Cell]]:
    """Load the server with so many conversational streams: what is said of it, and a row.

    No word error rate is judged: the words are made up.

    Raises:
        EngineUnavailable: a generator ended early.
    """
    load = Load(
        plans=_cast().plans(streams, pace.ramp),
        warm_up=pace.ramp + pace.settled,
        duration=pace.measured,
        processes=_processes(streams),
        by_final=False,
    )
    target = SoriTarget(f"127.0.0.1:{served.port}")
    with metered() as gpu:
        run = asyncio.run(run_load(target, load, served.pid, lambda *_: None))
    found = judged(figures(run, None), (DEADLINE,))
    against = found.complaints[DEADLINE]
    row = {**_row(found.run), **gpu, **_cores(run.usage), "against it": "; ".join(against)}
    verdict = "void" if found.void else "not served" if against else "served"
    return found, {"streams": streams, "verdict": verdict, **row}


def _row(run: RunFigures) -> dict[str, Cell]:
    return {
        "finals p50, s": run.finalisation.p50,
        "p95, s": run.finalisation.p95,
        "p99, s": run.finalisation.p99,
        "of it silence p50, s": run.hang_over.p50,
        "queue p95, s": run.queue.p95,
        "interims every, s": run.interval.p50,
        "mean batch": mean_batch(run),
        "utterances": run.losses.utterances,
        "lost samples": run.losses.lost_samples,
        "finals missing": run.losses.missing,
        "finals doubled": run.losses.doubled,
        "refused": run.losses.refused,
        "send jitter p99, s": run.sending.jitter_p99,
    }


def _cores(usage: Sequence[Sample]) -> dict[str, Cell]:
    names = dict.fromkeys(sample.process for sample in usage)
    return {
        f"cores, {name}": mean(sample.cores for sample in usage if sample.process == name)
        for name in names
    }


def _processes(streams: int) -> int:
    """Generators that keep their schedule, without taking the server's cores."""
    spare = max(usable_cores() // 3, 1)
    return min(-(-streams // _STREAMS_A_PROCESS), spare)


@cache
def _cast() -> Cast:
    return cast_of(pieces_of(read_corpus(_RECORDINGS)), Workload.CONVERSATIONAL, seed=1)
