"""`sori eval`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Final

import typer

from sori_server.cli.options import ComputeType, Config, Device, Model

EPILOG: Final = (
    "$ sori eval recordings --model mini --report report\n\n"
    "$ sori eval recordings --pace paced --address 127.0.0.1:50051\n\n"
    "$ sori eval recordings --json eval.json --max-wer-diff 0.2 --max-violations 0\n\n"
    "RECORDINGS holds audio files, each with NAME.json beside it; docs/evaluation.md has the"
    " format and all definitions. Exit status 1: a limit (--max-...) does not hold."
)

_STREAMS: Final = "Streams"
_OUTPUT: Final = "Output"
_LIMITS: Final = "Limits"


class PaceChoice(enum.Enum):
    """How fast audio is sent."""

    FAST = "fast"
    PACED = "paced"
    BOTH = "both"


class ModeChoice(enum.Enum):
    """Who ends utterances."""

    VAD = "vad"
    CLIENT = "client"
    FIXED = "fixed"


Folder = Annotated[Path, typer.Argument(metavar="RECORDINGS", help="Folder of recordings.")]
Only = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="This recording; may be given again.", show_default="all"),
]
PaceFlag = Annotated[
    PaceChoice,
    typer.Option(
        help="In lock step with recognition, at the pace of speech, or both.",
        rich_help_panel=_STREAMS,
    ),
]
Mode = Annotated[
    ModeChoice | None,
    typer.Option(help="Who ends utterances.", show_default="vad", rich_help_panel=_STREAMS),
]
Preset = Annotated[
    str, typer.Option(metavar="NAME", help="Preset of the streams.", rich_help_panel=_STREAMS)
]
Streams = Annotated[
    int,
    typer.Option(metavar="N", min=1, max=256, help="Open at a time.", rich_help_panel=_STREAMS),
]
Address = Annotated[
    str,
    typer.Option(
        "--address",
        "-a",
        metavar="HOST:PORT",
        help="A server with the same model.",
        show_default="this process",
        rich_help_panel=_STREAMS,
    ),
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write all figures.", rich_help_panel=_OUTPUT),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write report.html and plots.", rich_help_panel=_OUTPUT),
]


def _limit(help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        metavar="N", min=0, help=help, rich_help_panel=_LIMITS
    )
    return option


def evaluate(
    recordings: Folder,
    only: Only = None,
    pace: PaceFlag = PaceChoice.FAST,
    mode: Mode = None,
    preset: Preset = "",
    streams: Streams = 8,
    address: Address = "",
    json: JsonFile = None,
    report: Report = None,
    max_wer_diff: Annotated[
        float | None, _limit("WER, live less offline, over all; points.")
    ] = None,
    max_recording_wer_diff: Annotated[float | None, _limit("The same on each recording.")] = None,
    max_erasure: Annotated[float | None, _limit("Normalised erasure.")] = None,
    max_violations: Annotated[int | None, _limit("Committed text taken back.")] = None,
    max_silence_words: Annotated[
        int | None, _limit("Words, and model calls, where nothing is said.")
    ] = None,
    max_final_latency: Annotated[
        float | None, _limit("Endpoint decision to final, p99, paced; seconds.")
    ] = None,
    max_word_start: Annotated[
        float | None, _limit("Median error of word starts, live less offline; seconds.")
    ] = None,
    model: Model = None,
    device: Device = None,
    compute_type: ComputeType = None,
    config: Config = None,
) -> None:
    """Compare live streams with an offline pass, on recordings with transcripts."""
    from sori_server.evaluation.extras import check_installed

    check_installed()

    from sori_server.cli.evaluating import evaluate_folder, tell
    from sori_server.cli.local import local_settings
    from sori_server.domain.config import EndpointingMode
    from sori_server.evaluation.plan import Pace, Plan
    from sori_server.evaluation.thresholds import Thresholds

    flags = {"model": model, "device": device, "compute_type": compute_type}
    plan = Plan(
        paces=tuple(Pace) if pace is PaceChoice.BOTH else (Pace(pace.value),),
        mode=EndpointingMode(mode.value) if mode else None,
        preset=preset,
        streams=streams,
        address=address,
    )
    limits = Thresholds(
        wer_difference=max_wer_diff,
        recording_wer_difference=max_recording_wer_diff,
        erasure=max_erasure,
        violations=max_violations,
        silence_words=max_silence_words,
        final_latency=max_final_latency,
        word_start=max_word_start,
    )
    outcome = evaluate_folder(recordings, only or (), plan, local_settings(flags, config))
    raise typer.Exit(tell(outcome, json, report, limits))
