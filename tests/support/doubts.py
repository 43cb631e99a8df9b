"""A fake model with guards that object, for tests of the second try."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from sori_server.domain.errors import RecognitionFailed
from sori_server.domain.recognition import Hypothesis
from sori_server.engine.fake import FakeBehaviour, FakeModel
from sori_server.engine.model import WindowTask

DOUBTED = 100
"""Words from this one on are doubted at the first try."""
HOPELESS = 200
"""Words from this one on are doubted at the second try, too."""
DEADLY = 300
"""Words from this one on end the worker at the second try."""


class DoubtingModel(FakeModel):
    """Reads words as the fake model does; a second try says so in front of them."""

    def __init__(self) -> None:
        super().__init__(FakeBehaviour(batch_cost=0.05))

    def recognize_batch(self, tasks: Sequence[WindowTask]) -> list[Hypothesis | RecognitionFailed]:
        """The outcomes of the fake model, judged by the first word."""
        outcomes = super().recognize_batch(tasks)
        return [
            _judged(outcome, task) if isinstance(outcome, Hypothesis) else outcome
            for outcome, task in zip(outcomes, tasks, strict=True)
        ]


def _judged(heard: Hypothesis, task: WindowTask) -> Hypothesis:
    word = int(heard.text.split()[0].removeprefix("w"))
    if not task.options.temperature:
        return replace(heard, doubtful=word >= DOUBTED, confidence=0.5)
    if word >= DEADLY:
        os._exit(1)
    again = replace(heard, text=f" again{heard.text}", confidence=0.4)
    return replace(again, doubtful=word >= HOPELESS)
