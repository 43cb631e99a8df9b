"""Writes a Whisper model of random weights in CTranslate2's format. Needs no torch."""

from __future__ import annotations

import json
from itertools import islice, product
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ctranslate2.specs import WhisperSpec

from gpubench.geometry import DECODER_POSITIONS, ENCODER_POSITIONS, Geometry
from gpubench.tokens import language_tokens, tokenizer

Spec = Any
"""A node of CTranslate2's description of a model: layers and weights as attributes."""

_POOL: Final = 1 << 22
_DEVIATION: Final = 0.02
_ALIGNMENT_HEADS: Final = 8
_EMBEDDINGS: Final = "decoder/embeddings/weight"


def build(geometry: Geometry, folder: Path) -> Path:
    """Write the model to `folder`, unless it is there; returns `folder`.

    The file is complete or absent: the tokenizer, which every loader wants, comes last.
    """
    if (folder / "tokenizer.json").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    tokens = tokenizer(geometry.languages)
    pieces = [tokens.id_to_token(index) for index in range(tokens.get_vocab_size())]
    spec = WhisperSpec(
        geometry.encoder_layers, geometry.heads, geometry.decoder_layers, geometry.heads
    )
    _Filler(geometry.width).fill(spec, geometry.mels, len(pieces))
    spec.register_vocabulary(pieces)
    spec.validate()
    spec.decoder.projection.weight = _EMBEDDINGS  # tied, as Whisper's are
    upper = range(geometry.decoder_layers // 2, geometry.decoder_layers)
    heads = islice(product(upper, range(geometry.heads)), _ALIGNMENT_HEADS)
    spec.config.alignment_heads = [list(head) for head in heads]
    spec.config.lang_ids = [
        tokens.token_to_id(token) for token in language_tokens(geometry.languages)
    ]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokens.token_to_id("<|endoftext|>")]
    spec.save(str(folder))
    _write(folder / "preprocessor_config.json", {"feature_size": geometry.mels})
    tokens.save(str(folder / "tokenizer.json"))
    return folder


class _Filler:
    """Sets all weights of a specification, cut at random places from one pool of numbers."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._random = np.random.default_rng(1)
        pool = self._random.standard_normal(_POOL, np.float32) * _DEVIATION
        self._pool = pool.astype(np.float16)

    def fill(self, spec: Spec, mels: int, vocabulary: int) -> None:
        width, encoder, decoder = self._width, spec.encoder, spec.decoder
        for convolution, inputs in ((encoder.conv1, mels), (encoder.conv2, width)):
            convolution.weight = self._random_weights(width, inputs, 3)
            convolution.bias = self._random_weights(width)
        encoder.position_encodings.encodings = self._random_weights(ENCODER_POSITIONS, width)
        decoder.position_encodings.encodings = self._random_weights(DECODER_POSITIONS, width)
        decoder.embeddings.weight = self._random_weights(vocabulary, width)
        decoder.projection.weight = decoder.embeddings.weight
        self._norm(encoder.layer_norm)
        self._norm(decoder.layer_norm)
        for layer in encoder.layer:
            self._attention(layer.self_attention, (3, 1))
            self._feed_forward(layer.ffn)
        for layer in decoder.layer:
            self._attention(layer.self_attention, (3, 1))
            self._attention(layer.attention, (1, 2, 1))
            self._feed_forward(layer.ffn)

    def _attention(self, spec: Spec, parts: tuple[int, ...]) -> None:
        """Queries, keys and values, fused as CTranslate2 has them, then the output."""
        self._norm(spec.layer_norm)
        for linear, part in zip(spec.linear, parts, strict=True):
            self._linear(linear, part * self._width, self._width)

    def _feed_forward(self, spec: Spec) -> None:
        self._norm(spec.layer_norm)
        self._linear(spec.linear_0, 4 * self._width, self._width)
        self._linear(spec.linear_1, self._width, 4 * self._width)

    def _linear(self, spec: Spec, outputs: int, inputs: int) -> None:
        spec.weight = self._random_weights(outputs, inputs)
        spec.bias = self._random_weights(outputs)

    def _norm(self, spec: Spec) -> None:
        spec.gamma = np.ones(self._width, np.float16)
        spec.beta = np.zeros(self._width, np.float16)

    def _random_weights(self, *shape: int) -> npt.NDArray[np.float16]:
        start = int(self._random.integers(_POOL))
        return np.resize(np.roll(self._pool, -start), shape)


def _write(path: Path, fields: dict[str, object]) -> None:
    path.write_text(json.dumps(fields), encoding="utf-8")
