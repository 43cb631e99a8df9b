"""Settings: one name in three places, later places win, every mistake is named."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
from sori_server.domain.errors import InvalidConfig
from sori_server.domain.limits import Limits
from sori_server.engine.placement import place
from sori_server.settings import Settings, load_settings

pytestmark = pytest.mark.unit


def toml(folder: Path, text: str) -> Path:
    path = folder / "sori.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    assert load_settings({}, {"PATH": "/bin"}) == Settings()


def test_later_sources_win(tmp_path: Path) -> None:
    file = toml(tmp_path, 'host = "a"\ngrpc_port = 1\nmodel = "m1"\n')
    environ = {"SORI_GRPC_PORT": "2", "SORI_MODEL": "m2"}
    settings = load_settings({"model": "m3", "device": None}, environ, file)
    assert (settings.host, settings.grpc_port, settings.model) == ("a", 2, "m3")


def test_every_setting_has_one_name_in_all_places(tmp_path: Path) -> None:
    wanted = {
        "host": "0.0.0.0",  # noqa: S104
        "grpc_port": 1,
        "bridge_port": 2,
        "model": "small",
        "interim_model": "base",
        "short_windows": "off",
        "device": "cpu",
        "compute_type": "int8",
        "parallel_calls": 2,
        "cpu_threads": 3,
        "preset": "meeting",
        "allowed_origins": "https://example.org,null",
        "log_level": "debug",
        "resume_secret": "0123456789abcdef0123456789abcdef",
    }
    assert set(wanted) == {field.name for field in dataclasses.fields(Settings)} - {"limits"}
    text = "\n".join(f"{name} = {value!r}" for name, value in wanted.items())
    environ = {f"SORI_{name.upper()}": str(value) for name, value in wanted.items()}
    expected = Settings(**wanted)  # type: ignore[arg-type]
    assert load_settings({}, {}, toml(tmp_path, text)) == expected
    assert load_settings({}, environ) == expected
    assert load_settings(wanted, {}) == expected


def test_every_limit_has_a_setting(tmp_path: Path) -> None:
    names = [field.name for field in dataclasses.fields(Limits)]
    file = toml(tmp_path, "[limits]\n" + "\n".join(f"{name} = 7" for name in names))
    environ = {f"SORI_LIMITS_{name.upper()}": "7" for name in names}
    expected = Settings(limits=Limits(**dict.fromkeys(names, 7)))  # type: ignore[arg-type]
    assert load_settings({}, {}, file) == expected
    assert load_settings({}, environ) == expected


def test_limits_merge_field_by_field(tmp_path: Path) -> None:
    file = toml(tmp_path, "[limits]\nmax_streams = 3\nidle_timeout = 4\n")
    limits = load_settings({}, {"SORI_LIMITS_MAX_STREAMS": "5"}, file).limits
    assert limits == dataclasses.replace(Limits(), max_streams=5, idle_timeout=4.0)
    assert isinstance(limits.idle_timeout, float)


def test_admission_may_be_without_bounds(tmp_path: Path) -> None:
    names = ("max_final_delay", "max_gateway_load")
    expected = dataclasses.replace(Limits(), max_final_delay=math.inf, max_gateway_load=math.inf)
    file = toml(tmp_path, "[limits]\n" + "\n".join(f"{name} = inf" for name in names))
    assert load_settings({}, {}, file).limits == expected
    environ = {f"SORI_LIMITS_{name.upper()}": "inf" for name in names}
    assert load_settings({}, environ).limits == expected


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:1", "cuda:127"])
def test_every_device_can_be_set_and_placed(device: str) -> None:
    assert load_settings({"device": device}, {}).device == device
    assert load_settings({}, {"SORI_DEVICE": device}).device == device
    place(device)


@pytest.mark.parametrize(
    "device", ["tpu", "gpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1000", "cuda:1\n", "cpu:1"]
)
def test_other_devices_are_refused(device: str) -> None:
    with pytest.raises(InvalidConfig, match="allowed: auto, cpu, cuda, cuda:INDEX"):
        load_settings({"device": device}, {})
    with pytest.raises(ValueError, match="device must be"):
        place(device)


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = toml(tmp_path, "grpc_port = 9")
    assert load_settings({}, {"SORI_CONFIG": str(file)}).grpc_port == 9


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("colour = 1", "colour", "no such setting; there are host, grpc_port"),
        ("[limits]\nmax_colours = 1", "limits.max_colours", "no such setting"),
        ('grpc_port = "50051"', "grpc_port", "'50051' is not allowed; allowed: a whole number"),
        ("grpc_port = true", "grpc_port", "True is not allowed"),
        ("grpc_port = 65536", "grpc_port", "a whole number from 0 to 65535"),
        ("host = ''", "host", "text that is not empty"),
        ("device = 'gpu'", "device", "allowed: auto, cpu, cuda, cuda:INDEX"),
        ("compute_type = 'int4'", "compute_type", "int8_float16"),
        ("interim_model = 'auto'", "interim_model", "text other than auto, or nothing"),
        ("short_windows = true", "short_windows", "allowed: auto, on, off"),
        ("limits = 3", "limits", r"must be a table, \[limits\]"),
        ("[limits]\nmax_streams = 0", "limits.max_streams", "a whole number from 1"),
        ("[limits]\nmax_streams = 1.5", "limits.max_streams", "a whole number from 1"),
        ("[limits]\nidle_timeout = inf", "limits.idle_timeout", "a number above 0"),
        ("[limits]\nmax_final_delay = nan", "limits.max_final_delay", "above 0, or inf"),
        ("[limits]\nidle_timeout = -1", "limits.idle_timeout", "a number above 0"),
        ("[limits]\nidle_timeout = true", "limits.idle_timeout", "a number above 0"),
        ("host = ", "config", "is not TOML"),
    ],
)
def test_mistakes_in_the_file_are_named(
    tmp_path: Path, text: str, field: str, message: str
) -> None:
    with pytest.raises(InvalidConfig, match=message) as caught:
        load_settings({}, {}, toml(tmp_path, text))
    assert caught.value.field == field
    assert caught.value.metadata["source"] == f"file {tmp_path / 'sori.toml'}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"file .*gone\.toml: No such file or directory"):
        load_settings({}, {}, tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("variable", "value", "field"),
    [
        ("SORI_GRPC_PORT", "many", "grpc_port"),
        ("SORI_LIMITS_IDLE_TIMEOUT", "nan", "limits.idle_timeout"),
        ("SORI_LOG_LEVEL", "loud", "log_level"),
        ("SORI_COLOUR", "red", "SORI_COLOUR"),
    ],
)
def test_mistakes_in_the_environment_are_named(variable: str, value: str, field: str) -> None:
    with pytest.raises(InvalidConfig, match=f"environment variable {variable}") as caught:
        load_settings({}, {variable: value})
    assert caught.value.field == field


def test_mistakes_in_flags_are_named() -> None:
    with pytest.raises(InvalidConfig, match=r"cpu_threads: flag --cpu-threads: -1 is not allowed"):
        load_settings({"cpu_threads": -1}, {})


def test_a_preset_must_be_one_there_is() -> None:
    with pytest.raises(InvalidConfig, match=r"'turbo' is not allowed; allowed: voice-command, ca"):
        load_settings({"preset": "turbo"}, {})


def test_a_secret_is_long_or_none_and_never_told() -> None:
    short = "hunter2 hunter2"
    with pytest.raises(InvalidConfig) as refusal:
        load_settings({}, {"SORI_RESUME_SECRET": short})
    assert "32 characters" in str(refusal.value)
    assert short not in str(refusal.value)
    secret = 2 * short + short
    assert secret not in repr(load_settings({}, {"SORI_RESUME_SECRET": secret}))
    assert load_settings({}, {"SORI_RESUME_SECRET": ""}).resume_secret == ""
