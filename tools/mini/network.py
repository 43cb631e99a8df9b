"""The network: a small Whisper, with an auxiliary head for a character CTC loss on its encoder.

The CTC loss makes the encoder converge; with word pieces as its targets it did not.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import WhisperConfig, WhisperForConditionalGeneration

DROPOUT = 0.05
HEADS = 4

_JAMO = [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]
_CHARACTERS = {
    character: index
    for index, character in enumerate([*" abcdefghijklmnopqrstuvwxyz'", *map(chr, _JAMO)])
}
BLANK = len(_CHARACTERS)


@dataclass(frozen=True)
class Geometry:
    """Width and layers; four heads and a feed-forward of four times the width are fixed."""

    width: int = 144
    encoder_layers: int = 3
    decoder_layers: int = 2


def whisper(tokenizer: Tokenizer, geometry: Geometry) -> WhisperForConditionalGeneration:
    """An untrained Whisper: 80 mel bands, 1500 positions, 448 text positions."""
    end = tokenizer.token_to_id("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(),
        num_mel_bins=80,
        d_model=geometry.width,
        encoder_layers=geometry.encoder_layers,
        decoder_layers=geometry.decoder_layers,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=4 * geometry.width,
        decoder_ffn_dim=4 * geometry.width,
        max_source_positions=1500,
        max_target_positions=448,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=tokenizer.token_to_id("<|startoftranscript|>"),
        dropout=DROPOUT,
        suppress_tokens=[],
        begin_suppress_tokens=[tokenizer.encode(" ").ids[0], end],
        use_cache=False,
    )
    model = WhisperForConditionalGeneration(config)
    model.config._attn_implementation = "sdpa"
    return model


def character_head(geometry: Geometry) -> nn.Linear:
    """Projects encoder output onto characters and the CTC blank."""
    return nn.Linear(geometry.width, BLANK + 1)


def characters(text: str) -> list[int]:
    """CTC targets: letters, and Hangul taken apart into its letters."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    return [_CHARACTERS[character] for character in decomposed if character in _CHARACTERS]


def encode(model: WhisperForConditionalGeneration, features: Tensor) -> Tensor:
    """Encoder output for windows shorter than 30 s, which the library's own call refuses."""
    encoder = model.model.encoder
    hidden = functional.gelu(encoder.conv1(features))
    hidden = functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    hidden = functional.dropout(hidden, DROPOUT, model.training)
    for layer in encoder.layers:
        output = layer(hidden, None)
        hidden = output[0] if isinstance(output, tuple) else output
    normalized: Tensor = encoder.layer_norm(hidden)
    return normalized


def ctc_loss(logits: Tensor, transcripts: list[str]) -> Tensor:
    """Mean CTC loss over the windows that have a transcript; zero if none has."""
    targets = [characters(text) for text in transcripts]
    rows = [row for row, target in enumerate(targets) if target]
    if not rows:
        return torch.zeros((), device=logits.device)
    return functional.ctc_loss(
        functional.log_softmax(logits.float(), -1)[rows].transpose(0, 1),
        torch.tensor([index for row in rows for index in targets[row]]),
        torch.full((len(rows),), logits.shape[1]),
        torch.tensor([len(targets[row]) for row in rows]),
        blank=BLANK,
        zero_infinity=True,
    )
