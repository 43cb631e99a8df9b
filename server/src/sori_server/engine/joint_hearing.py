"""Gives the audio of many streams to them at once, which costs less than one by one."""

from __future__ import annotations

from collections.abc import Sequence

from sori_server.engine.port import FloatArray, StreamAudio
from sori_server.engine.shared_audio import SharedAudio
from sori_server.engine.vad import StreamingVad, judge_together

Piece = tuple[StreamAudio, FloatArray]
"""A stream and the next samples of it."""


def accept_all(pieces: Sequence[Piece]) -> list[list[float] | Exception]:
    """What `accept` of each stream returns or raises, given its samples.

    No stream may be there twice. Streams with speech detection by Silero share its runs, and
    what goes wrong in one.
    """
    outcomes: list[list[float] | Exception] = [[] for _ in pieces]
    together: list[tuple[StreamingVad, FloatArray]] = []
    places: list[int] = []
    for place, (audio, samples) in enumerate(pieces):
        try:
            if isinstance(audio, SharedAudio) and (vad := audio.append(samples)) is not None:
                together.append((vad, samples))
                places.append(place)
            else:
                outcomes[place] = audio.accept(samples)
        except Exception as error:
            outcomes[place] = error
    for place, outcome in zip(places, _judged(together), strict=True):
        outcomes[place] = outcome
    return outcomes


def _judged(
    pieces: Sequence[tuple[StreamingVad, FloatArray]],
) -> Sequence[list[float] | Exception]:
    try:
        return judge_together(pieces)
    except Exception as error:
        return [error] * len(pieces)
