"""One model in CTranslate2, with random windows for it and calls of known length."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ctranslate2
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from gpubench.geometry import Geometry

Encodings = Any
"""Encoder output of a batch, a CTranslate2 storage on the model's device."""

Features = npt.NDArray[np.float32]
"""Windows [count, mels, frames]."""

ENCODED_AT_ONCE: Final = 16
"""Attention scores of a longer batch would not fit into smaller cards' memory."""

_NEVER_SPOKEN: Final = ("translate", "transcribe", "startoflm", "startofprev", "nospeech")


@dataclass(frozen=True, slots=True)
class Device:
    """Where models run: `cpu` or `cuda`, number type, threads of a call (CPU only)."""

    kind: str
    compute_type: str
    threads: int = 0

    def move(self, encodings: Encodings) -> Encodings:
        """The encodings on this device."""
        return encodings.to_device(getattr(ctranslate2.Device, self.kind))


class Loaded:
    """A model of random weights; every call makes exactly as many tokens as asked for."""

    def __init__(self, geometry: Geometry, folder: Path, device: Device, workers: int = 1) -> None:
        self.geometry, self.folder, self.device = geometry, folder, device
        self.model: Any = ctranslate2.models.Whisper(
            str(folder),
            device=device.kind,
            compute_type=device.compute_type,
            inter_threads=workers,
            intra_threads=device.threads,
        )
        self._ids = Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id
        self._random = np.random.default_rng(1)

    def token(self, name: str) -> int:
        """The id of a special token."""
        found = self._ids(f"<|{name}|>")
        assert found is not None, name
        return int(found)

    @property
    def task(self) -> list[int]:
        """The tokens a text in English follows."""
        return [self.token(name) for name in ("startoftranscript", "en", "transcribe")]

    @property
    def specials(self) -> list[int]:
        """The tokens Sori never lets a model say."""
        return [self.token(name) for name in (*_NEVER_SPOKEN, "startoftranscript")]

    def features(self, count: int, frames: int) -> Features:
        """Random windows [count, mels, frames]."""
        shape = (count, self.geometry.mels, frames)
        return self._random.standard_normal(shape, np.float32)

    def encode(self, features: Features, *, to_cpu: bool = False) -> Encodings:
        """Encode windows as the server does: features come from the host."""
        return self.model.encode(ctranslate2.StorageView.from_array(features), to_cpu=to_cpu)

    def encodings(self, count: int, frames: int) -> Encodings:
        """Encodings of so many windows in one storage on the device."""
        part = self.encode(self.features(min(count, ENCODED_AT_ONCE), frames), to_cpu=True)
        repeats = -(-count // ENCODED_AT_ONCE)
        values = np.concatenate([np.asarray(part)] * repeats)[:count]
        storage = ctranslate2.StorageView.from_array(np.ascontiguousarray(values))
        return self.device.move(storage)

    def generate(
        self,
        encodings: Encodings,
        tokens: int,
        *,
        prompt: Sequence[int] | None = None,
        beam_size: int = 1,
        suppressed: Sequence[int] | None = None,
    ) -> list[list[int]]:
        """Decode exactly `tokens` tokens (those of a forced prefix among them) for each row."""
        begin = [*self.task, self.token("notimestamps")] if prompt is None else list(prompt)
        barred = self.specials if suppressed is None else list(suppressed)
        results = self.model.generate(
            encodings,
            [begin] * encodings.shape[0],
            beam_size=beam_size,
            max_length=length_limit(begin.index(self.token("startoftranscript")), tokens),
            suppress_tokens=[*barred, self.token("endoftext")],
            return_no_speech_prob=True,
            return_scores=True,
        )
        return [result.sequences_ids[0] for result in results]


def length_limit(previous: int, tokens: int) -> int:
    """The `max_length` that makes CTranslate2 stop after `tokens` tokens.

    It allows min(max_length / 2, max_length - start), where start counts the `previous`
    tokens and the task tokens before the last.
    """
    return max(2 * tokens, previous + 3 + tokens)


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """The median of several runs after one that warms up. Calls wait for the device."""
    call()
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took)
