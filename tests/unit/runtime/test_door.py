"""Messages of a client do not repeat what it said."""

from __future__ import annotations

import pytest
from sori_server.runtime.door import AudioBytes

pytestmark = pytest.mark.unit


def test_audio_is_told_by_its_length_and_place() -> None:
    assert repr(AudioBytes(b"secret", 12)) == "AudioBytes(6 bytes at 12)"
    assert repr(AudioBytes(b"")) == "AudioBytes(0 bytes at None)"
