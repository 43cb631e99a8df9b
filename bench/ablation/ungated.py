"""Recognizes silence like speech, as a server without speech detection does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Final

from sori_server.domain.audio import HOP, Span, samples
from sori_server.domain.errors import EngineError
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.port import FloatArray, StreamAudio

INTERVAL: Final = samples(0.5)
"""Silence after which what there is of it is recognized again."""
SPEECH: Final = 0.5
"""Probability from which on the session has its own windows recognized."""


class RestlessAudio:
    """Implements `StreamAudio` around another one; keeps `longest` samples of silence.

    `tell` hears, in any thread, of silence that has grown by `INTERVAL`.
    """

    def __init__(
        self, audio: StreamAudio, longest: int, tell: Callable[[RestlessAudio, Span], object]
    ) -> None:
        self.options = DecodingOptions()
        self._audio = audio
        self._longest = longest
        self._tell = tell
        self._silence = self._told = 0

    @property
    def vad_frame(self) -> int:
        """Samples of one speech probability."""
        return self._audio.vad_frame

    @property
    def received(self) -> int:
        """Position up to which samples were accepted."""
        return self._audio.received

    def start_at(self, position: int) -> None:
        """Before any samples: the first one has this position."""
        self._audio.start_at(position)

    def accept(self, samples: FloatArray) -> list[float]:
        """Take the next mono samples at 16 kHz, -1 to 1; one probability per VAD frame."""
        probabilities = self._audio.accept(samples)
        if max(probabilities, default=0.0) >= SPEECH:
            self._silence = self._told = self.received // HOP * HOP
        elif self.received - self._told >= INTERVAL:
            self._told = self.received // HOP * HOP
            start = max(self._silence, self._told - self._longest)
            self._tell(self, Span(start, self._told))
        return probabilities

    def window(self, start: int, end: int) -> object:
        """The model's input for samples [start, end), a picklable value."""
        return self._audio.window(start, end)

    def discard(self, before: int) -> None:
        """Forget samples before this position, but for silence."""
        kept = max(self._silence, self.received - self._longest - INTERVAL)
        self._audio.discard(min(before, kept))


class UngatedEngine(BatchingEngine):
    """Recognizes silence each `INTERVAL`, from its start on, as if it were being spoken."""

    _loop: asyncio.AbstractEventLoop
    _silences: set[asyncio.Task[None]]

    async def start(self) -> None:
        """Load and warm the model."""
        self._loop = asyncio.get_running_loop()
        self._silences = set()
        self._numbers = count()
        await super().start()

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream."""
        longest = samples(self.model.max_utterance) // HOP * HOP
        return RestlessAudio(super().open_stream(), longest, self._heard_silence)

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        """Recognize one window, batched with windows of other streams."""
        if isinstance(audio, RestlessAudio):
            audio.options = replace(request.options, beam_size=1, word_times=False)
        return await super().recognize(request, audio)

    def _heard_silence(self, audio: RestlessAudio, span: Span) -> None:
        self._loop.call_soon_threadsafe(self._ask, audio, span)

    def _ask(self, audio: RestlessAudio, span: Span) -> None:
        task = self._loop.create_task(self._recognize_silence(audio, span))
        self._silences.add(task)
        task.add_done_callback(self._silences.discard)

    async def _recognize_silence(self, audio: RestlessAudio, span: Span) -> None:
        """Nobody wants the text, and newer silence or speech may take its place."""
        request = RecognitionRequest(
            request_id=next(self._numbers),
            kind=WindowKind.INTERIM,
            start=span.start,
            end=span.end,
            options=audio.options,
            step=INTERVAL,
        )
        with suppress(EngineError):
            await super().recognize(request, audio)
