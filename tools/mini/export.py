"""Turn a checkpoint of train.py into a CTranslate2 model folder.

usage: export.py CHECKPOINT OUT --tokenizer FILE [--quantization float16]
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from ctranslate2.converters.transformers import WhisperLoader
from faster_whisper.tokenizer import _LANGUAGE_CODES as LANGUAGES
from network import HEADS, Geometry, whisper
from tokenizers import Tokenizer

FEATURES = {
    "chunk_length": 30,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 80,
    "hop_length": 160,
    "n_fft": 400,
    "sampling_rate": 16_000,
}
CARD = {
    "short_windows": True,
    "timestamps": False,
    "max_utterance": 6.0,
    "commit_confidence": 0.9,
    "languages": ["en", "ko"],
}


def export(checkpoint: Path, out: Path, tokenizer_file: Path, quantization: str) -> None:
    """Write the model, its tokenizer, its feature settings and its card to `out`."""
    tokenizer, geometry = Tokenizer.from_file(str(tokenizer_file)), Geometry()
    model = whisper(tokenizer, geometry)
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["m"])
    model.eval()
    heads = [[layer, head] for layer in range(geometry.decoder_layers) for head in range(HEADS)]
    languages = {f"<|{code}|>": tokenizer.token_to_id(f"<|{code}|>") for code in LANGUAGES}
    begin = [tokenizer.token_to_id("Ġ"), tokenizer.token_to_id("<|endoftext|>")]
    model.config.suppress_tokens = model.generation_config.suppress_tokens = []
    model.generation_config.alignment_heads = heads
    model.generation_config.begin_suppress_tokens = begin
    model.generation_config.lang_to_id = languages
    spec = WhisperLoader().get_model_spec(model)
    spec.config.lang_ids = list(languages.values())
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], begin
    spec.config.alignment_heads = heads
    size = tokenizer.get_vocab_size()
    spec.register_vocabulary([tokenizer.id_to_token(index) for index in range(size)])
    spec.validate()
    spec.optimize(quantization=quantization)
    out.mkdir(parents=True, exist_ok=True)
    spec.save(str(out))
    shutil.copy(tokenizer_file, out / "tokenizer.json")
    (out / "preprocessor_config.json").write_text(json.dumps(FEATURES), encoding="utf-8")
    (out / "sori.json").write_text(json.dumps(CARD), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--quantization", default="float16")
    options = parser.parse_args()
    export(options.checkpoint, options.out, options.tokenizer, options.quantization)
    print(f"{options.out}: {(options.out / 'model.bin').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
