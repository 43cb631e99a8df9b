"""Times as messages of the contract."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from sori_server.domain.audio import SAMPLE_RATE


def offset(position: int) -> Duration:
    """A position on the audio clock; exact, as 1 / 16 kHz is a whole number of nanoseconds."""
    whole, rest = divmod(position, SAMPLE_RATE)
    return Duration(seconds=whole, nanos=rest * (1_000_000_000 // SAMPLE_RATE))


def duration(seconds: float) -> Duration:
    """A length of time."""
    whole, nanos = divmod(round(seconds * 1e9), 1_000_000_000)
    return Duration(seconds=whole, nanos=nanos)
