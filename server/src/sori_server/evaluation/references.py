"""Recordings with their transcripts: what was said, by whom and when."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from faster_whisper import decode_audio
from faster_whisper.tokenizer import _LANGUAGE_CODES as WHISPER_LANGUAGES
from numpy.typing import NDArray

from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.errors import InvalidAudio, InvalidConfig, quoted
from sori_server.domain.language import whisper_code

CARD: Final = ".json"
AUDIO_SUFFIXES: Final = frozenset(
    {".aac", ".flac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm"}
)
EARS: Final = 2
"""Most channels of a recording whose utterances name their channel."""

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word and its place, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said in one go; `words` is empty where their times are not known.

    `language` is Whisper's code.
    """

    text: str
    language: str
    start: float
    end: float
    words: tuple[SpokenWord, ...] = ()
    channel: int | None = None
    """1 and up in recordings with one speaker per channel."""

    @property
    def places(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each word, or of the whole where words have no times."""
        return tuple((w.start, w.end) for w in self.words) or ((self.start, self.end),)


@dataclass(frozen=True, slots=True)
class Track:
    """One channel of a recording: 16 kHz mono, and its utterances in order of time."""

    name: str
    recording: str
    pcm: Pcm
    utterances: tuple[Utterance, ...]

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.pcm) / SAMPLE_RATE

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages spoken, sorted."""
        return tuple(sorted({utterance.language for utterance in self.utterances}))


@dataclass(frozen=True, slots=True)
class Corpus:
    """All tracks by name, and the audio files that have no transcript."""

    tracks: tuple[Track, ...]
    skipped: tuple[str, ...] = ()

    @property
    def recordings(self) -> tuple[str, ...]:
        """Names of the recordings, in order."""
        return tuple(dict.fromkeys(track.recording for track in self.tracks))


def read_corpus(folder: Path, only: Collection[str] = ()) -> Corpus:
    """Read all recordings of a folder, or those named in `only`.

    A recording is an audio file with `NAME.json` beside it.

    Raises:
        InvalidConfig: no such folder or name, nothing to evaluate, or a transcript that is
            not one; names file and field.
        InvalidAudio: the audio of a transcript is missing or damaged.
    """
    if not folder.is_dir():
        raise InvalidConfig(str(folder), "no such folder")
    cards = {path.stem: path for path in sorted(folder.glob(f"*{CARD}"))}
    unknown = sorted(set(only) - set(cards))
    if unknown:
        raise InvalidConfig(str(folder), f"no transcript {unknown[0]}{CARD}")
    wanted = [path for name, path in cards.items() if not only or name in only]
    if not wanted:
        raise InvalidConfig(str(folder), f"no transcripts: NAME{CARD} beside an audio file")
    tracks = tuple(track for card in wanted for track in _read(card))
    return Corpus(tracks, () if only else tuple(_without_card(folder, set(cards))))


def _without_card(folder: Path, known: Collection[str]) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in AUDIO_SUFFIXES and path.stem not in known:
            yield path.name


def _read(card: Path) -> Iterator[Track]:
    described = _described(card)
    utterances = _utterances(card, described)
    audio = _audio_of(card, described)
    if not any(utterance.channel for utterance in utterances):
        yield Track(card.stem, card.stem, _decoded(audio)[0], utterances)
        return
    for number, pcm in enumerate(_decoded(audio, split=True), start=1):
        spoken = tuple(u for u in utterances if (u.channel or 1) == number)
        if spoken:
            yield Track(f"{card.stem}#{number}", card.stem, pcm, spoken)


def _described(card: Path) -> Mapping[str, Any]:
    try:
        described = json.loads(card.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InvalidConfig(str(card), f"not a transcript: {error}") from error
    if not isinstance(described, dict) or not isinstance(described.get("utterances"), list):
        raise InvalidConfig(str(card), "not a transcript: it has no list of utterances")
    return described


def _utterances(card: Path, described: Mapping[str, Any]) -> tuple[Utterance, ...]:
    found = []
    for number, entry in enumerate(described["utterances"]):
        try:
            found.append(_utterance(entry))
        except (KeyError, TypeError, ValueError) as error:
            field = f"{card}: utterances[{number}]"
            missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise InvalidConfig(field, missing) from error
    return tuple(sorted(found, key=lambda utterance: utterance.start))


def _utterance(entry: Mapping[str, Any]) -> Utterance:
    start, end = _place(entry)
    channel = entry.get("channel")
    if channel is not None and channel not in range(1, EARS + 1):
        raise ValueError(f"channel must be 1 or 2, got {channel!r}")
    words = tuple(SpokenWord(str(w["word"]), *_place(w)) for w in entry.get("words") or ())
    return Utterance(str(entry["text"]), _language(entry), start, end, words, channel)


def _language(entry: Mapping[str, Any]) -> str:
    tag = str(entry["language"])
    code = whisper_code(tag)
    if code not in WHISPER_LANGUAGES:
        raise ValueError(f"{quoted(tag)} is no language of Whisper's")
    return code


def _place(entry: Mapping[str, Any]) -> tuple[float, float]:
    start, end = float(entry["start"]), float(entry["end"])
    if not 0 <= start <= end < math.inf:
        raise ValueError(f"start and end must satisfy 0 <= start <= end, got {start}, {end}")
    return start, end


def _audio_of(card: Path, described: Mapping[str, Any]) -> Path:
    """The file the transcript names, else the one of its name."""
    if isinstance(described.get("file"), str):
        return card.parent / str(described["file"])
    beside = sorted(p for p in card.parent.glob(f"{card.stem}.*") if p.suffix in AUDIO_SUFFIXES)
    if not beside:
        raise InvalidAudio(str(card), "there is no audio file of this name beside it")
    return beside[0]


def _decoded(audio: Path, *, split: bool = False) -> tuple[Pcm, ...]:
    try:
        decoded = decode_audio(str(audio), SAMPLE_RATE, split_stereo=split)
    except (av.FFmpegError, OSError, IndexError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidAudio(str(audio), reason) from error
    parts = decoded if split else (decoded,)
    return tuple(np.round(part * 32_768).clip(-32_768, 32_767).astype(np.int16) for part in parts)
