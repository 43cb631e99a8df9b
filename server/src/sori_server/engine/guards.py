"""Refuses windows that would harm the model call they share, before it is made.

CTranslate2 fails a whole batch for one bad item, and some inputs end the process.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sori_server.domain.errors import EngineUnavailable, RecognitionFailed
from sori_server.engine.model import WindowTask
from sori_server.engine.port import FloatArray
from sori_server.engine.shapes import BUCKETS, MAX_FRAMES


def checked_features(features: object, mels: int) -> FloatArray:
    """`features` if they are finite float32 of shape [mels, 1 to 3000].

    Raises:
        RecognitionFailed: they are not; says how.
    """
    if not isinstance(features, np.ndarray) or features.dtype != np.float32:
        raise RecognitionFailed("features must be a float32 array")
    if features.ndim != 2 or features.shape[0] != mels:
        raise RecognitionFailed(f"features must have {mels} mel bands, got {features.shape}")
    if not 0 < features.shape[1] <= MAX_FRAMES:
        raise RecognitionFailed(f"a window has 1 to {MAX_FRAMES} frames, got {features.shape[1]}")
    if not np.isfinite(features).all():
        raise RecognitionFailed("features hold values that are not finite")
    return features


def check_prompt(prompt: Sequence[int], text_end: int, most: int) -> None:
    """Require text tokens only, at most `most`.

    Raises:
        RecognitionFailed: a token is out of range or special, or they are too many.
    """
    if len(prompt) > most:
        raise RecognitionFailed(f"a prompt has at most {most} tokens, got {len(prompt)}")
    if any(not 0 <= token < text_end for token in prompt):
        raise RecognitionFailed("a prompt may hold text tokens only")


def candidate_languages(task: WindowTask, supported: Sequence[str]) -> tuple[str, ...]:
    """The languages to choose among for a window, each once; all supported if none were named.

    Raises:
        RecognitionFailed: none of those named is supported.
    """
    if not task.options.languages:
        return tuple(supported)
    named = dict.fromkeys(task.options.languages)
    known = tuple(code for code in named if code in supported)
    if not known:
        raise RecognitionFailed(f"the model knows none of {', '.join(task.options.languages)}")
    return known


def check_buckets(mels: int, buckets: Sequence[int] = BUCKETS) -> None:
    """Require that no encoder output can be mistaken for features.

    CTranslate2 tells the two apart by their second dimension: positions (half the frames)
    of one, mel bands of the other.

    Raises:
        EngineUnavailable: a bucket has as many positions as the model has mel bands.
    """
    if any((bucket + 1) // 2 == mels for bucket in buckets):
        raise EngineUnavailable(f"models with {mels} mel bands cannot be served")


def aligned_frames(frames: int, padded: int) -> int:
    """Frames to align over: CTranslate2 corrupts memory beyond what was encoded."""
    return min(frames, padded)
