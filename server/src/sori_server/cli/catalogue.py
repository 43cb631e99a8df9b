"""What `sori models` shows: names, sizes and folders."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sori_server.cli.downloads import download_bar
from sori_server.cli.rendering import DIM
from sori_server.domain.errors import ModelNotFound
from sori_server.engine.hub import Hub
from sori_server.engine.models import ModelRow, download, list_models

MEGABYTE = 1_000_000


def print_models() -> None:
    """A table of all models with a name."""
    table = Table(box=None, pad_edge=False, header_style=DIM)
    for column in ("model", "on this machine", ""):
        table.add_column(column, justify="right" if column == "on this machine" else "left")
    for row in list_models():
        name = Text(row.name, "bold" if row.cached else "")
        table.add_row(name, _size(row), Text(_remark(row), DIM))
    Console(highlight=False).print(table)


def download_model(name: str) -> None:
    """Fetch a model and print its folder on stdout.

    Raises:
        ModelNotFound: it cannot be had.
    """
    with download_bar() as progress:
        model = download(name, progress)
    print(model.path)


def print_path(name: str) -> None:
    """Print the folder of a model.

    Raises:
        ModelNotFound: it is not on this machine.
    """
    named = {row.name: row.path for row in list_models()}
    path = named[name] if name in named else _unnamed(name)
    if path is None:
        raise ModelNotFound(
            f"model {name!r} is not on this machine; fetch it with `sori models download {name}`"
        )
    print(path)


def _unnamed(name: str) -> Path | None:
    """The folder of a hub id that was fetched before."""
    if "/" not in name:
        raise ModelNotFound(f"no model {name!r}; `sori models list` shows the names")
    return Hub().cached(name)


def _size(row: ModelRow) -> str:
    return "-" if row.size is None else f"{row.size / MEGABYTE:,.0f} MB"


def _remark(row: ModelRow) -> str:
    if row.name == "mini":
        return "bundled, for demonstrations: knows a few hundred words"
    return "what auto stands for here" if row.default else ""
