"""What a busy engine does to one stream, so that its client is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from sori_server.domain.audio import SAMPLE_RATE, Span, seconds
from sori_server.domain.config import Priority, StreamConfig
from sori_server.domain.events import FinalLate, InterimsThinned
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import RecognitionRequest, WindowKind
from sori_server.engine.port import EnginePort

LOOK: Final = SAMPLE_RATE
"""Samples between two looks at the engine's pace: to ask costs something."""


class Overload:
    """Notices interims that are thinned and finals that are late.

    Batch streams take what live ones leave: to them nothing is late.
    """

    def __init__(self, config: StreamConfig, limits: Limits, engine: EnginePort) -> None:
        self._wanted = config.interim_interval
        self._interims = config.interim_results
        self._late = None if config.priority is Priority.BATCH else limits.late_final
        self._apart = config.recognition.channels_apart > 1
        self._engine = engine
        self._told = self._wanted
        self._next_look = 0

    def thinned(self, position: int) -> InterimsThinned | None:
        """News of how often interim results come, at this position."""
        if not self._interims or position < self._next_look:
            return None
        self._next_look = position + LOOK
        interval = max(self._engine.load.interim_interval, self._wanted)
        if interval == self._told:
            return None
        self._told = interval
        return InterimsThinned(position, interval)

    @contextmanager
    def watching(
        self, request: RecognitionRequest, warn: Callable[[FinalLate], None]
    ) -> Iterator[None]:
        """Tell when the text of a final window is late; it is awaited in the context."""
        if request.kind is not WindowKind.FINAL or request.end is None or self._late is None:
            yield
            return
        loop = asyncio.get_running_loop()
        late = FinalLate(
            Span(request.start, request.end), request.channel + 1 if self._apart else 0
        )
        timer = loop.call_later(self._late + seconds(request.ahead), partial(warn, late))
        try:
            yield
        finally:
            timer.cancel()
