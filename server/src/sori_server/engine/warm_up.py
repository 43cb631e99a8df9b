"""Runs every kind of model call before the first window comes, and times some."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from sori_server.domain.config import Task
from sori_server.engine.capabilities import Capabilities
from sori_server.engine.cost import CallLoad, Phase, Sample
from sori_server.engine.shapes import DecodingShape, frames_used
from sori_server.engine.whisper_calls import Encoding, WhisperCalls

BEAMS: Final = (1, 5)
ROWS: Final = (1, 4)
STEPS: Final = (4, 12)
REPEATS: Final = 2
LONG: Final = 0.25
"""Seconds; what takes one window longer is not tried with several: they take so much longer."""
_TEXT: Final = ([1, 2, 3],)


def warm_up(calls: WhisperCalls, capabilities: Capabilities, language: str) -> list[Sample]:
    """Encode, detect, decode and align for each length of window; what some of it took."""
    prompt = calls.vocabulary.prompt((), language, Task.TRANSCRIBE, capabilities.timestamps)
    lengths = frames_used(capabilities)
    for frames in lengths:
        encoding = _encoded(calls, frames, 1)
        if calls.multilingual:
            calls.detect(encoding)
        for beam_size in BEAMS:
            calls.generate(encoding, [prompt], _shape(frames, 3, beam_size))
        calls.align(encoding, [0], _TEXT, [frames], language=language, task=Task.TRANSCRIBE)
    timed = sorted({lengths[0], lengths[len(lengths) // 2], lengths[-1]})
    return [sample for frames in timed for sample in _samples(calls, frames, prompt)]


def _samples(calls: WhisperCalls, frames: int, prompt: list[int]) -> Iterator[Sample]:
    for rows in ROWS:
        encoding, seconds = _timed(functools.partial(_encoded, calls, frames, rows))
        yield Sample(CallLoad(frames, rows, 0, 1, Phase.ENCODE), seconds)
        for beam_size in BEAMS:
            for steps in STEPS:
                shape = _shape(frames, steps, beam_size)
                yield _decoding(calls, encoding, [prompt] * rows, shape)
        if seconds > LONG:
            return


def _decoding(
    calls: WhisperCalls, encoding: Encoding, prompts: list[list[int]], shape: DecodingShape
) -> Sample:
    _, seconds = _timed(lambda: calls.generate(encoding, prompts, shape, endless=True))
    steps, beams = shape.new_tokens, shape.beam_size
    return Sample(CallLoad(shape.frames, len(prompts), steps, beams, Phase.DECODE), seconds)


def _encoded(calls: WhisperCalls, frames: int, rows: int) -> Encoding:
    return calls.encode([np.zeros((calls.mels, frames), np.float32)] * rows, frames)


def _shape(frames: int, steps: int, beam_size: int) -> DecodingShape:
    return DecodingShape(frames, steps, 0, beam_size, word_times=True)


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and the least of the times it took."""
    least = float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        answer = call()
        least = min(least, time.perf_counter() - started)
    return answer, least
