"""`sori transcribe`."""

from __future__ import annotations

import enum
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from sori_server.cli.commands.flags import wishing
from sori_server.cli.options import ComputeType, Config, Device, Model, ShortWindows
from sori_server.cli.wishes import Wishes

EPILOG: Final = (
    "$ sori transcribe talk.mp3\n\n"
    "$ sori transcribe --format srt --output-dir subtitles *.mp4\n\n"
    "A file that cannot be read is reported and the others go on; the exit status is 1 then."
)


class FileFormat(enum.Enum):
    """Formats of transcripts."""

    TXT = "txt"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


@wishing
def transcribe(
    wishes: Wishes,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="Recordings, audio or video.")
    ],
    format: Annotated[
        FileFormat, typer.Option("--format", "-f", help="Format of the transcripts.")
    ] = FileFormat.TXT,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir",
            "-o",
            metavar="DIR",
            help="Write DIR/NAME.FORMAT for each file.",
            show_default="stdout",
        ),
    ] = None,
    model: Model = None,
    short_windows: ShortWindows = None,
    device: Device = None,
    compute_type: ComputeType = None,
    config: Config = None,
) -> None:
    """Write transcripts or subtitles of files, without a server."""
    from sori_server.cli.local import local_settings
    from sori_server.cli.transcribing import Job, transcribe_files
    from sori_server.cli.transcripts_out import plan_outputs

    outputs = plan_outputs(files, format.value, output_dir)
    flags = {
        "model": model,
        "interim_model": "",  # only what is final is written
        "short_windows": short_windows,
        "device": device,
        "compute_type": compute_type,
        "preset": wishes.preset or None,
    }
    jobs = [Job(path, output) for path, output in zip(files, outputs, strict=True)]
    settings = local_settings(flags, config)
    raise typer.Exit(transcribe_files(jobs, format.value, settings, replace(wishes, words=True)))
