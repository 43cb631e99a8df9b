"""`sori models`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(name="models", help="List, download and find models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of the list, or a hub id.")]


@app.command("list")
def list_models() -> None:
    """List models by name, and which are on this machine; uses no network."""
    from sori_server.cli.catalogue import print_models

    print_models()


@app.command()
def download(name: Name) -> None:
    """Fetch a model from the hub into the local cache and print its folder."""
    from sori_server.cli.catalogue import download_model

    download_model(name)


@app.command()
def path(name: Name) -> None:
    """Print the folder of a model on this machine; uses no network."""
    from sori_server.cli.catalogue import print_path

    print_path(name)
