"""A window between the call that asks for its text and the batch that recognizes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from sori_server.domain.audio import Span, seconds
from sori_server.domain.errors import EngineError, RecognitionFailed
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import (
    EngineTiming,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.engine.cost import CallLoad, Phase
from sori_server.engine.model import ModelFrontEnd, WindowTask
from sori_server.engine.port import StreamAudio
from sori_server.engine.scheduler.jobs import Binding


class PendingWindow:
    """One request on its way through the engine; `outcome` is what its caller waits for."""

    def __init__(
        self,
        request: RecognitionRequest,
        audio: StreamAudio,
        front_end: ModelFrontEnd,
        expected_steps: Callable[[float], int],
    ) -> None:
        """`expected_steps` tells how many tokens so many seconds usually have."""
        loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Hypothesis | EngineError] = loop.create_future()
        self.submitted = loop.time()
        self._request = request
        self._audio = audio
        self._front_end = front_end
        self._expected_steps = expected_steps
        self._prompt = front_end.prompt_tokens(request)
        self._spent = EngineTiming()

    @property
    def sampled(self) -> bool:
        """Whether it is decoded by drawing, which takes longer than the search for the best."""
        return self._request.options.temperature > 0

    def deadline(self, limits: Limits) -> float:
        """When its text is wanted: an interim's before the next one is due."""
        if self._request.kind is WindowKind.FINAL:
            return self.submitted + seconds(self._request.ahead) + limits.final_deadline
        return self.submitted + seconds(self._request.step)

    def bind(self) -> Binding | None:
        """The samples it covers now; None for an interim that has none yet."""
        span = self._request.bind(self._audio.received)
        if self._request.kind is WindowKind.INTERIM and not len(span):
            return None
        load = CallLoad(
            frames=self._front_end.frames(span),
            rows=1,
            steps=self._expected_steps(seconds(len(span))),
            beam_size=self._request.options.beam_size,
            phase=Phase.RECOGNIZE,
        )
        if self._request.options.temperature:
            return Binding(self, span, load)  # its own key: a retry shares its call with none
        key = self._front_end.batch_key(self._request, span, len(self._prompt))
        return Binding(key, span, load)

    def task(self, span: Span) -> WindowTask | RecognitionFailed:
        """What the worker gets for `span`, or why there is nothing to give. In any thread."""
        try:
            features = self._audio.window(span.start, span.end)
        except Exception as error:  # whatever it is, it fails alone
            return RecognitionFailed(f"the window cannot be built: {error}")
        return WindowTask(features, span, self._prompt, self._request.options)

    def spend(self, timing: EngineTiming) -> None:
        """Add what a call took that gave no answer yet."""
        self._spent = _sum(self._spent, timing)

    def spent(self, timing: EngineTiming, waited: float) -> EngineTiming:
        """The whole time of the window, whose last call began `waited` seconds after it could."""
        whole = _sum(self._spent, timing)
        busy = self._spent.preprocessing + self._spent.inference
        return replace(whole, queue=max(waited - busy, 0.0))

    def settle(self, outcome: Hypothesis | EngineError) -> None:
        """Answer the caller; the first answer counts."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)


def _sum(before: EngineTiming, last: EngineTiming) -> EngineTiming:
    return EngineTiming(
        preprocessing=before.preprocessing + last.preprocessing,
        inference=before.inference + last.inference,
        batch_size=last.batch_size,
    )
