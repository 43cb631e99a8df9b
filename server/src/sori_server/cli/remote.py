"""Streams to a server, from the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sori_client import Client, ConnectionLost, Event, SoriClientError, Source, Unavailable

from sori_server.cli.interruption import Interruption
from sori_server.cli.printing import Printer, open_printer
from sori_server.cli.sources import Endable
from sori_server.cli.wishes import Wishes


def stream_to(address: str, source: Source, wishes: Wishes) -> int:
    """Show what the server at `address` makes of `source`; returns the exit code.

    Raises:
        SoriClientError, SoriError, OSError: why it ended early; the words before were shown.
    """
    return asyncio.run(_stream(address, source, wishes))


async def _stream(address: str, source: Source, wishes: Wishes) -> int:
    with Interruption() as interruption, open_printer(wishes) as printer:
        audio, config = Endable(source, interruption), wishes.stream_config()
        with audio.checked(), _reachable(address):
            async with Client(address) as client, client.stream(audio, config) as events:
                async for event in events:
                    await show(printer, event)
    return interruption.exit_code


class ServerUnreachable(SoriClientError):
    """Nobody answers at an address."""


@contextmanager
def _reachable(address: str) -> Iterator[None]:
    """Says what to do when there is no server; one that refuses gives its own reason."""
    try:
        yield
    except Unavailable as error:
        if error.reason or isinstance(error, ConnectionLost):
            raise
        raise ServerUnreachable(
            f"no server answers at {address}: start one with `sori serve`, or give its --address"
        ) from error


async def show(printer: Printer, event: Event) -> None:
    """Print without blocking the event loop: whoever reads the output may be slow."""
    await asyncio.to_thread(printer.show, event)
