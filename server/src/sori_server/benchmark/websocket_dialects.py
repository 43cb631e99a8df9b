"""The two protocols of the bridge, in the words of the benchmark: what is sent, what is heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from sori_server.benchmark.target import Heard, Pcm, Told
from sori_server.domain.audio import SAMPLE_RATE

END_OF_AUDIO: Final = json.dumps({"type": "end_of_audio"})
INTERIM_INTERVAL: Final = 0.5

_FULL_SCALE: Final = np.float32(32_768)

Message = Mapping[str, Any]
"""An answer of the server. What is missing in it raises KeyError, what is odd TypeError."""


class Dialect(Protocol):
    """How one protocol says things."""

    def path(self, language: str) -> str:
        """What comes after host and port."""

    def config(self, language: str) -> str | None:
        """The first message, if there is one."""

    def audio(self, samples: Pcm) -> bytes:
        """A binary message."""

    def heard(self, message: Message) -> Heard | None:
        """The result in an answer, if it is one."""

    def received(self, message: Message) -> float | None:
        """Seconds of audio the server says it has received, if the answer tells."""

    def error(self, message: Message) -> Message | None:
        """What the answer says of the end of the stream, if it failed."""


@dataclass(frozen=True, slots=True)
class V1:
    """Protocol v1, with the settings `SoriTarget` uses over gRPC."""

    def path(self, language: str) -> str:  # noqa: ARG002 - in the config
        """Where it is."""
        return "/v1/stream"

    def config(self, language: str) -> str:
        """LINEAR16 and interim results."""
        audio = {"encoding": "linear16", "sample_rate_hertz": SAMPLE_RATE}
        return json.dumps(
            {
                "type": "config",
                "recognition": {"audio_format": audio, "language_codes": [language]},
                "interim_results": True,
                "min_interim_interval": INTERIM_INTERVAL,
                "latency_breakdown": True,
            }
        )

    def audio(self, samples: Pcm) -> bytes:
        """The samples as they are."""
        return samples.tobytes()

    def heard(self, message: Message) -> Heard | None:
        """The best alternative of a `result`."""
        if message["type"] != "result":
            return None
        best = message["alternatives"][0]
        latency = message.get("latency")
        return Heard(
            utterance=message["utterance_index"],
            text=best["committed_text"] + best["tentative_text"],
            is_final=message["is_final"],
            start=message["start_offset"],
            end=message["end_offset"],
            told=None if latency is None else _told(latency),
        )

    def received(self, message: Message) -> float | None:
        """By `progress` and `session_summary`."""
        name = {"progress": "received_offset", "session_summary": "received_audio"}
        return message.get(name.get(message["type"], ""))

    def error(self, message: Message) -> Message | None:
        """The message, if it is an `error`."""
        return message if message["type"] == "error" else None


@dataclass(frozen=True, slots=True)
class Plain:
    """The plain protocol with its defaults: 32-bit float, interim results, no config."""

    def path(self, language: str) -> str:
        """The root, and the language as query."""
        return f"/?language={language}"

    def config(self, language: str) -> None:
        """There is none."""

    def audio(self, samples: Pcm) -> bytes:
        """The samples as 32-bit float."""
        return (samples.astype(np.float32) / _FULL_SCALE).tobytes()

    def heard(self, message: Message) -> Heard | None:
        """Any answer with text."""
        if not message["text"]:
            return None
        return Heard(
            utterance=message["utterance"],
            text=message["text"],
            is_final=message["is_final"],
            start=message["start"],
            end=message["end"],
        )

    def received(self, message: Message) -> None:
        """It does not tell."""

    def error(self, message: Message) -> Message | None:
        """The answer's `error`."""
        return message.get("error")


def _told(latency: Message) -> Told:
    return Told(
        queue=latency["queue"],
        total=latency["total"],
        endpointing=latency.get("endpointing", 0.0),
        batch_size=latency["batch_size"],
    )
