"""Transcribes files in this process, several at a time on one engine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sori_server.app import open_gateway
from sori_server.cli.exits import ExitCode, expected, one_line
from sori_server.cli.interruption import Interruption
from sori_server.cli.local import FILES_AT_A_TIME, model_for, stream_config
from sori_server.cli.sources import Endable, decoded_file
from sori_server.cli.wishes import Wishes
from sori_server.domain import events
from sori_server.domain.audio import seconds
from sori_server.domain.config import StreamConfig
from sori_server.domain.transcripts import FORMATS
from sori_server.engine.models import ResolvedModel
from sori_server.media.files import open_recording
from sori_server.runtime.gateway import Gateway
from sori_server.settings import Settings
from sori_server.transport.pipe.door import PipeDoor

PROGRESS_INTERVAL: Final = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """One recording and the file its transcript goes to; None for stdout."""

    recording: Path
    output: Path | None


@dataclass(slots=True)
class Transcript:
    """What became of a job."""

    job: Job
    results: list[events.Result]
    error: str = ""


def transcribe_files(
    jobs: Sequence[Job], file_format: str, settings: Settings, wishes: Wishes
) -> int:
    """Write a transcript of each recording; returns the exit code.

    Bad recordings are told on stderr; what could be read of them is written.
    """
    model = model_for(settings)
    transcripts = [Transcript(job, []) for job in jobs]
    interrupted = asyncio.run(_transcribe(transcripts, settings, model, wishes))
    for transcript in transcripts:
        write(transcript, file_format, heading=len(jobs) > 1)
    for transcript in transcripts:
        if transcript.error:
            print(f"error: {transcript.error}", file=sys.stderr)
    if interrupted:
        return interrupted
    failed = any(transcript.error for transcript in transcripts)
    return ExitCode.FAILED if failed else ExitCode.DONE


async def _transcribe(
    transcripts: Sequence[Transcript], settings: Settings, model: ResolvedModel, wishes: Wishes
) -> int:
    with Interruption() as interruption, _progress() as bars:
        async with AsyncExitStack() as stack:
            opening = stack.enter_async_context(open_gateway(settings, model))
            gateway = await interruption.cancels(opening)
            if gateway is None:
                return interruption.exit_code
            waiting = iter(transcripts)
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(FILES_AT_A_TIME, len(transcripts))):
                    work = Recognizer(gateway, wishes, interruption, bars)
                    tasks.create_task(work.run(waiting))
    return interruption.exit_code


class Recognizer:
    """Transcribes one recording after the other."""

    def __init__(
        self, gateway: Gateway, wishes: Wishes, interruption: Interruption, bars: Progress
    ) -> None:
        self._gateway = gateway
        self._wishes = wishes
        self._interruption = interruption
        self._bars = bars

    async def run(self, waiting: Iterator[Transcript]) -> None:
        """Take recordings until there are no more, or until a signal."""
        for transcript in waiting:
            if self._interruption.signal is not None:
                return
            try:
                await self._recognize(transcript)
            except Exception as error:
                known = expected(error)
                if known is None:
                    raise
                transcript.error = one_line(known)

    async def _recognize(self, transcript: Transcript) -> None:
        path = transcript.job.recording
        audio = Endable(await asyncio.to_thread(decoded_file, path), self._interruption)
        report = self._bar(path)
        config = replace(
            stream_config(self._wishes, audio, self._gateway), progress_interval=PROGRESS_INTERVAL
        )
        with audio.checked():
            await self._collect(audio, config, transcript, report)

    async def _collect(
        self,
        audio: Endable,
        config: StreamConfig,
        transcript: Transcript,
        report: Callable[[float], None],
    ) -> None:
        async def deliver(numbered: events.NumberedEvent) -> None:
            match numbered.event:
                case events.Result(is_final=True) as result:
                    transcript.results.append(result)
                case events.Progress(final=final):
                    report(seconds(final))
                case events.WindowLost(span=span):
                    transcript.error = (
                        f"{transcript.job.recording}: {seconds(span.start):.1f} to "
                        f"{seconds(span.end):.1f} s could not be recognized"
                    )
                case events.SessionSummary(received=received):
                    report(seconds(received))
                case _:
                    pass

        with self._gateway.stream(config) as runner:
            async with aclosing(audio.chunks()) as chunks:
                await runner.run(PipeDoor(chunks, deliver))

    def _bar(self, path: Path) -> Callable[[float], None]:
        """A progress bar for a recording, told the seconds recognized."""
        with open_recording(path) as recording:
            length = recording.duration
        bar = self._bars.add_task(path.name, total=length)
        return lambda done: self._bars.update(bar, completed=done)


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def write(transcript: Transcript, file_format: str, *, heading: bool) -> None:
    """Write a transcript, unless nothing of its recording could be read."""
    if transcript.error and not transcript.results:
        return
    text = FORMATS[file_format](transcript.results)
    output = transcript.job.output
    if output is None:
        title = f"==> {transcript.job.recording} <==\n" if heading else ""
        sys.stdout.write(title + text)
        sys.stdout.flush()
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
