"""`sori pipe`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import typer

from sori_server.cli.commands.flags import wishing
from sori_server.cli.options import (
    Channels,
    ComputeType,
    Config,
    Device,
    Format,
    Interim,
    InterimModel,
    Json,
    Model,
    PipeFormat,
    Rate,
    SeparateChannels,
    ShortWindows,
    SingleUtterance,
    Words,
)
from sori_server.cli.wishes import Wishes

EPILOG: Final = (
    "$ sori pipe < talk.mp3\n\n"
    "$ ffmpeg -i talk.mp4 -f f32le -ar 16000 -ac 1 - | sori pipe --format f32le\n\n"
    "$ arecord -f S16_LE -r 16000 | sori pipe --interim"
)


@wishing
def pipe(
    wishes: Wishes,
    format: Format = PipeFormat.AUTO,
    rate: Rate = 16_000,
    channels: Channels = 1,
    json: Json = False,
    interim: Interim = False,
    words: Words = False,
    single_utterance: SingleUtterance = False,
    separate_channels: SeparateChannels = False,
    model: Model = None,
    interim_model: InterimModel = None,
    short_windows: ShortWindows = None,
    device: Device = None,
    compute_type: ComputeType = None,
    config: Config = None,
) -> None:
    """Read audio from stdin and write text, without a server."""
    from sori_server.cli.local import local_settings, recognize_here
    from sori_server.cli.sources import Pcm, open_stdin

    wishes = replace(
        wishes,
        single_utterance=single_utterance,
        separate_channels=separate_channels,
        words=words,
        interim=interim,
        json=json,
    )
    source = open_stdin(Pcm(format, rate, channels))
    flags = {
        "model": model,
        "interim_model": interim_model,
        "short_windows": short_windows,
        "device": device,
        "compute_type": compute_type,
        "preset": wishes.preset or None,
    }
    raise typer.Exit(recognize_here(local_settings(flags, config), source, wishes))
