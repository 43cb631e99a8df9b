"""Runs the passes over a corpus: offline, then live at each pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from sori_server.evaluation.heard import Heard
from sori_server.evaluation.measuring import Tallies, live_tallies, offline_tallies
from sori_server.evaluation.offline import Offline
from sori_server.evaluation.plan import Pace
from sori_server.evaluation.references import Track

OFFLINE = "offline"

Told = Callable[[str, Track], None]
"""Told of each track a pass has done."""
Listen = Callable[[Track, Pace], Awaitable[Heard]]


@dataclass(slots=True)
class LivePass:
    """What the streams at one pace gave, by name of the track."""

    heard: dict[str, Heard] = field(default_factory=dict)
    tallies: dict[str, Tallies] = field(default_factory=dict)


@dataclass(slots=True)
class Passes:
    """Everything measured, by name of the track."""

    offline: dict[str, Tallies] = field(default_factory=dict)
    whole: dict[str, Tallies] = field(default_factory=dict)
    live: dict[Pace, LivePass] = field(default_factory=dict)
    wall_time: dict[str, float] = field(default_factory=dict)
    texts: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """What each pass wrote, piece by piece."""

    def run_offline(self, model: Offline, tracks: Iterable[Track], told: Told) -> None:
        """Read each track with faster-whisper, by utterances and in one go."""
        began = time.monotonic()
        texts = self.texts.setdefault(OFFLINE, {})
        for track in tracks:
            if track.utterances:
                heard = list(model.utterances(track))
                texts[track.name] = tuple(piece.text for piece in heard)
                self.offline[track.name] = offline_tallies(track, heard)
                self.whole[track.name] = offline_tallies(track, [model.whole(track)])
            told(OFFLINE, track)
        self.wall_time[OFFLINE] = time.monotonic() - began

    async def run_live(
        self, listen: Listen, tracks: Iterable[Track], pace: Pace, streams: int, told: Told
    ) -> None:
        """Stream each track, the longest first, `streams` of them at a time."""
        began = time.monotonic()
        done = self.live[pace] = LivePass()
        room = asyncio.Semaphore(streams)

        async def one(track: Track) -> None:
            async with room:
                heard = done.heard[track.name] = await listen(track, pace)
            done.tallies[track.name] = live_tallies(track, heard, wall=pace is Pace.PACED)
            told(pace.value, track)

        async with asyncio.TaskGroup() as tasks:
            for track in sorted(tracks, key=lambda track: -track.duration):
                tasks.create_task(one(track))
        self.texts[pace.value] = {
            name: tuple(final.text for final in heard.finals)
            for name, heard in sorted(done.heard.items())
        }
        self.wall_time[pace.value] = time.monotonic() - began
