"""Shows concurrent streams: finals move up, texts that still grow stay below, one line each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from sori_client.types import Result

from sori_server.cli import rendering
from sori_server.cli.demo.recordings import DemoRecording
from sori_server.cli.rendering import DIM

_COLOURS: Final = ("cyan", "green", "magenta", "yellow")
_NAME_WIDTH: Final = 9
_MARGIN: Final = 25
"""Columns before the text: two spaces, name, clock, language."""
_FRAMES_PER_SECOND: Final = 10


class Screen:
    """One line per stream that changes, or plain lines where nothing can be overwritten."""

    def __init__(self, console: Console, recordings: Sequence[DemoRecording]) -> None:
        self._console = console
        self._live: Live | None = None
        self._length = max(recording.duration for recording in recordings)
        self._started = 0.0
        self._growing = {recording.name: Text() for recording in recordings}
        self._committed = dict.fromkeys(self._growing, "")
        self._colours = dict(zip(self._growing, _COLOURS, strict=True))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keeps the changing lines on a terminal while the recordings are spoken."""
        if not self._console.is_terminal:
            yield
            return
        self._started = time.monotonic()
        with Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
        ) as self._live:
            yield
        self._live = None

    def show(self, name: str, result: Result) -> None:
        """Show a result of a stream."""
        if result.is_final:
            self._growing[name] = Text()
            self._committed[name] = ""
            self._print_final(name, result)
        elif self._live is not None:
            self._growing[name] = rendering.interim(result)
        else:
            self._print_growth(name, result)

    def _print_final(self, name: str, result: Result) -> None:
        if not result.text.strip():
            return
        latency = f"{1000 * result.latency.total:.0f} ms" if result.latency else ""
        text = Text.assemble(result.text.strip(), "  ", (latency, DIM))
        self._print(self._head(name, result, "bold"), text)
        self._print(Text(" " * _MARGIN), rendering.words(result))

    def _print_growth(self, name: str, result: Result) -> None:
        """An interim result in plain lines, when more of it has become certain."""
        if len(result.committed_text) > len(self._committed[name]):
            self._committed[name] = result.committed_text
            unsure = f" [{result.tentative_text.strip()}]" if result.tentative_text.strip() else ""
            text = f"{result.committed_text.strip()}{unsure} …"
            self._print(self._head(name, result, ""), Text(text))

    def _head(self, name: str, result: Result, style: str) -> Text:
        return Text.assemble(
            "  ",
            (f"{name:<{_NAME_WIDTH}}", f"{style} {self._colours[name]}"),
            (f"{rendering.clock(result.start):>7}  {result.language:<5}", DIM),
        )

    def _print(self, head: Text, text: Text) -> None:
        """Text beside its head, wrapped there on a terminal."""
        if self._console.is_terminal:
            grid = Table.grid()
            grid.add_column(width=_MARGIN)
            grid.add_column()
            grid.add_row(head, text)
            self._console.print(grid)
        else:
            self._console.print(Text.assemble(head, text), soft_wrap=True)

    def _picture(self) -> Group:
        grid = Table.grid()
        grid.add_column(width=_MARGIN)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        for name, text in self._growing.items():
            grid.add_row(Text(f"  {name}", self._colours[name]), text)
        bar = Table.grid(padding=(0, 1))
        spoken = min(time.monotonic() - self._started, self._length)
        bar.add_row(
            " ",
            ProgressBar(self._length, spoken, width=40, complete_style="cyan"),
            Text(f"{spoken:.0f} of {self._length:.0f} s", DIM),
        )
        return Group(Text(), grid, Text(), bar)
