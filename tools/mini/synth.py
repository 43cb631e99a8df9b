"""Speak a bank of utterances with espeak-ng and flite.

usage: synth.py OUT.npz --seed N --english N --korean N --flite N

Needs libespeak-ng (speak_lib API, version 1.50 or later) and the flite command.
"""

# ruff: noqa: S311 (random sentences, no secrets)

from __future__ import annotations

import argparse
import ctypes
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import texts
from bank import SAMPLE_RATE, Spoken, Utterance, save
from numpy.typing import NDArray
from scipy.signal import resample_poly

ENGLISH_VOICES = ("en-us", "en-us", "en-gb")
VARIANTS = ("", "+m3", "+f2")
FLITE_VOICES = ("rms", "slt")

_SYNCHRONOUS, _RATE, _PITCH, _RANGE = 2, 1, 3, 4
_CHARS_UTF8 = 1
_END_OF_EVENTS, _WORD_EVENT = 0, 1
_AUDIBLE = 150

Wave = NDArray[np.float32]


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The espeak-ng library, one utterance at a time."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
        self._parts: list[NDArray[np.int16]] = []
        self._starts: list[float] = []
        self._callback = _CALLBACK(self._receive)  # kept: the library holds only a pointer
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(
        self, text: str, voice: str, rate: int, pitch: int, pitch_range: int
    ) -> tuple[Wave, list[float]]:
        """Samples at 16 kHz and the start of each word in seconds."""
        self._parts, self._starts = [], []
        self._library.espeak_SetVoiceByName(voice.encode())
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, 0, 0, _CHARS_UTF8, None, None)
        self._library.espeak_Synchronize()
        return resampled(np.concatenate(self._parts), self._rate), self._starts

    def _receive(self, wave: ctypes._Pointer, count: int, events: ctypes._Pointer) -> int:
        if count > 0:
            self._parts.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _END_OF_EVENTS:
            if events[index].type == _WORD_EVENT:
                self._starts.append(events[index].audio_position / 1000)
            index += 1
        return 0


def resampled(wave: NDArray[np.int16], rate: int) -> Wave:
    """The samples at 16 kHz."""
    if rate == SAMPLE_RATE:
        return wave.astype(np.float32)
    divisor = int(np.gcd(rate, SAMPLE_RATE))
    result: Wave = resample_poly(
        wave.astype(np.float32), SAMPLE_RATE // divisor, rate // divisor
    ).astype(np.float32)
    return result


def trimmed(wave: Wave, starts: list[float]) -> tuple[Wave, list[float]]:
    """Without the silence around the speech; the starts move along."""
    audible = np.flatnonzero(np.abs(wave) > _AUDIBLE)
    if not len(audible):
        return wave, starts
    first = max(0, int(audible[0]) - 320)
    last = min(len(wave), int(audible[-1]) + 800)
    return wave[first:last], [max(0.0, start - first / SAMPLE_RATE) for start in starts]


def utterance(spoken: Spoken, wave: Wave) -> Utterance:
    """The samples as integers; word starts that do not match the words are dropped."""
    samples = wave.clip(-32_767, 32_767).astype(np.int16)
    if len(spoken.word_starts) == len(spoken.text.split()):
        return Utterance(spoken, samples)
    unknown = Spoken(spoken.language, spoken.text, spoken.translation, (), spoken.voice)
    return Utterance(unknown, samples)


def espeak_english(rng: random.Random, espeak: Espeak) -> Utterance:
    text = texts.english(rng)
    voice = rng.choice(ENGLISH_VOICES) + rng.choice(VARIANTS)
    rate, pitch, spread = rng.randint(145, 180), rng.randint(40, 60), rng.randint(40, 60)
    wave, starts = trimmed(*espeak.speak(text, voice, rate, pitch, spread))
    return utterance(Spoken("en", text, "", tuple(starts), "espeak"), wave)


def espeak_korean(rng: random.Random, espeak: Espeak) -> Utterance:
    text, translation = texts.korean(rng)
    voice = "ko" + rng.choice(VARIANTS)
    rate, pitch, spread = rng.randint(135, 170), rng.randint(40, 60), rng.randint(40, 60)
    wave, starts = trimmed(*espeak.speak(text, voice, rate, pitch, spread))
    return utterance(Spoken("ko", text, translation or "", tuple(starts), "espeak"), wave)


def flite_english(rng: random.Random, file: Path) -> Utterance:
    text, voice = texts.english(rng), rng.choice(FLITE_VOICES)
    stretch = f"duration_stretch={rng.uniform(0.9, 1.1):.2f}"
    command = ["flite", "-voice", voice, "--setf", stretch, "-t", text, "-o", str(file)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    samples, rate = soundfile.read(file, dtype="int16")
    wave, _ = trimmed(resampled(samples, rate), [])
    return utterance(Spoken("en", text, "", (), f"flite-{voice}"), wave)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    for option in ("seed", "english", "korean", "flite"):
        parser.add_argument(f"--{option}", type=int, default=0)
    options = parser.parse_args()
    rng, spoken = random.Random(options.seed), []
    if options.english or options.korean:
        espeak = Espeak()
        spoken += [espeak_english(rng, espeak) for _ in range(options.english)]
        spoken += [espeak_korean(rng, espeak) for _ in range(options.korean)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flite.wav"
        spoken += [flite_english(rng, file) for _ in range(options.flite)]
    save(options.out, spoken)
    hours = sum(len(one.samples) for one in spoken) / SAMPLE_RATE / 3600
    print(f"{options.out}: {len(spoken)} utterances, {hours:.2f} h")


if __name__ == "__main__":
    main()
