"""What the flags of a command ask of recognition and of its output."""

from __future__ import annotations

from dataclasses import dataclass

from sori_client.config import StreamConfig, Task


@dataclass(frozen=True, slots=True)
class Wishes:
    """The flags that mean the same wherever speech is recognized."""

    languages: tuple[str, ...] = ()
    translate: bool = False
    words: bool = False
    interim: bool = False
    json: bool = False

    def stream_config(self) -> StreamConfig:
        """The settings of a stream that gives what is wished."""
        return StreamConfig(
            languages=self.languages,
            task=Task.TRANSLATE if self.translate else Task.TRANSCRIBE,
            word_times=self.words,
            interim_results=self.interim,
            latency_breakdown=self.json,
        )
