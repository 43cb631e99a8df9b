"""`sori stream`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from sori_server.cli.options import (
    DEFAULT_ADDRESS,
    Address,
    Channels,
    Format,
    Interim,
    Json,
    Language,
    PipeFormat,
    Rate,
    Translate,
    Words,
)

EPILOG: Final = (
    "$ sori stream talk.mp3 --realtime\n\n"
    "$ sori stream talk.mp3 --json --words\n\n"
    "$ arecord -f S16_LE -r 16000 | sori stream -"
)


def stream(
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
    language: Language = None,
    translate: Translate = False,
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
    from sori_server.cli.wishes import Wishes

    wishes = Wishes(tuple(language or ()), translate, words, interim, json)
    source = open_input(file, Pcm(format, rate, channels), realtime=realtime)
    raise typer.Exit(stream_to(address, source, wishes))
