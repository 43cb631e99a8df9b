"""A progress bar for models that are fetched, and the warning when another was taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from sori_server.engine.hub import Progress as Report


@contextmanager
def download_bar() -> Iterator[Report]:
    """A bar on stderr that appears with the first byte and is gone at the end."""
    bar = Progress(
        TextColumn("fetching the model"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("", total=None)

    def report(done: int, total: int) -> None:
        if not bar.live.is_started:
            bar.start()
        bar.update(task, completed=done, total=total or None)

    try:
        yield report
    finally:
        if bar.live.is_started:
            bar.stop()


def warn(message: str) -> None:
    """Show a warning that cannot be overlooked, on stderr; nothing for an empty one."""
    if not message:
        return
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        console.print(Panel(message, title="warning", border_style="yellow", expand=False))
    else:
        console.print(f"warning: {message}", soft_wrap=True, markup=False)
