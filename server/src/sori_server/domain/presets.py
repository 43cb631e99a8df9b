"""Settings under a name: what fields that a client leaves unset stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sori_server.domain.config import (
    EndpointingConfig,
    EndpointingMode,
    RecognitionConfig,
    StreamConfig,
)
from sori_server.domain.errors import InvalidConfig, quoted


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings that belong together.

    `config` holds a value for every field, so that it is what a stream starts from; fields a
    client cannot leave unset (audio format, languages, what it wants to be told) are the
    client's. `model` is what `auto` means on a server that runs with this preset; empty for
    what the device bears.
    """

    name: str
    description: str
    config: StreamConfig
    model: str = ""


def _preset(
    name: str,
    description: str,
    endpointing: EndpointingConfig,
    *,
    beam_size: int = 5,
    interim_interval: float = 0.5,
    model: str = "",
) -> Preset:
    config = StreamConfig(
        recognition=RecognitionConfig(beam_size=beam_size),
        endpointing=endpointing,
        interim_interval=interim_interval,
        preset=name,
    )
    return Preset(name, description, config, model)


def _every(chunk: float, overlap: float = 0.2) -> EndpointingConfig:
    return EndpointingConfig(
        mode=EndpointingMode.FIXED, chunk_duration=chunk, overlap_duration=overlap
    )


NO_PRESET: Final = Preset("", "", StreamConfig())
"""The defaults."""

PRESETS: Final = (
    # A command is a few words: two seconds hold most of them, and a beam finds nothing in so
    # little text that greedy search misses.
    _preset(
        "voice-command",
        "short commands: text after 2 s at the latest, fastest search, small model",
        _every(2.0),
        beam_size=1,
        model="small",
    ),
    # Five seconds are about two lines of a subtitle.
    _preset("captions", "subtitles: text after 5 s at the latest", _every(5.0)),
    # Long chunks give context; far voices in a room trail off over more than a short overlap.
    _preset(
        "meeting",
        "long talk: text after 10 s at the latest, with 1 s of overlap",
        _every(10.0, 1.0),
    ),
    # A pause of 0.3 s is the least that is seldom one within a phrase; interims at this pace
    # keep up with speech (4 words a second); greedy search takes a fraction of the time.
    _preset(
        "low-latency",
        "text soon: ends an utterance at a pause of 0.3 s, fastest search",
        EndpointingConfig(end_silence=0.3),
        beam_size=1,
        interim_interval=0.25,
    ),
    # Speakers who think pause for up to a second: waiting keeps their sentences whole, which
    # gives the model context. Fewer interims leave its time to a wider search.
    _preset(
        "accurate",
        "best text: waits for a pause of 1 s, wider search",
        EndpointingConfig(end_silence=1.0, prefix_padding=0.5),
        beam_size=8,
        interim_interval=1.0,
    ),
)
"""All presets, in the order in which they are shown."""


def preset_named(name: str, field: str) -> Preset:
    """The preset of this name; the defaults for the empty name. `field` is where it was given.

    Raises:
        InvalidConfig: there is none; names those there are.
    """
    for preset in (NO_PRESET, *PRESETS):
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in PRESETS)
    raise InvalidConfig(field, f"{quoted(name)} is no preset; there are {known}", presets=known)
