"""How many conversations the scheduler fits on an H200 whose costs are those of the roofline.

    python bench/simulated_gpu.py

The scheduler, its cost model and its policy are the real ones; time and the GPU are not (see
`simulation/gpu.py`). For each model it prints the largest number of streams with a p95
of at most one second from the end of speech to final text, as built and with one thing turned
off: first with an interim for each utterance at least, then without any if need be. A
prediction to be checked on a real GPU (`bench/gpu/`), and the same on any machine.
"""

from __future__ import annotations

from dataclasses import replace

from simulation.gpu import BASE_30, TURBO_30
from simulation.streams import Outcome, Setting, Simulation
from sori_server.engine.scheduler.policy import Order, Policy

DEADLINE = 1.0


def variants(setting: Setting) -> dict[str, Setting]:
    """The setting as it is, and with one thing changed."""
    return {
        "as built": setting,
        "no separate phases": replace(setting, policy=Policy(split_phases=False)),
        "one call at a time": replace(setting, lanes=1),
        "one call at a time, no separate phases": replace(
            setting, lanes=1, policy=Policy(split_phases=False)
        ),
        "interims every 0.5 s": replace(setting, policy=Policy(adaptive_interims=False)),
        "first come, first served": replace(setting, policy=Policy(order=Order.FIFO)),
        "every interim as asked for": replace(setting, policy=Policy(coalesce=False)),
        "no early finals": replace(setting, early=False),
        "one window a call": replace(
            setting, limits=replace(setting.limits, max_batch=1, max_decode_batch=1)
        ),
    }


def capacity(setting: Setting, least_interims: float) -> tuple[int, Outcome]:
    """The largest number of streams in time, to within 3 %, and what came of it."""
    best, outcome = 0, Outcome()
    streams, failed = 32, 0
    while not failed or failed - best > max(best // 32, 1):
        tried = Simulation(replace(setting, streams=streams)).run()
        if tried.p95() <= DEADLINE and tried.interims >= least_interims * len(tried.latencies):
            best, outcome = streams, tried
        else:
            failed = streams
        streams = (best + failed) // 2 if failed else 2 * streams
    return best, outcome


def main() -> None:
    for roofline in (TURBO_30, BASE_30):
        print(f"\n{roofline.name}: streams at p95 <= {DEADLINE:g} s, with interims / at all")
        for name, setting in variants(Setting(roofline, 1)).items():
            lively, _ = capacity(setting, 1.0)
            streams, outcome = capacity(setting, 0.0)
            print(f"  {lively:5d} /{streams:5d}  {name:40s} {_told(outcome)}", flush=True)


def _told(outcome: Outcome) -> str:
    means = {p.value: sum(rows) / len(rows) for p, rows in outcome.rows.items() if rows}
    sizes = ", ".join(f"{phase} {mean:.1f}" for phase, mean in means.items())
    return f"p95 {outcome.p95():.2f} s; windows a call: {sizes}"


if __name__ == "__main__":
    main()
