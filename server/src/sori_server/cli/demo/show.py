"""Runs the demonstration: server, streams, screen, table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text
from sori_client import Bytes, Client, Result, StreamConfig

from sori_server.child_server import ReadyServer
from sori_server.cli.demo.measure import Measurement
from sori_server.cli.demo.recordings import DemoRecording, demo_recordings
from sori_server.cli.demo.report import report
from sori_server.cli.demo.screen import Screen
from sori_server.cli.demo.server_child import server_child
from sori_server.cli.exits import ExitCode, expected, one_line
from sori_server.cli.interruption import Interruption
from sori_server.cli.rendering import DIM
from sori_server.cli.sources import LINEAR16, Paced, linear16

CONFIG: Final = StreamConfig(
    language_switching=True, interim_results=True, word_times=True, latency_breakdown=True
)

_LEGEND: Final = (
    "WER: words wrong, missing or added, per word said. First interim: from the start of speech"
    " to the first text. Final: from the decision that an utterance has ended to its text; the"
    " silence waited for before that is the VAD hang-over. Times are medians."
)


def show() -> int:
    """Show it; returns the exit code: not zero if a stream failed or gave no words."""
    return asyncio.run(_show(Console(highlight=False)))


async def _show(console: Console) -> int:
    with Interruption() as interruption:
        code = await interruption.cancels(_demonstrate(console))
    return interruption.exit_code if code is None else code


async def _demonstrate(console: Console) -> int:
    recordings = demo_recordings()
    console.print(_paragraph(Text("Starting the server …", DIM)))
    async with server_child() as server:
        console.print(_paragraph(_introduction(server, len(recordings))))
        screen = Screen(console, recordings)
        streams = [DemoStream(recording, screen) for recording in recordings]
        async with Client(server.address, resume=None) as client:
            console.print()
            with screen.running():
                await asyncio.gather(*(stream.run(client) for stream in streams))
    return _conclude(console, streams)


class DemoStream:
    """One recording on its way through the server."""

    def __init__(self, recording: DemoRecording, screen: Screen) -> None:
        self.recording = recording
        self.measurement = Measurement(recording)
        self.error = ""
        self._screen = screen

    async def run(self, client: Client) -> None:
        """Send the recording at the pace of speech and show what comes back."""
        clock = StartedClock()
        pieces = await asyncio.to_thread(list, linear16(self.recording.path))
        source = Paced(Bytes(pieces, LINEAR16), clock)
        try:
            async with client.stream(source, CONFIG) as events:
                async for event in events:
                    if isinstance(event, Result):
                        self.measurement.take(event, clock.elapsed())
                        self._screen.show(self.recording.name, event)
        except Exception as error:
            known = expected(error)
            if known is None:
                raise
            self.error = one_line(known)
        if not self.error and not self.measurement.has_words:
            self.error = "no words were recognized"


class StartedClock:
    """The clock of the machine, and the time since it was first asked."""

    def __init__(self) -> None:
        self._start: float | None = None

    def now(self) -> float:
        """Seconds that never go back."""
        now = time.monotonic()
        if self._start is None:
            self._start = now
        return now

    def elapsed(self) -> float:
        """Seconds since the first `now`; zero before."""
        return 0.0 if self._start is None else time.monotonic() - self._start

    async def sleep(self, duration: float) -> None:
        """Waits without blocking the event loop."""
        await asyncio.sleep(duration)


def _paragraph(text: Text) -> Padding:
    """Indented lines after an empty one."""
    return Padding(text, (1, 2, 0, 2))


def _introduction(server: ReadyServer, streams: int) -> Text:
    return Text.assemble(
        ("Sori", "bold"),
        f" {server.version} serves ",
        (server.model, "bold"),
        f" on {server.device} at {server.address}. {streams} recordings are spoken to it at once,"
        " over gRPC, at the pace of speech.",
        ("\nmini is a demonstration model: it knows a few hundred words.", DIM),
    )


def _conclude(console: Console, streams: Sequence[DemoStream]) -> int:
    console.print(report({stream.recording.name: stream.measurement for stream in streams}))
    console.print(_paragraph(Text(_LEGEND, DIM)))
    console.print(_paragraph(Text("With a real model: sori serve --model small\n")))
    failed = [stream for stream in streams if stream.error]
    for stream in failed:
        Console(stderr=True).print(
            f"error: stream {stream.recording.name}: {stream.error}", markup=False, soft_wrap=True
        )
    return ExitCode.FAILED if failed else ExitCode.DONE
