"""How many conversations the scheduler fits on an H200 whose costs are those of the roofline.

    python bench/simulated_gpu.py --models large-v3-turbo base

The scheduler, its cost model and its policy are the real ones; time and the GPU are not (see
`simulation/gpu.py`). For each model it prints the largest number of streams with a p95
of at most one second from the end of speech to final text, as built and with one thing turned
off: first with an interim for each utterance at least, then without any if need be. A
prediction to be checked on a real GPU (`bench/gpu/`), and the same on any machine. A search takes
half a minute to some minutes; `--streams 400` tries one number instead, `--only "as built"` leaves
the others out.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from simulation.gpu import BASE_30, TURBO_30
from simulation.streams import Outcome, Setting, Simulation
from sori_server.engine.scheduler.policy import Order, Policy

DEADLINE = 1.0
MODELS = {"large-v3-turbo": TURBO_30, "base": BASE_30}


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


def search(setting: Setting) -> str:
    """The numbers of streams with interims and at all, and what came of the latter."""
    lively, _ = capacity(setting, 1.0)
    streams, outcome = capacity(setting, 0.0)
    return f"{lively:5d} /{streams:5d}  {_told(outcome)}"


def main() -> None:
    """Read the flags, run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    names = list(variants(Setting(TURBO_30, 1)))
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--streams", type=int, help="try this number, and search none")
    parser.add_argument("--seconds", type=float, default=60.0, help="of speech, in virtual time")
    given = parser.parse_args()
    for model in given.models:
        setting = Setting(MODELS[model], given.streams or 1, seconds=given.seconds)
        found = "with interims / at all" if given.streams is None else f"{given.streams} at once"
        print(f"\n{setting.roofline.name}: streams at p95 <= {DEADLINE:g} s, {found}")
        for name in given.only:
            varied = variants(setting)[name]
            told = _told(Simulation(varied).run()) if given.streams else search(varied)
            print(f"  {name:40s} {told}", flush=True)


def _told(outcome: Outcome) -> str:
    means = {p.value: sum(rows) / len(rows) for p, rows in outcome.rows.items() if rows}
    sizes = ", ".join(f"{phase} {mean:.1f}" for phase, mean in means.items())
    interims = outcome.interims / max(len(outcome.latencies), 1)
    return f"p95 {outcome.p95():.2f} s, {interims:.1f} interims a final; windows a call: {sizes}"


if __name__ == "__main__":
    main()
