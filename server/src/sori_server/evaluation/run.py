"""One evaluation from recordings to figures and files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import faster_whisper

from sori_server import __version__
from sori_server.app import build_engine
from sori_server.engine.models import ResolvedModel
from sori_server.engine.placement import Placement, place
from sori_server.evaluation import in_process, remote
from sori_server.evaluation.figures import Evaluation, Setup
from sori_server.evaluation.measuring import CHUNK, Tallies
from sori_server.evaluation.offline import MARGIN, TEMPERATURE, Offline
from sori_server.evaluation.passes import Listen, Passes, Told
from sori_server.evaluation.plan import Plan
from sori_server.evaluation.references import Corpus
from sori_server.evaluation.report import write_report
from sori_server.evaluation.summing import evaluation
from sori_server.evaluation.tally import Tally
from sori_server.settings import Settings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured, and what is made of it."""

    passes: Passes
    evaluation: Evaluation

    def write_json(self, path: Path) -> None:
        """Write the figures.

        Raises:
            OSError: they cannot be written.
        """
        text = json.dumps(asdict(self.evaluation), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    def write_report(self, folder: Path) -> Path:
        """Write page and plots; the path of the page.

        Raises:
            OSError: they cannot be written.
        """
        live = {p.value: _all(each.tallies.values()) for p, each in self.passes.live.items()}
        return write_report(folder, self.evaluation, live, _all(self.passes.offline.values()))


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose words are measured: a model where the settings put it, or behind an address."""

    settings: Settings
    model: ResolvedModel

    @property
    def placement(self) -> Placement:
        """Device and arithmetic of the offline pass, and of the live ones in this process."""
        settings = self.settings
        return place(settings.device, settings.compute_type, cpu_threads=settings.cpu_threads)


def evaluate(corpus: Corpus, plan: Plan, subject: Subject, told: Told) -> Outcome:
    """Run all passes of a plan that was checked; `told` hears of each track that is done.

    Raises:
        SoriError, SoriClientError: a live pass failed.
    """
    beam_size = plan.base.recognition.beam_size
    passes = Passes()
    offline = Offline.load(subject.model.path, subject.placement, beam_size)
    passes.run_offline(offline, corpus.tracks, told)
    asyncio.run(_stream(corpus, plan, subject, passes, told))
    return Outcome(passes, evaluation(corpus, passes, _setup(plan, subject)))


async def _stream(corpus: Corpus, plan: Plan, subject: Subject, passes: Passes, told: Told) -> None:
    async with _listener(plan, subject) as listen:
        for pace in plan.paces:
            await passes.run_live(listen, corpus.tracks, pace, plan.streams, told)


@asynccontextmanager
async def _listener(plan: Plan, subject: Subject) -> AsyncIterator[Listen]:
    """Streams to the server of the plan, or to an engine of this process."""
    if plan.address:
        yield lambda track, _: remote.listen(plan, track)
        return
    engine = build_engine(subject.settings, subject.model)
    await engine.start()
    try:
        limits = subject.settings.limits
        yield lambda track, pace: in_process.listen(engine, limits, plan, track, pace)
    finally:
        await engine.close()


def _setup(plan: Plan, subject: Subject) -> Setup:
    base, placement = plan.base, subject.placement
    return Setup(
        sori=__version__,
        faster_whisper=faster_whisper.__version__,
        model=subject.model.name,
        device=placement.device,
        compute_type=placement.compute_type,
        mode=base.endpointing.mode.value,
        preset=plan.preset,
        address=plan.address,
        paces=tuple(pace.value for pace in plan.paces),
        streams=plan.streams,
        beam_size=base.recognition.beam_size,
        chunk=CHUNK,
        offline_margin=MARGIN,
        offline_temperature=TEMPERATURE,
    )


def _all(tallies: Iterable[Tallies]) -> Tally:
    return sum((tally for each in tallies for tally in each.values()), Tally())
