"""What windows of one model call must have in common, so that company changes no text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sori_server.domain.recognition import DecodingOptions
from sori_server.engine.capabilities import Capabilities

MAX_FRAMES: Final = 3000
"""Whisper reads 30 s at most: 100 frames a second."""

BUCKETS: Final = (200, 300, 400, 500, 600, 700, 800, 1000, 1200, 1600, 2400, MAX_FRAMES)
"""Lengths that short windows are padded to.

Close to each other where windows are common: with `mini` on a CPU, those of live streams take
0.7 times as long as with steps of 4 s, and no longer than without buckets
(`Capabilities.buckets`), while company in a call saves little.
"""

_TOKEN_STEPS: Final = (400, 800, 1200, 1600, 2400, MAX_FRAMES)
"""Lengths that have a token cap each: few, as windows padded to 30 s batch within them."""
_AMBIGUOUS: Final = (80, 128)
"""Mel bands of Whisper models: an encoding of as many positions is taken for features."""
_SPARE: Final = 100
_FRAMES_PER_SECOND: Final = 100
_TOKENS_PER_SECOND: Final = 15
_TOKENS_AT_LEAST: Final = 16
_MAX_POSITIONS: Final = 448


@dataclass(frozen=True, slots=True)
class DecodingShape:
    """Windows of equal shape may share a model call.

    `frames` is the length that features are padded to, `new_tokens` the most that may be
    decoded: a function of the shape, as a cap taken from the batch would let a window's
    text depend on its neighbours.
    """

    frames: int
    new_tokens: int
    context_length: int
    beam_size: int
    word_times: bool
    temperature: float = 0.0


def decoding_shape(
    frames: int, context_length: int, options: DecodingOptions, capabilities: Capabilities
) -> DecodingShape:
    """The shape of a window of `frames` frames (at most `MAX_FRAMES`)."""
    padded = padded_frames(frames, capabilities)
    spoken = _step(padded if capabilities.short_windows else frames + _SPARE, _TOKEN_STEPS)
    tokens = _TOKENS_AT_LEAST + _TOKENS_PER_SECOND * spoken // _FRAMES_PER_SECOND
    return DecodingShape(
        frames=padded,
        new_tokens=min(tokens, _MAX_POSITIONS // 2),
        context_length=context_length,
        beam_size=options.beam_size,
        word_times=options.word_times,
        temperature=options.temperature,
    )


def frames_used(capabilities: Capabilities) -> tuple[int, ...]:
    """The lengths that windows of such a model are padded to; some of them without buckets."""
    return BUCKETS if capabilities.short_windows else (MAX_FRAMES,)


def max_length(prompt_length: int, new_tokens: int) -> int:
    """The `max_length` that lets CTranslate2 decode `new_tokens` tokens after a prompt.

    CTranslate2 allows min(max_length / 2, max_length - start) tokens, where start counts
    the prompt without its last token, and fails beyond the model's 448 positions.
    """
    return min(max(2 * new_tokens, prompt_length - 1 + new_tokens), _MAX_POSITIONS)


def padded_frames(frames: int, capabilities: Capabilities) -> int:
    """The length that a window of `frames` frames is padded to."""
    if not capabilities.short_windows:
        return MAX_FRAMES
    wanted = frames + round(capabilities.window_slack * _FRAMES_PER_SECOND)
    return _step(wanted, BUCKETS) if capabilities.buckets else _even(wanted)


def _step(frames: int, steps: Sequence[int]) -> int:
    return next((step for step in steps if frames <= step), MAX_FRAMES)


def _even(frames: int) -> int:
    """The next length of whole positions, two frames each, that are not `_AMBIGUOUS`."""
    positions = (frames + 1) // 2
    return min(2 * (positions + (positions in _AMBIGUOUS)), MAX_FRAMES)
