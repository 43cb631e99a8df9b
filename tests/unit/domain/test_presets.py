"""The presets are those that were promised, with the values that were promised."""

from __future__ import annotations

import dataclasses

import pytest
from sori_server.domain.config import EndpointingMode, StreamConfig
from sori_server.domain.errors import InvalidConfig
from sori_server.domain.presets import NO_PRESET, PRESETS, preset_named

pytestmark = pytest.mark.unit

FIXED = {
    "voice-command": (2.0, 0.2, 1, "small"),
    "captions": (5.0, 0.2, 5, ""),
    "meeting": (10.0, 1.0, 5, ""),
}


@pytest.mark.parametrize("name", FIXED)
def test_chunked_presets(name: str) -> None:
    preset = preset_named(name, "preset")
    endpointing, beam = preset.config.endpointing, preset.config.recognition.beam_size
    assert endpointing.mode is EndpointingMode.FIXED
    assert (
        endpointing.chunk_duration,
        endpointing.overlap_duration,
        beam,
        preset.model,
    ) == FIXED[name]


def test_the_others_end_utterances_at_silence_one_sooner_one_later() -> None:
    soon, best = (preset_named(name, "preset").config for name in ("low-latency", "accurate"))
    plain = StreamConfig()
    assert {config.endpointing.mode for config in (soon, best)} == {EndpointingMode.VAD}
    silences = [config.endpointing.end_silence for config in (soon, plain, best)]
    assert silences == sorted(set(silences))
    beams = [config.recognition.beam_size for config in (soon, plain, best)]
    assert beams == sorted(set(beams))


def test_presets_are_named_and_described() -> None:
    names = [preset.name for preset in PRESETS]
    assert names == ["voice-command", "captions", "meeting", "low-latency", "accurate"]
    for preset in PRESETS:
        assert preset.description
        assert preset.config.preset == preset.name


def test_a_preset_leaves_alone_what_clients_cannot_leave_unset() -> None:
    for preset in PRESETS:
        for part, default in (
            (preset.config, StreamConfig()),
            (preset.config.recognition, StreamConfig().recognition),
        ):
            for field in dataclasses.fields(part):  # type: ignore[arg-type]
                value = getattr(default, field.name)
                if isinstance(value, bool) or field.name in ("audio_format", "languages", "task"):
                    assert getattr(part, field.name) == value


def test_no_name_is_no_preset_and_a_wrong_one_an_error() -> None:
    assert preset_named("", "preset") is NO_PRESET
    assert NO_PRESET.config == StreamConfig()
    with pytest.raises(InvalidConfig, match=r"^preset: 'x' is no preset; there are voice-command"):
        preset_named("x", "preset")
