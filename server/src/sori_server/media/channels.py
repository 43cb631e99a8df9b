"""The number of channels a client announced against the one its audio has."""

from __future__ import annotations

from typing import Final

from sori_server.domain.errors import InvalidAudio

CHANNELS_FIELD: Final = "audio_format.channel_count"


def check_channels(found: int, announced: int) -> None:
    """Channels that are to be kept apart must be those announced.

    Raises:
        InvalidAudio: there are others; names the channel count.
    """
    if found != announced:
        raise InvalidAudio(
            CHANNELS_FIELD,
            f"the audio has {found} channels, {announced} were announced to be kept apart",
            channels=str(found),
        )
