"""The gateway's half of a Whisper model: tokenizer and features, no weights."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Final

from sori_server.domain.audio import HOP, Span
from sori_server.domain.recognition import RecognitionRequest
from sori_server.engine.capabilities import Capabilities
from sori_server.engine.context import composed
from sori_server.engine.port import StreamAudio
from sori_server.engine.shapes import decoding_shape, padded_frames
from sori_server.engine.stream_audio import WhisperStreamAudio
from sori_server.engine.vocabulary import Vocabulary

_FEATURES_FILE: Final = "preprocessor_config.json"
_USUAL_MELS: Final = 80


class WhisperFrontEnd:
    """Implements `ModelFrontEnd` for the model in `folder`."""

    def __init__(self, folder: Path, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._vocabulary = Vocabulary.of(folder)
        self._mels = mel_bands(folder)

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream."""
        return WhisperStreamAudio(self._mels)

    def prompt_tokens(self, request: RecognitionRequest) -> tuple[int, ...]:
        """The hotwords and the end of the text before a window, as far as the model bears them."""
        most = self._capabilities.context_tokens
        hotwords = self._vocabulary.hotwords(request.hotwords, most)
        return composed(hotwords, self._vocabulary.context(request.prompt), most)

    def batch_key(self, request: RecognitionRequest, span: Span, prompt_length: int) -> Hashable:
        """Windows with equal keys may share a model call without changing each other's text."""
        frames = len(span) // HOP
        return decoding_shape(frames, prompt_length, request.options, self._capabilities)

    def frames(self, span: Span) -> int:
        """The length that a window is padded to."""
        return padded_frames(len(span) // HOP, self._capabilities)


def mel_bands(folder: Path) -> int:
    """Mel bands of the features of the model in `folder`; 80 where it does not say."""
    config = folder / _FEATURES_FILE
    if not config.is_file():
        return _USUAL_MELS
    return int(json.loads(config.read_text(encoding="utf-8")).get("feature_size", _USUAL_MELS))
