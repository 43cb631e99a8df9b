"""Final results as files people use: plain text, JSON, SubRip and WebVTT."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sori_server.domain.audio import SAMPLE_RATE, seconds
from sori_server.domain.events import Result
from sori_server.domain.recognition import Word

MAX_CAPTION_CHARACTERS: Final = 84
"""Two lines of 42 characters, the common bound for subtitles."""

MAX_CAPTION_SAMPLES: Final = 7 * SAMPLE_RATE
"""Longest time one caption stays on the screen when it can be split."""


@dataclass(frozen=True, slots=True, repr=False)
class Caption:
    """Text shown from sample `start` to sample `end`."""

    start: int
    end: int
    text: str

    def __repr__(self) -> str:
        return f"Caption({self.start}..{self.end}, {len(self.text)} characters)"


def captions(results: Iterable[Result]) -> list[Caption]:
    """Captions of the final results, in order; results without text give none.

    A result with word times becomes as many captions as keep each within
    `MAX_CAPTION_CHARACTERS` and `MAX_CAPTION_SAMPLES`; words are never cut. A result
    without word times stays whole.
    """
    return [caption for result in results if result.is_final for caption in _split(result)]


def to_txt(results: Iterable[Result]) -> str:
    """One line for each final result that has text."""
    return "".join(f"{result.text.strip()}\n" for result in _with_text(results))


def to_json(results: Iterable[Result]) -> str:
    """All that is known of the final results; times in seconds."""
    return json.dumps({"segments": segments(results)}, ensure_ascii=False, indent=2) + "\n"


def segments(results: Iterable[Result]) -> list[dict[str, object]]:
    """The final results that have text, for JSON; times in seconds."""
    return [_segment(result) for result in _with_text(results)]


def to_srt(results: Iterable[Result]) -> str:
    """SubRip: numbered captions, times to the millisecond."""
    return "\n".join(
        f"{number}\n{_clock(caption.start, ',')} --> {_clock(caption.end, ',')}\n{caption.text}\n"
        for number, caption in enumerate(captions(results), start=1)
    )


def to_vtt(results: Iterable[Result]) -> str:
    """WebVTT as of the W3C recommendation: `&`, `<` and `>` are written as references."""
    cues = [
        f"\n{_clock(caption.start, '.')} --> {_clock(caption.end, '.')}\n{_escape(caption.text)}\n"
        for caption in captions(results)
    ]
    return "WEBVTT\n" + "".join(cues)


FORMATS: Final = {"txt": to_txt, "json": to_json, "srt": to_srt, "vtt": to_vtt}
"""Writers by the name a user gives, which is also the suffix of the file."""


def _with_text(results: Iterable[Result]) -> list[Result]:
    return [result for result in results if result.is_final and result.text.strip()]


def _split(result: Result) -> list[Caption]:
    if not result.words:
        text = _one_line(result.text)
        return [Caption(result.span.start, result.span.end, text)] if text else []
    groups: list[list[Word]] = [[]]
    for word in result.words:
        if groups[-1] and not _fits([*groups[-1], word]):
            groups.append([])
        groups[-1].append(word)
    return [_caption(group) for group in groups if _joined(group)]


def _fits(words: Sequence[Word]) -> bool:
    return (
        len(_joined(words)) <= MAX_CAPTION_CHARACTERS
        and words[-1].end - words[0].start <= MAX_CAPTION_SAMPLES
    )


def _caption(words: Sequence[Word]) -> Caption:
    return Caption(words[0].start, words[-1].end, _joined(words))


def _joined(words: Sequence[Word]) -> str:
    return _one_line("".join(word.text for word in words))


def _one_line(text: str) -> str:
    """Blank lines end a caption in both formats, so there must be none inside."""
    return " ".join(text.split())


def _clock(position: int, decimal_mark: str) -> str:
    """HH:MM:SS and milliseconds, rounded to the nearest in whole numbers: no float error."""
    milliseconds = (position * 1000 + SAMPLE_RATE // 2) // SAMPLE_RATE
    rest, fraction = divmod(milliseconds, 1000)
    minutes, second = divmod(rest, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{decimal_mark}{fraction:03}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _segment(result: Result) -> dict[str, object]:
    segment: dict[str, object] = {
        "index": result.utterance_index,
        "start": _rounded(result.span.start),
        "end": _rounded(result.span.end),
        "text": result.text.strip(),
        "language": result.language,
        "language_confidence": round(result.language_confidence, 4),
        "confidence": round(result.confidence, 4),
    }
    if result.words:
        segment["words"] = [
            {
                "word": word.text.strip(),
                "start": _rounded(word.start),
                "end": _rounded(word.end),
                "confidence": round(word.confidence, 4),
            }
            for word in result.words
        ]
    return segment


def _rounded(position: int) -> float:
    return round(seconds(position), 3)
