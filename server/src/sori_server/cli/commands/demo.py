"""`sori demo`."""

from __future__ import annotations

import typer


def demo() -> None:
    """Watch four recordings become text: own server, bundled model, no network."""
    from sori_server.cli.demo.show import show

    raise typer.Exit(show())
