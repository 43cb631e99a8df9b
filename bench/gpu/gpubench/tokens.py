"""A made-up tokenizer with Whisper's number and order of tokens; any word of it is one token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice, product
from string import ascii_lowercase
from typing import Final

from faster_whisper.tokenizer import _LANGUAGE_CODES as LANGUAGES
from tokenizers import AddedToken, Tokenizer, pre_tokenizers

TEXT_TOKENS: Final = 50_257
TIMESTAMPS: Final = 1501
SPACE: Final = "Ġ"

_PAIRS: Final = ["".join(pair) for pair in product(ascii_lowercase, repeat=2)]


def spoken_words() -> list[str]:
    """Words that a random model is made to say: four letters, one token each."""
    bytes_and_pairs = len(pre_tokenizers.ByteLevel.alphabet()) + 2 * len(_PAIRS)
    count = TEXT_TOKENS - 1 - bytes_and_pairs
    return ["".join(pairs) for pairs in islice(product(_PAIRS, _PAIRS), count)]


def tokenizer(languages: int) -> Tokenizer:
    """A byte-level BPE tokenizer for a model that knows so many languages."""
    pieces = [*sorted(pre_tokenizers.ByteLevel.alphabet())]
    merges = []
    for left, right in _merges():
        merges.append([left, right])
        pieces.append(left + right)
    pieces.append("")  # CTranslate2 tells multilingual models by it
    assert len(pieces) == TEXT_TOKENS
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    model = {"type": "BPE", "vocab": vocabulary, "merges": merges}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    described = {
        "version": "1.0",
        "model": model,
        "pre_tokenizer": byte_level | {"use_regex": True},
        "decoder": byte_level | {"use_regex": True},
    }
    made = Tokenizer.from_str(json.dumps(described))
    made.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in _special(languages)]
    )
    return made


def language_tokens(languages: int) -> list[str]:
    """The tokens of the first languages of Whisper."""
    return [f"<|{code}|>" for code in LANGUAGES[:languages]]


def _merges() -> Iterator[tuple[str, str]]:
    """Two letters, a space before them, two more letters after that."""
    yield from product(ascii_lowercase, repeat=2)
    yield from ((SPACE, pair) for pair in _PAIRS)
    for word in spoken_words():
        yield SPACE + word[:2], word[2:]


def _special(languages: int) -> list[str]:
    """Tokens that are not text, in Whisper's order."""
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    times = [f"{index * 0.02:.2f}" for index in range(TIMESTAMPS)]
    return [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *language_tokens(languages),
        *(f"<|{name}|>" for name in [*tasks, *times]),
    ]
