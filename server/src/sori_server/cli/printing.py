"""Writes the events of one stream: for programs, for files and pipes, for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text
from sori_client.types import (
    Event,
    GoAway,
    Reconnected,
    Reconnecting,
    Result,
    ServerWarning,
    SessionStarted,
)

from sori_server.cli import rendering
from sori_server.cli.event_json import to_json
from sori_server.cli.rendering import DIM
from sori_server.cli.wishes import Wishes

INTERIM_MARK = "… "
"""Before text that is not final, where it cannot be overwritten."""


class Printer(Protocol):
    """Shows events in order. Writing may block, and fail with `BrokenPipeError`."""

    def show(self, event: Event) -> None:
        """Write what there is to see of an event, at once."""


@contextmanager
def open_printer(wishes: Wishes) -> Iterator[Printer]:
    """The printer for these flags and for what stdout is."""
    if wishes.json:
        yield JsonPrinter()
    elif sys.stdout.isatty():
        console = Console(highlight=False)
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield ScreenPrinter(live, wishes)
    else:
        yield LinePrinter(wishes)


class JsonPrinter:
    """One object per event and line."""

    def show(self, event: Event) -> None:
        """Write any event."""
        _write(to_json(event))


class LinePrinter:
    """Final text in lines, for files and pipes."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes

    def show(self, event: Event) -> None:
        """Write results with text."""
        _tell_trouble(event)
        if not isinstance(event, Result) or not event.text.strip():
            return
        text = rendering.speaker(event) + event.text.strip()
        _write(text if event.is_final else INTERIM_MARK + text)
        if event.is_final and self._wishes.words:
            _write("".join(f"  {word.start:.2f}\t{word.text}\n" for word in event.words).rstrip())


class ScreenPrinter:
    """Text that grows on the last line and moves up when it is final, for terminals."""

    def __init__(self, live: Live, wishes: Wishes) -> None:
        self._live = live
        self._wishes = wishes

    def show(self, event: Event) -> None:
        """Write results, and that the session has begun."""
        _tell_trouble(event)
        if isinstance(event, SessionStarted):
            self._live.update(Text("listening …", DIM), refresh=True)
        elif isinstance(event, Result) and not event.is_final:
            line = Text.assemble(_margin(event), rendering.interim(event))
            self._live.update(line, refresh=True)
        elif isinstance(event, Result):
            self._live.update(Text(), refresh=True)
            self._print_final(event)

    def _print_final(self, result: Result) -> None:
        if not result.text.strip():
            return
        print_line = self._live.console.print
        print_line(Text.assemble(_margin(result), result.text.strip()))
        if self._wishes.words:
            print_line(Text.assemble(" " * len(_margin(result)), rendering.words(result)))


def _margin(result: Result) -> Text:
    start, channel = rendering.clock(result.start), rendering.speaker(result)
    return Text(f"{start:>8}  {result.language:<2}  {channel}", DIM)


def _tell_trouble(event: Event) -> None:
    if isinstance(event, ServerWarning | GoAway):
        _warn(event.message)
    elif isinstance(event, Reconnecting):
        _warn(f"reconnecting: {event.message}")
    elif isinstance(event, Reconnected):
        _warn(f"connected again after {event.downtime:.1f} s, nothing is lost")


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
