"""`sori stream`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

import typer

from sori_server.cli.commands.flags import wishing
from sori_server.cli.options import (
    DEFAULT_ADDRESS,
    Address,
    Channels,
    Format,
    Interim,
    Json,
    PipeFormat,
    Rate,
    SeparateChannels,
    SingleUtterance,
    Words,
)
from sori_server.cli.wishes import Wishes

EPILOG: Final = (
    "$ sori stream talk.mp3 --realtime\n\n"
    "$ sori stream talk.mp3 --json --words\n\n"
    "$ arecord -f S16_LE -r 16000 | sori stream -"
)


@wishing
def stream(
    wishes: Wishes,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="A recording of any kind; - reads stdin.")
    ],
    address: Address = DEFAULT_ADDRESS,
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime/--fast", help="Send a file at the pace of speech, or as fast as it goes."
        ),
    ] = False,
    single_utterance: SingleUtterance = False,
    separate_channels: SeparateChannels = False,
    words: Words = False,
    interim: Interim = True,
    json: Json = False,
    format: Format = PipeFormat.AUTO,
    rate: Rate = 16_000,
    channels: Channels = 1,
) -> None:
    """Send a recording or stdin to a server and show the text."""
    from sori_server.cli.remote import stream_to
    from sori_server.cli.sources import Pcm, open_input

    wishes = replace(
        wishes,
        single_utterance=single_utterance,
        separate_channels=separate_channels,
        words=words,
        interim=interim,
        json=json,
    )
    pcm = Pcm(format, rate, channels)
    source = open_input(file, pcm, realtime=realtime, apart=separate_channels)
    raise typer.Exit(stream_to(address, source, wishes))
