"""From flags to the settings of a stream."""

import pytest
from sori_server.domain.config import EndpointingMode
from sori_server.domain.errors import InvalidConfig
from sori_server.domain.presets import PRESETS
from sori_server.evaluation.plan import Pace, Plan
from sori_server.evaluation.remote import client_config
from support.displays import track, utterance

pytestmark = pytest.mark.unit

ENGLISH = track(utterance("yes", 1.0, 2.0))
BOTH = track(utterance("yes", 1.0, 2.0), utterance("네", 3.0, 4.0, "ko"))


def test_one_language_is_fixed_and_several_are_detected() -> None:
    one, two = (Plan().config_for(track).recognition for track in (ENGLISH, BOTH))
    assert (one.languages, one.language_switching) == (("en",), False)
    assert (two.languages, two.language_switching) == ((), True)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_sets_everything_it_names(preset: object) -> None:
    config = Plan(preset=preset.name).config_for(ENGLISH)
    assert config.endpointing == preset.config.endpointing
    assert config.interim_interval == preset.config.interim_interval
    assert config.recognition.beam_size == preset.config.recognition.beam_size
    assert config.interim_results


def test_another_mode_starts_from_its_own_defaults() -> None:
    config = Plan(mode=EndpointingMode.VAD, preset="captions").config_for(ENGLISH)
    assert config.endpointing.mode is EndpointingMode.VAD


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (Plan(preset="loud"), "'loud' is no preset"),
        (Plan(tuple(Pace), address="127.0.0.1:1"), "lock step needs the engine in this process"),
    ],
)
def test_what_cannot_be_is_told(plan: Plan, told: str) -> None:
    with pytest.raises(InvalidConfig, match=told):
        plan.check()


def test_a_client_ends_utterances_in_its_mode_only() -> None:
    assert Plan().finalized_at(BOTH) == []
    assert Plan(mode=EndpointingMode.CLIENT).finalized_at(BOTH) == [2.2, 4.2]


def test_a_server_gets_what_the_plan_says_and_no_more() -> None:
    config = client_config(Plan(preset="captions"), BOTH)
    assert (config.preset, config.endpointing.mode, config.beam_size) == ("captions", None, 0)
    assert (config.languages, config.language_switching) == ((), True)
