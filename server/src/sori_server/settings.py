"""Settings of the server, merged from a TOML file, the environment and flags.

Later sources win: file, then environment, then flags. One name serves all three:
`grpc_port = 50051` in the file, `SORI_GRPC_PORT`, `--grpc-port`. Limits are the table
`[limits]` of the file and `SORI_LIMITS_MAX_STREAMS` and so on.
"""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_type_hints

from sori_server.domain.errors import InvalidConfig
from sori_server.domain.limits import Limits
from sori_server.domain.presets import PRESETS


@dataclass(frozen=True, slots=True)
class Settings:
    """What one server runs with."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` for all of IPv4."""
    grpc_port: int = 50051
    """Port of gRPC; zero picks a free one."""
    bridge_port: int = 8765
    """Port of WebSocket, HTTP and the page; zero picks a free one."""
    allowed_origins: str = ""
    """Sites whose pages may use the bridge besides its own and this machine's: origins such as
    `https://example.org`, separated by commas; `*` for all, `null` for pages of files."""
    model: str = "auto"
    """Name or path of the model; `auto` picks by device and by what can be had."""
    interim_model: str = ""
    """Name or path of a smaller model for interims, in a worker of its own; empty for none."""
    short_windows: str = "auto"
    """Whether windows are not padded to 30 s: `on`, `off`, or `auto` for what the models bear."""
    device: str = "auto"
    """`cpu`, `cuda` or one GPU of several, such as `cuda:1`; `auto` takes a GPU if there is any."""
    compute_type: str = "auto"
    """Number type of the weights in the model; `auto` picks by device."""
    parallel_calls: int = 0
    """Model calls that run side by side; zero picks by device and cores."""
    cpu_threads: int = 0
    """Threads of one model call on a CPU; zero shares the cores among the parallel calls."""
    preset: str = ""
    """What settings that a client leaves unset stand for; empty for the defaults."""
    log_level: str = "info"
    resume_secret: str = field(default="", repr=False)
    """What servers that go on with each other's sessions have in common; empty for a secret that
    is this process's own."""
    limits: Limits = field(default_factory=Limits)


PREFIX: Final = "SORI_"
"""What environment variables of settings start with."""

CONFIG_VARIABLE: Final = "SORI_CONFIG"
"""The environment variable that names the TOML file when no flag does."""

SHORTEST_SECRET: Final = 32
"""Characters of a secret that nobody guesses."""

_SECRETS: Final = ("resume_secret",)
"""Settings whose values are never told."""

_ORIGIN: Final = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/,\s]+")
_OF_ADMISSION: Final = ("max_final_delay", "max_gateway_load")
"""Limits of what is predicted: infinite ones refuse nobody, and leave nothing without a bound."""
_DEVICE: Final = re.compile(r"auto|cpu|cuda(:[0-9]{1,3})?")


def load_settings(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    config_file: Path | None = None,
) -> Settings:
    """Settings in force, each value checked.

    `flags` are by setting name; None stands for a flag that was not given.

    Raises:
        InvalidConfig: unknown name, wrong type, value out of range, or a file that cannot
            be read; names the setting, its source and the allowed values.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if config_file is None and environ.get(CONFIG_VARIABLE):
        config_file = Path(environ[CONFIG_VARIABLE])
    values: dict[str, object] = {}
    if config_file is not None:
        values |= _checked(_from_file(config_file))
    values |= _checked(_from_environment(environ))
    values |= _checked(_from_flags(given))
    return _build(values)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What one setting may be. `read` raises ValueError for anything else."""

    allowed: str
    read: Callable[[object], object]
    parse: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One value as it was found. Settings in tables have dotted names."""

    name: str
    value: object
    source: str


def _text() -> _Rule:
    def read(value: object) -> str:
        if not isinstance(value, str) or not value:
            raise ValueError
        return value

    return _Rule("text that is not empty", read, str)


def _text_or_empty(*refused: str) -> _Rule:
    def read(value: object) -> str:
        if not isinstance(value, str) or value in refused:
            raise ValueError
        return value

    return _Rule(f"text other than {', '.join(refused)}, or nothing", read, str)


def _secret() -> _Rule:
    def read(value: object) -> str:
        if not isinstance(value, str) or 0 < len(value) < SHORTEST_SECRET:
            raise ValueError
        return value

    return _Rule(f"text of {SHORTEST_SECRET} characters or more, or nothing", read, str)


def _one_of(*choices: str) -> _Rule:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError
        return value

    return _Rule(", ".join(choices), read, str)


def _device() -> _Rule:
    def read(value: object) -> str:
        if not isinstance(value, str) or not _DEVICE.fullmatch(value):
            raise ValueError
        return value

    return _Rule("auto, cpu, cuda, cuda:INDEX", read, str)


def _origins() -> _Rule:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError
        for origin in filter(None, value.split(",")):
            if not _ORIGIN.fullmatch(origin.strip()):
                raise ValueError
        return value

    return _Rule("origins such as https://example.org separated by commas, null, *", read, str)


def _whole(low: int, high: int = 2**31 - 1) -> _Rule:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return _Rule(f"a whole number from {low} to {high}", read, int)


def _positive(*, unbounded: bool = False) -> _Rule:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not value > 0 or (math.isinf(value) and not unbounded):
            raise ValueError
        return float(value)

    return _Rule(f"a number above 0{', or inf' if unbounded else ''}", read, float)


def _limit_rules() -> Iterator[tuple[str, _Rule]]:
    for name, kind in get_type_hints(Limits).items():
        rule = _whole(1) if kind is int else _positive(unbounded=name in _OF_ADMISSION)
        yield f"limits.{name}", rule


_RULES: Final[dict[str, _Rule]] = {
    "host": _text(),
    "grpc_port": _whole(0, 65_535),
    "bridge_port": _whole(0, 65_535),
    "allowed_origins": _origins(),
    "model": _text(),
    "interim_model": _text_or_empty("auto"),
    "short_windows": _one_of("auto", "on", "off"),
    "device": _device(),
    "compute_type": _one_of(
        "auto",
        "float32",
        "float16",
        "bfloat16",
        "int16",
        "int8",
        "int8_float32",
        "int8_float16",
        "int8_bfloat16",
    ),
    "parallel_calls": _whole(0, 64),
    "cpu_threads": _whole(0, 1024),
    "preset": _one_of(*(preset.name for preset in PRESETS)),
    "resume_secret": _secret(),
    "log_level": _one_of("debug", "info", "warning", "error"),
    **dict(_limit_rules()),
}


def _from_file(path: Path) -> Iterator[_Entry]:
    source = f"file {path}"
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except OSError as error:
        raise InvalidConfig("config", f"{source}: {error.strerror}", source=source) from error
    except ValueError as error:
        raise InvalidConfig("config", f"{source} is not TOML: {error}", source=source) from error
    limits = tables.pop("limits", {})
    if not isinstance(limits, dict):
        raise InvalidConfig("limits", f"{source}: must be a table, [limits]", source=source)
    for name, value in [*tables.items(), *((f"limits.{key}", limits[key]) for key in limits)]:
        yield _Entry(name, value, source)


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Entry]:
    by_variable = {_variable(name): name for name in _RULES}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        name = by_variable.get(variable, variable)
        rule = _RULES.get(name)
        try:
            value = rule.parse(text) if rule else text
        except ValueError:
            value = text
        yield _Entry(name, value, f"environment variable {variable}")


def _from_flags(flags: Mapping[str, object]) -> Iterator[_Entry]:
    for name, value in flags.items():
        yield _Entry(name, value, f"flag --{name.replace('_', '-')}")


def _variable(name: str) -> str:
    return PREFIX + name.replace(".", "_").upper()


def _checked(entries: Iterator[_Entry]) -> Iterator[tuple[str, object]]:
    for entry in entries:
        rule = _RULES.get(entry.name)
        if rule is None:
            raise InvalidConfig(
                entry.name,
                f"{entry.source}: no such setting; there are {', '.join(_RULES)}",
                source=entry.source,
            )
        try:
            yield entry.name, rule.read(entry.value)
        except ValueError:
            given = "this value" if entry.name in _SECRETS else repr(entry.value)
            raise InvalidConfig(
                entry.name,
                f"{entry.source}: {given} is not allowed; allowed: {rule.allowed}",
                source=entry.source,
                allowed=rule.allowed,
            ) from None


def _build(values: Mapping[str, object]) -> Settings:
    limits = {
        name.removeprefix("limits."): value
        for name, value in values.items()
        if name.startswith("limits.")
    }
    plain = {name: value for name, value in values.items() if not name.startswith("limits.")}
    settings = dataclasses.replace(Settings(), **plain)  # type: ignore[arg-type]
    return dataclasses.replace(settings, limits=dataclasses.replace(Limits(), **limits))  # type: ignore[arg-type]
