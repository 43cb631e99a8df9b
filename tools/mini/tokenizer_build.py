"""Build the tokenizer: byte-level BPE of 1023 pieces plus Whisper's special tokens.

usage: tokenizer_build.py OUT/tokenizer.json
"""

# ruff: noqa: S311 (random sentences, no secrets)

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import texts
from faster_whisper.tokenizer import _LANGUAGE_CODES as LANGUAGES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

PIECES = 1023
TIMESTAMPS = 1501


def corpus(seed: int = 5) -> list[str]:
    """Sentences as they follow other text: each begins with a space."""
    rng = random.Random(seed)
    sentences = [texts.english(rng) for _ in range(20_000)]
    for _ in range(12_000):
        spoken, translation = texts.korean(rng)
        sentences += [spoken, translation] if translation else [spoken]
    return [f" {sentence}" for sentence in sentences + texts.WORDS * 20]


def special_tokens() -> list[str]:
    """Whisper's tokens that are not text, in Whisper's order."""
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    names = ["endoftext", "startoftranscript", *LANGUAGES, *tasks]
    times = [f"{index * 0.02:.2f}" for index in range(TIMESTAMPS)]
    return [f"<|{name}|>" for name in [*names, *times]]


def build() -> Tokenizer:
    """Train the pieces and add the special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=[]
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    described = json.loads(tokenizer.to_str())
    vocabulary = described["model"]["vocab"]
    vocabulary[""] = len(vocabulary)  # CTranslate2 tells multilingual models by the empty piece
    tokenizer = Tokenizer.from_str(json.dumps(described))
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in special_tokens()]
    )
    return tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer = build()
    tokenizer.save(str(out))
    print(f"{out}: {tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
