"""The yardstick: faster-whisper's own `transcribe`, with the same weights and samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from faster_whisper import WhisperModel

from sori_server.domain.audio import SAMPLE_RATE
from sori_server.engine.placement import Placement
from sori_server.evaluation.heard import HeardWord, OfflineText
from sori_server.evaluation.references import Pcm, Track

MARGIN: Final = 0.2
"""Seconds around an utterance that the pass over utterances hears, too."""
TEMPERATURE: Final = 0.0


@dataclass(frozen=True, slots=True)
class Offline:
    """One model of faster-whisper and the search it is used with."""

    model: WhisperModel
    beam_size: int

    @classmethod
    def load(cls, path: Path, placement: Placement, beam_size: int) -> Offline:
        """The model of a folder, with the arithmetic of the engine."""
        model = WhisperModel(
            str(path),
            device=placement.kind,
            device_index=placement.index,
            compute_type=placement.compute_type,
            cpu_threads=placement.cpu_threads,
        )
        return cls(model, beam_size)

    def utterances(self, track: Track) -> Iterator[OfflineText]:
        """Each utterance of the transcript by itself, its language known, `MARGIN` around it."""
        for utterance in track.utterances:
            start = max(round((utterance.start - MARGIN) * SAMPLE_RATE), 0)
            end = round((utterance.end + MARGIN) * SAMPLE_RATE)
            yield self._heard(track.pcm[start:end], utterance.language, start / SAMPLE_RATE)

    def whole(self, track: Track) -> OfflineText:
        """The whole track in one go, in Whisper's windows of 30 s; several languages detected."""
        spoken = track.languages
        return self._heard(track.pcm, spoken[0] if len(spoken) == 1 else None, 0.0)

    def _heard(self, pcm: Pcm, language: str | None, offset: float) -> OfflineText:
        segments, info = self.model.transcribe(
            pcm.astype(np.float32) / 32_768,
            language=language,
            beam_size=self.beam_size,
            temperature=TEMPERATURE,
            word_timestamps=True,
            multilingual=language is None,
        )
        found = list(segments)
        words = tuple(
            HeardWord(word.word, word.start + offset, word.end + offset)
            for segment in found
            for word in segment.words or ()
        )
        text = " ".join(segment.text.strip() for segment in found)
        return OfflineText(text, info.language, words)
