"""The second try of a final window whose text a guard objected to. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sori_server.domain.recognition import EngineTiming, Hypothesis, RecognitionRequest

RETRY_TEMPERATURE: Final = 0.4


def second_try(request: RecognitionRequest) -> RecognitionRequest:
    """The same window at a higher temperature, without the text before it: loops feed on that."""
    options = replace(request.options, temperature=RETRY_TEMPERATURE, beam_size=1)
    return replace(request, options=options, prompt="")


def better(first: Hypothesis, second: Hypothesis) -> Hypothesis:
    """The one no guard objects to (silence, too), else the more confident one, else `first`.

    Its timing is that of both tries.
    """
    chosen = max(first, second, key=lambda heard: (not heard.doubtful, heard.confidence))
    return replace(chosen, timing=_sum(first.timing, second.timing))


def _sum(first: EngineTiming, second: EngineTiming) -> EngineTiming:
    return EngineTiming(
        queue=first.queue + second.queue,
        preprocessing=first.preprocessing + second.preprocessing,
        inference=first.inference + second.inference,
        batch_size=first.batch_size,
    )
