"""Train a small Whisper on banks from synth.py.

usage: train.py BANK.npz [BANK.npz ...] --tokenizer FILE --out CHECKPOINT --seconds N
         --rate LR --plan FRAMESxBATCH [FRAMESxBATCH ...]
         [--digits FOLDER] [--from CHECKPOINT] [--easy] [--ctc-weight W] [--device cuda]
"""

# ruff: noqa: S311 (augmentation, no secrets)

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from bank import load
from faster_whisper.feature_extractor import FeatureExtractor
from network import Geometry, character_head, ctc_loss, encode, whisper
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from windows import Example, WindowMaker, digit_clips

LONGEST = 200
"""Tokens; longer examples are left out."""

REPORT_EVERY, SAVE_EVERY = 50, 500

_MEL = torch.tensor(FeatureExtractor(feature_size=80).mel_filters).float()
_HANN = torch.hann_window(400)


@dataclass(frozen=True)
class Batch:
    """Features [B, 80, T], tokens and loss weights [B, N], transcripts for the CTC loss."""

    features: Tensor
    tokens: Tensor
    weights: Tensor
    transcripts: list[str]


def log_mel(samples: Tensor, frames: int) -> Tensor:
    """Whisper's features of samples padded or cut to `frames` frames."""
    length = frames * 160
    padded = functional.pad(samples[:length], (0, max(0, length - samples.numel())))
    spectrum = torch.stft(padded, 400, 160, window=_HANN, return_complex=True)[:, :-1].abs() ** 2
    mel = torch.clamp(_MEL @ spectrum, min=1e-10).log10()
    return (torch.maximum(mel, mel.max() - 8) + 4) / 4


def collated(examples: list[Example], frames: int, end: int) -> Batch:
    """The examples as tensors; the loss begins where each example says."""
    longest = max(len(example.tokens) for example in examples)
    tokens = torch.full((len(examples), longest), end)
    weights = torch.zeros(len(examples), longest)
    for row, example in enumerate(examples):
        tokens[row, : len(example.tokens)] = torch.tensor(example.tokens)
        weights[row, example.loss_from : len(example.tokens)] = 1
    features = [log_mel(torch.from_numpy(example.samples), frames) for example in examples]
    transcripts = [example.transcript for example in examples]
    return Batch(torch.stack(features), tokens, weights, transcripts)


def batches(
    maker: WindowMaker, plan: list[tuple[int, int]], end: int, seed: int
) -> Iterator[Batch]:
    """Batches without end, each of one of the plan's (frames, batch size)."""
    rng = random.Random(seed)
    while True:
        frames, size = rng.choice(plan)
        examples: list[Example] = []
        while len(examples) < size:
            example = maker.example(rng, frames)
            if len(example.tokens) <= LONGEST:
                examples.append(example)
        yield collated(examples, frames, end)


class Trainer:
    """Model, optimiser and the course of the learning rate."""

    def __init__(self, options: argparse.Namespace, tokenizer: Tokenizer) -> None:
        self._options = options
        geometry = Geometry(options.width, options.encoder_layers, options.decoder_layers)
        self._model = whisper(tokenizer, geometry)
        self._head = character_head(geometry)
        if options.start:
            state = torch.load(options.start, map_location="cpu", weights_only=True)
            self._model.load_state_dict(state["m"])
            self._head.load_state_dict(state["c"])
        self._model.to(options.device).train()
        self._head.to(options.device).train()
        self._parameters = [*self._model.parameters(), *self._head.parameters()]
        trained = [parameter for parameter in self._parameters if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(
            trained, lr=options.rate, betas=(0.9, 0.98), weight_decay=0.01
        )

    def run(self, source: Iterator[Batch]) -> None:
        """Train for the time given, then save."""
        began, recent = time.monotonic(), []
        step = 0
        while (done := (time.monotonic() - began) / self._options.seconds) < 1:
            self._set_rate(step, done)
            recent.append(self._step(next(source)))
            step += 1
            if step % REPORT_EVERY == 0:
                decoder, ctc = (sum(part) / len(recent) for part in zip(*recent, strict=True))
                print(f"{step} {done:.0%} decoder {decoder:.3f} ctc {ctc:.3f}", flush=True)
                recent = []
            if step % SAVE_EVERY == 0:
                self.save()
        self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        state = {"m": self._model.state_dict(), "c": self._head.state_dict()}
        torch.save(state, self._options.out)

    def _set_rate(self, step: int, done: float) -> None:
        warm_up = 50 if self._options.start else 300
        course = 0.5 * (1 + math.cos(math.pi * done)) * 0.97 + 0.03
        for group in self._optimizer.param_groups:
            group["lr"] = self._options.rate * min(1, (step + 1) / warm_up) * course

    def _step(self, batch: Batch) -> tuple[float, float]:
        device = self._options.device
        tokens, weights = batch.tokens.to(device), batch.weights.to(device)[:, 1:]
        with torch.autocast(device, torch.bfloat16):
            hidden = encode(self._model, batch.features.to(device))
            decoded = self._model.model.decoder(
                input_ids=tokens[:, :-1], encoder_hidden_states=hidden
            )[0]
            logits, characters = self._model.proj_out(decoded), self._head(hidden)
        losses = functional.cross_entropy(
            logits.float().transpose(1, 2), tokens[:, 1:], reduction="none", label_smoothing=0.05
        )
        decoder = (losses * weights).sum() / weights.sum()
        ctc = ctc_loss(characters, batch.transcripts)
        self._optimizer.zero_grad()
        (decoder + self._options.ctc_weight * ctc).backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        return decoder.item(), float(ctc)


def parse_plan(text: str) -> tuple[int, int]:
    """`560x16` as (frames, batch size)."""
    frames, _, size = text.partition("x")
    return int(frames), int(size)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("banks", type=Path, nargs="+")
    for name in ("tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("seconds", "rate"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--plan", type=parse_plan, nargs="+", required=True)
    parser.add_argument("--digits", type=Path)
    parser.add_argument("--from", dest="start", type=Path)
    parser.add_argument("--easy", action="store_true")
    parser.add_argument("--ctc-weight", type=float, default=0.5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    geometry = Geometry()
    parser.add_argument("--width", type=int, default=geometry.width)
    parser.add_argument("--encoder-layers", type=int, default=geometry.encoder_layers)
    parser.add_argument("--decoder-layers", type=int, default=geometry.decoder_layers)
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    torch.manual_seed(options.seed)
    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    utterances = [utterance for bank in options.banks for utterance in load(bank)]
    clips = digit_clips(options.digits) if options.digits else {}
    maker = WindowMaker(utterances, clips, tokenizer, options.easy)
    end = tokenizer.token_to_id("<|endoftext|>")
    Trainer(options, tokenizer).run(batches(maker, options.plan, end, options.seed))


if __name__ == "__main__":
    main()
