"""How far the passes are, on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sori_server.evaluation.passes import OFFLINE, Told
from sori_server.evaluation.plan import Pace
from sori_server.evaluation.references import Corpus, Track


@contextmanager
def bars(corpus: Corpus, paces: Sequence[Pace]) -> Iterator[Told]:
    """A bar for each pass, by seconds of audio; nothing where stderr is no terminal."""
    columns = (
        TextColumn("{task.description:8}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        length = sum(track.duration for track in corpus.tracks)
        names = (OFFLINE, *(pace.value for pace in paces))
        tasks = {name: progress.add_task(name, total=length, start=False) for name in names}
        progress.start_task(tasks[OFFLINE])

        def told(name: str, track: Track) -> None:
            progress.start_task(tasks[name])
            progress.advance(tasks[name], track.duration)

        yield told
