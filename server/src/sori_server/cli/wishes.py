"""What the flags of a command ask of recognition and of its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sori_client.config import Endpointing, StreamConfig


@dataclass(frozen=True, slots=True)
class Wishes:
    """The flags that mean the same wherever speech is recognized."""

    languages: tuple[str, ...] = ()
    switch_languages: bool = False
    translate: bool = False
    preset: str = ""
    initial_prompt: str = ""
    hotwords: tuple[str, ...] = ()
    replacements: tuple[tuple[str, str], ...] = ()
    """What to find, and what to write instead."""
    chunk: float | None = None
    overlap: float | None = None
    single_utterance: bool = False
    separate_channels: bool = False
    words: bool = False
    interim: bool = False
    json: bool = False

    def stream_config(self) -> StreamConfig:
        """The settings of a stream that gives what is wished."""
        from sori_client.config import (  # noqa: PLC0415 - commands must be there at once
            ChannelMode,
            Replacement,
            StreamConfig,
            Task,
        )

        return StreamConfig(
            languages=self.languages,
            language_switching=self.switch_languages,
            task=Task.TRANSLATE if self.translate else Task.TRANSCRIBE,
            initial_prompt=self.initial_prompt,
            hotwords=self.hotwords,
            replacements=tuple(Replacement(*each) for each in self.replacements),
            channel_mode=ChannelMode.SEPARATE if self.separate_channels else ChannelMode.MIX,
            word_times=self.words,
            preset=self.preset,
            interim_results=self.interim,
            single_utterance=self.single_utterance,
            endpointing=self._endpointing(),
            voice_activity_events=self.json,
            latency_breakdown=self.json,
        )

    def _endpointing(self) -> Endpointing:
        from sori_client.config import (  # noqa: PLC0415 - as above
            Endpointing,
            EndpointingMode,
        )

        if self.chunk is None and self.overlap is None:
            return Endpointing()
        return Endpointing(
            mode=EndpointingMode.FIXED, chunk_duration=self.chunk, overlap_duration=self.overlap
        )
