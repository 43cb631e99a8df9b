"""`sori presets`."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = "A flag wins over the preset, and the preset of a stream over that of its server."


def presets(
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object per preset and line.")
    ] = False,
) -> None:
    """List settings under a name, for [b]--preset[/]."""
    from sori_server.cli.preset_list import print_json, print_table

    (print_json if json else print_table)()
