"""`sori mic`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from sori_server.cli.commands.flags import wishing
from sori_server.cli.options import (
    ComputeType,
    Config,
    Device,
    Interim,
    InterimModel,
    Json,
    Model,
    ShortWindows,
    SingleUtterance,
    Words,
)
from sori_server.cli.wishes import Wishes


@wishing
def mic(
    wishes: Wishes,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            "-a",
            metavar="HOST:PORT",
            help="gRPC address of a server; without it, this process recognizes.",
        ),
    ] = None,
    input_device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|NUMBER", help="Microphone.", show_default="the system's default"
        ),
    ] = None,
    single_utterance: SingleUtterance = False,
    words: Words = False,
    interim: Interim = True,
    json: Json = False,
    model: Model = None,
    interim_model: InterimModel = None,
    short_windows: ShortWindows = None,
    device: Device = None,
    compute_type: ComputeType = None,
    config: Config = None,
) -> None:
    """Show what you say as text; Ctrl-C ends."""
    from sori_server.cli.local import local_settings, recognize_here
    from sori_server.cli.remote import stream_to
    from sori_server.cli.sources import open_microphone

    wishes = replace(
        wishes, single_utterance=single_utterance, words=words, interim=interim, json=json
    )
    source = open_microphone(input_device)
    if address is not None:
        raise typer.Exit(stream_to(address, source, wishes))
    flags = {
        "model": model,
        "interim_model": interim_model,
        "short_windows": short_windows,
        "device": device,
        "compute_type": compute_type,
        "preset": wishes.preset or None,
    }
    raise typer.Exit(recognize_here(local_settings(flags, config), source, wishes))
