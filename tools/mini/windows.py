"""Training windows made of utterances: pauses, noise, band limits, cuts in mid-utterance.

Cuts teach the model not to finish a sentence that an interim window breaks off.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import texts
from bank import SAMPLE_RATE, Spoken, Utterance
from numpy.typing import NDArray
from scipy.signal import resample_poly
from tokenizers import Tokenizer

Wave = NDArray[np.float32]
Clips = dict[str, dict[int, list[Wave]]]
"""Recordings of single digits by speaker and digit."""

TEST_RECORDINGS = 5
"""Recordings 0 to 4 of each digit and speaker are the corpus's test split: never trained on."""

_HUMAN_SHARE, _KOREAN_SHARE, _SILENT_SHARE = 0.12, 0.25, 0.04
_CONTEXT_SHARE, _UNTIMED_SHARE, _TRANSLATED_SHARE, _CUT_SHARE = 0.2, 0.35, 0.3, 0.25
_CONTEXT_TOKENS = 40
_LEAST_CUT = 0.4
"""Seconds of an utterance that are worth keeping when it is cut."""


@dataclass(frozen=True)
class Example:
    """Samples, the decoder's tokens, where the loss begins, and the text for the CTC loss."""

    samples: Wave
    tokens: list[int]
    loss_from: int
    transcript: str


@dataclass(frozen=True)
class Segment:
    """Text between two times in seconds; cut-off text has no end."""

    start: float
    end: float | None
    text: str


@dataclass
class _Timeline:
    """A window under construction."""

    limit: float
    time: float
    parts: list[Wave] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    def add(self, wave: Wave, text: str, whole: bool) -> None:
        end = self.time + len(wave) / SAMPLE_RATE
        if text:
            self.segments.append(Segment(self.time, end if whole else None, text))
        self.parts.append(wave)
        self.time = end

    def pause(self, seconds: float) -> None:
        self.parts.append(np.zeros(int(seconds * SAMPLE_RATE), np.float32))
        self.time += seconds


def digit_clips(folder: Path) -> Clips:
    """The training split of the Free Spoken Digit Dataset (files DIGIT_SPEAKER_INDEX.wav)."""
    clips: Clips = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*.wav")):
        digit, speaker, index = path.stem.split("_")
        if int(index) < TEST_RECORDINGS:
            continue
        samples, rate = soundfile.read(path, dtype="float32")
        clips[speaker][int(digit)].append(
            resample_poly(samples, SAMPLE_RATE, rate).astype(np.float32)
        )
    return clips


class WindowMaker:
    """Makes examples of any length from a bank and, if there are any, human digits."""

    def __init__(
        self, utterances: Sequence[Utterance], clips: Clips, tokenizer: Tokenizer, easy: bool
    ) -> None:
        self._english = [one for one in utterances if one.spoken.language == "en"]
        self._korean = [one for one in utterances if one.spoken.language == "ko"]
        self._clips = clips
        self._tokenizer = tokenizer
        self._easy = easy

    def example(self, rng: random.Random, frames: int) -> Example:
        """An example of `frames` frames of 10 ms; `easy` ones are one whole utterance."""
        limit = frames / 100
        if rng.random() < _SILENT_SHARE:
            samples = np.zeros(int(limit * SAMPLE_RATE), np.float32)
            if rng.random() < 0.8:
                samples += _noise(rng, len(samples), -4, -1.3)
            return Example(samples, self._specials("startoftranscript", "nospeech"), 1, "")
        line = _Timeline(limit, 0.0)
        line.pause(rng.choice([0.0, 0.0, rng.uniform(0, 1.5)]))
        language, task = self._fill(rng, line)
        if len(line.parts) == 1:  # the first utterance did not fit
            return self.example(rng, frames)
        return self._finished(rng, line, language, task)

    def _fill(self, rng: random.Random, line: _Timeline) -> tuple[str, str]:
        """Add utterances of one language and task until the window is full."""
        cut = not self._easy and rng.random() < _CUT_SHARE
        count = 1 if self._easy else rng.choice([1, 1, 2, 3, 6])
        spoken, wave = self._utterance(rng)
        task = "transcribe"
        if spoken.translation and rng.random() < _TRANSLATED_SHARE:
            task = "translate"
        for place in range(count):
            if place:
                spoken, wave = self._utterance(rng, spoken.language)
            text = spoken.translation if task == "translate" else spoken.text
            may_cut = bool(spoken.word_starts) and task == "transcribe" and not self._easy
            duration = len(wave) / SAMPLE_RATE
            left = line.limit - line.time
            if (
                not text
                or left < _LEAST_CUT
                or (duration > left - 0.1 and not (may_cut and (cut or not place)))
            ):
                break
            if duration > left - 0.1:
                _add_cut(line, spoken, wave, left)
                break
            if cut and place == count - 1 and may_cut and duration > 1:
                _add_cut(line, spoken, wave, rng.uniform(_LEAST_CUT, duration - 0.1))
                break
            line.add(wave, text, whole=True)
            line.pause(rng.choice([rng.uniform(0.1, 0.5), rng.uniform(0.3, 1.5)]))
        return spoken.language, task

    def _utterance(self, rng: random.Random, language: str = "") -> tuple[Spoken, Wave]:
        if self._clips and language != "ko" and rng.random() < _HUMAN_SHARE:
            return self._human_digits(rng)
        korean = rng.random() < _KOREAN_SHARE if not language else language == "ko"
        chosen = rng.choice(self._korean if korean and self._korean else self._english)
        wave = chosen.samples.astype(np.float32) / 32_768
        return chosen.spoken, wave / (np.abs(wave).max() + 1e-6) * rng.uniform(0.15, 0.95)

    def _human_digits(self, rng: random.Random) -> tuple[Spoken, Wave]:
        speaker = rng.choice(sorted(self._clips))
        digits = [rng.randint(0, 9) for _ in range(rng.randint(1, 7))]
        line = _Timeline(np.inf, 0.0)
        starts = []
        for digit in digits:
            clip = rng.choice(self._clips[speaker][digit])
            starts.append(line.time)
            line.add(clip / (np.abs(clip).max() + 1e-6) * rng.uniform(0.3, 0.9), "", whole=True)
            line.pause(rng.uniform(0.0, 0.35))
        text = texts.sentence([texts.DIGITS[digit] for digit in digits])
        return Spoken("en", text, "", tuple(starts), speaker), np.concatenate(line.parts)

    def _finished(self, rng: random.Random, line: _Timeline, language: str, task: str) -> Example:
        samples = np.concatenate(line.parts)
        if not self._easy and rng.random() < 0.6:
            samples = samples + _noise(rng, len(samples), -4.5, -2.0)
        if rng.random() < 0.15:
            samples = resample_poly(resample_poly(samples, 1, 2), 2, 1)
        before: list[int] = []
        if rng.random() < _CONTEXT_SHARE:
            other = rng.choice(self._korean if language == "ko" else self._english)
            context = self._text(other.spoken.text)[-_CONTEXT_TOKENS:]
            before = [self._special("startofprev"), *context]
        timed = bool(line.segments) and rng.random() >= _UNTIMED_SHARE
        start = [*before, *map(self._special, ("startoftranscript", language, task))]
        tokens = [*start, *self._body(line, timed), self._special("endoftext")]
        spoken = " ".join(segment.text for segment in line.segments)
        return Example(
            samples.astype(np.float32),
            tokens,
            len(before) + 1,
            spoken if task == "transcribe" else "",
        )

    def _body(self, line: _Timeline, timed: bool) -> list[int]:
        tokens = [] if timed else [self._special("notimestamps")]
        for segment in line.segments:
            text = self._text(segment.text)
            end = line.time if segment.end is None else segment.end
            tokens += [self._time(segment.start), *text, self._time(end)] if timed else text
        return tokens

    def _special(self, name: str) -> int:
        token: int = self._tokenizer.token_to_id(f"<|{name}|>")
        return token

    def _specials(self, *names: str) -> list[int]:
        return [self._special(name) for name in (*names, "endoftext")]

    def _time(self, seconds: float) -> int:
        return self._special(f"{round(min(max(seconds, 0), 30) / 0.02) * 0.02:.2f}")

    def _text(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(f" {text}").ids
        return ids


def _add_cut(line: _Timeline, spoken: Spoken, wave: Wave, seconds: float) -> None:
    """Add the beginning of an utterance, with the words that were spoken to their end."""
    ends = [*spoken.word_starts[1:], len(wave) / SAMPLE_RATE]
    words = zip(spoken.text.split(), ends, strict=True)
    heard = " ".join(word for word, end in words if end <= seconds - 0.02)
    line.add(wave[: int(seconds * SAMPLE_RATE)], heard, whole=False)


def _noise(rng: random.Random, count: int, low: float, high: float) -> Wave:
    generator = np.random.default_rng(rng.getrandbits(32))
    level = np.float32(10 ** rng.uniform(low, high))
    return generator.standard_normal(count).astype(np.float32) * level
