"""From tallies of tracks to rows: by recording, by language, all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sori_server.evaluation.figures import (
    SCHEMA,
    Accuracy,
    Evaluation,
    LiveFigures,
    OfflineFigures,
    Row,
    Setup,
    Silence,
    WordTimes,
)
from sori_server.evaluation.measuring import Tallies
from sori_server.evaluation.passes import Passes
from sori_server.evaluation.references import Corpus, Track
from sori_server.evaluation.tally import Tally
from sori_server.evaluation.texts import shown_words

TOTAL = "all"


def evaluation(corpus: Corpus, passes: Passes, setup: Setup) -> Evaluation:
    """All figures of what was run."""
    tracks = corpus.tracks
    languages = sorted({language for track in tracks for language in track.languages})
    return Evaluation(
        schema=SCHEMA,
        setup=setup,
        skipped=corpus.skipped,
        recordings=tuple(
            _row(name, [t for t in tracks if t.recording == name], passes)
            for name in corpus.recordings
        ),
        languages=tuple(
            _row(name, [t for t in tracks if name in t.languages], passes, name)
            for name in languages
        ),
        total=_row(TOTAL, tracks, passes),
        transcripts=passes.texts,
        wall_time=passes.wall_time,
        send_delay={
            pace.value: max((heard.latest for heard in live.heard.values()), default=0.0)
            for pace, live in passes.live.items()
        },
    )


def _row(name: str, tracks: Sequence[Track], passes: Passes, language: str | None = None) -> Row:
    spoken = [track for track in tracks if track.utterances]
    offline = _sum(passes.offline, spoken, language)
    whole = _sum(passes.whole, spoken, language)
    return Row(
        name=name,
        languages=tuple(sorted({code for track in spoken for code in track.languages})),
        duration=round(sum(track.duration for track in tracks), 3),
        offline=OfflineFigures(Accuracy.of(offline), Accuracy.of(whole), WordTimes.of(offline))
        if spoken and passes.offline
        else None,
        live={
            pace.value: LiveFigures.of(_sum(live.tallies, spoken, language), offline)
            for pace, live in passes.live.items()
            if spoken
        },
        silence=_silence([track for track in tracks if not track.utterances], passes),
    )


def _sum(tallies: Mapping[str, Tallies], tracks: Sequence[Track], language: str | None) -> Tally:
    return sum(
        (
            tally
            for track in tracks
            for code, tally in tallies.get(track.name, {}).items()
            if language in (None, code)
        ),
        Tally(),
    )


def _silence(tracks: Sequence[Track], passes: Passes) -> dict[str, Silence]:
    found = {}
    for pace, live in passes.live.items():
        heard = [live.heard[track.name] for track in tracks]
        calls = [each.model_calls for each in heard]
        if heard:
            words = sum(
                len(shown_words(display.text, display.language))
                for each in heard
                for display in each.displays
            )
            known = None if None in calls else sum(count or 0 for count in calls)
            found[pace.value] = Silence(words, known)
    return found
