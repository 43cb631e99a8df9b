"""What an evaluation is to do."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from sori_server.domain.config import EndpointingConfig, EndpointingMode, StreamConfig
from sori_server.domain.errors import InvalidConfig
from sori_server.domain.presets import preset_named
from sori_server.evaluation.references import Track

FINALIZE_AFTER: Final = 0.2
"""Seconds after the end of an utterance at which a client ends it in mode CLIENT."""


class Pace(enum.Enum):
    """How fast audio is sent, and on which clock times are read."""

    FAST = "fast"
    """In lock step with recognition; times are positions in the audio sent."""
    PACED = "paced"
    """At the pace of speech; times are those of the wall clock."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How recordings are streamed: an empty mode or preset leaves it to the server."""

    paces: tuple[Pace, ...] = (Pace.FAST,)
    mode: EndpointingMode | None = None
    preset: str = ""
    streams: int = 8
    """Streams open at a time."""
    address: str = ""
    """A server; empty for the gateway in this process."""

    def check(self) -> None:
        """Find out what cannot be, before anything is computed.

        Raises:
            InvalidConfig: no such preset, or lock step with a server elsewhere.
        """
        _ = self.base
        if self.address and Pace.FAST in self.paces:
            raise InvalidConfig("pace", "lock step needs the engine in this process: use paced")

    @property
    def base(self) -> StreamConfig:
        """The preset, in the mode wanted, telling all that is measured.

        Raises:
            InvalidConfig: there is no such preset.
        """
        config = preset_named(self.preset, "preset").config
        endpointing = config.endpointing
        if self.mode not in (None, endpointing.mode):
            endpointing = EndpointingConfig(mode=self.mode or endpointing.mode)
        return replace(
            config,
            recognition=replace(config.recognition, word_times=True),
            endpointing=endpointing,
            interim_results=True,
            voice_activity_events=True,
            latency_breakdown=True,
        )

    def config_for(self, track: Track) -> StreamConfig:
        """The settings for a track: its language if there is one, detection for several."""
        base = self.base
        spoken = track.languages
        recognition = replace(
            base.recognition,
            languages=spoken if len(spoken) == 1 else (),
            language_switching=len(spoken) > 1,
        )
        return replace(base, recognition=recognition)

    def finalized_at(self, track: Track) -> list[float]:
        """Where in the audio the client ends an utterance."""
        if self.base.endpointing.mode is not EndpointingMode.CLIENT:
            return []
        return [utterance.end + FINALIZE_AFTER for utterance in track.utterances]
