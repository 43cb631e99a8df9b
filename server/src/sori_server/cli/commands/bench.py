"""`sori bench`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Final

import typer

from sori_server.cli.options import (
    ComputeType,
    Config,
    Device,
    InterimModel,
    Model,
    ParallelCalls,
    ShortWindows,
)

EPILOG: Final = (
    "$ sori bench --model mini --streams 8\n\n"
    "$ sori bench --model mini --search --deadline 1 --report report\n\n"
    "$ sori bench recordings --target sori://127.0.0.1:50051 --streams 4 --json bench.json\n\n"
    "RECORDINGS holds audio files, each with NAME.json beside it (docs/evaluation.md); without it"
    " the bundled ones are used. Without --target a server is started, which all SORI_* variables"
    " reach. docs/performance.md says what is measured and how. Exit status 1: not served in"
    " time, something was lost, or the run is void because the generator was late."
)

_LOAD: Final = "Load"
_SEARCH: Final = "Search"
_OUTPUT: Final = "Output"
DEADLINES: Final = (0.5, 1.0, 2.0)
"""Of a search that names none."""


class WorkloadChoice(enum.Enum):
    """What streams say."""

    CONTINUOUS = "continuous"
    CONVERSATIONAL = "conversational"
    IDLE = "idle"
    BURST = "burst"
    HOSTILE = "hostile"


Folder = Annotated[
    Path | None,
    typer.Argument(metavar="RECORDINGS", help="Folder of recordings.", show_default="bundled"),
]
TargetUrl = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help="A server that runs: [b]sori://HOST:PORT[/], [b]ws://HOST:PORT/v1/stream[/],"
        " [b]ws://HOST:PORT[/] or [b]whisperlive://HOST:PORT[/].",
        show_default="a server of its own",
    ),
]
Pid = Annotated[
    int | None,
    typer.Option(metavar="PID", min=1, help="Process of the target, to show what it uses."),
]
WorkloadFlag = Annotated[
    WorkloadChoice,
    typer.Option(
        help="Speech with short pauses, half silence, mostly silence, all ends at once, or"
        " half silence among clients that disturb.",
        rich_help_panel=_LOAD,
    ),
]
Streams = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, help="At a time; a search begins with it.", rich_help_panel=_LOAD
    ),
]
Duration = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=1, help="Time measured.", rich_help_panel=_LOAD),
]
WarmUp = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="Time before that; streams connect in its first half.",
        rich_help_panel=_LOAD,
    ),
]
Processes = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, max=64, help="Processes of the generator.", rich_help_panel=_LOAD
    ),
]
Seed = Annotated[
    int, typer.Option(metavar="N", min=0, help="Who says what.", rich_help_panel=_LOAD)
]
Search = Annotated[
    bool,
    typer.Option("--search", help="Find the most streams served.", rich_help_panel=_SEARCH),
]
Deadline = Annotated[
    list[float] | None,
    typer.Option(
        metavar="SECONDS",
        min=0.01,
        help="What p95 finalisation may be; may be given again.",
        show_default="1; a search: 0.5, 1, 2",
        rich_help_panel=_SEARCH,
    ),
]
Most = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Try no more streams.", rich_help_panel=_SEARCH),
]
Repeats = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=10,
        help="Runs of a number of streams, all of which must hold.",
        rich_help_panel=_SEARCH,
    ),
]
Rehearse = Annotated[
    bool | None,
    typer.Option(
        "--wer-baseline/--no-wer-baseline",
        help="First say everything once with few streams, to compare WER with.",
        show_default="with a search",
        rich_help_panel=_SEARCH,
    ),
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write all figures.", rich_help_panel=_OUTPUT),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write figures and plots.", rich_help_panel=_OUTPUT),
]


def bench(
    recordings: Folder = None,
    target: TargetUrl = "",
    pid: Pid = None,
    workload: WorkloadFlag = WorkloadChoice.CONVERSATIONAL,
    streams: Streams = 4,
    duration: Duration = 60.0,
    warm_up: WarmUp = 10.0,
    processes: Processes = 1,
    seed: Seed = 1,
    search: Search = False,
    deadline: Deadline = None,
    most: Most = 512,
    repeats: Repeats = 1,
    wer_baseline: Rehearse = None,
    json: JsonFile = None,
    report: Report = None,
    model: Model = None,
    interim_model: InterimModel = None,
    short_windows: ShortWindows = None,
    device: Device = None,
    compute_type: ComputeType = None,
    parallel_calls: ParallelCalls = None,
    config: Config = None,
) -> None:
    """Measure how many live streams a server bears, and how soon they get their text."""
    from sori_server.evaluation.extras import check_installed

    check_installed("sori bench")
    from sori_server.benchmark.benchmarking import Order
    from sori_server.benchmark.targets import target_of
    from sori_server.benchmark.workloads import Workload
    from sori_server.cli import benching

    order = Order(
        target=target_of(target) if target else None,
        server=_given(
            model=model,
            interim_model=interim_model,
            short_windows=short_windows,
            device=device,
            compute_type=compute_type,
            parallel_calls=parallel_calls,
            config=config,
        ),
        pid=pid,
        workload=Workload(workload.value),
        recordings=recordings.name if recordings else "bundled",
        streams=streams,
        search=search,
        most=most,
        rehearse=search if wer_baseline is None else wer_baseline,
        deadlines=tuple(sorted(set(deadline or (DEADLINES if search else (1.0,))))),
        duration=duration,
        warm_up=warm_up,
        repeats=repeats,
        processes=processes,
        seed=seed,
    )
    raise typer.Exit(benching.bench(order, recordings, json, report))


def _given(**flags: object) -> dict[str, str]:
    """The flags of the server that were given."""
    return {name: str(value) for name, value in flags.items() if value is not None}
