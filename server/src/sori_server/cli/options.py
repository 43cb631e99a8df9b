"""Flags that several commands share. Those of settings are named as the settings."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Final

import typer

from sori_server.domain.audio import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE

DEFAULT_ADDRESS: Final = "127.0.0.1:50051"

_AUDIO: Final = "Audio"
TEXT: Final = "Text"
_MODEL: Final = "Model"


class PipeFormat(enum.Enum):
    """What audio on a pipe is made of; the names are those of FFmpeg."""

    AUTO = "auto"
    S16LE = "s16le"
    F32LE = "f32le"
    MULAW = "mulaw"
    ALAW = "alaw"
    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    WEBM = "webm"
    MP3 = "mp3"
    M4A = "m4a"


Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME|PATH",
        help="Name, folder or hub id; [b]auto[/] picks by device.",
        rich_help_panel=_MODEL,
    ),
]
InterimModel = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="A smaller model for text that is not final yet.",
        show_default="none",
        rich_help_panel=_MODEL,
    ),
]
ShortWindows = Annotated[
    str | None,
    typer.Option(
        metavar="auto|on|off",
        help="Do not pad speech to 30 s; [b]auto[/] does so where the model's card says it may.",
        show_default="auto",
        rich_help_panel=_MODEL,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        metavar="auto|cpu|cuda|cuda:INDEX",
        help="Where the model runs; [b]cuda:1[/] is the second GPU.",
        show_default="auto",
        rich_help_panel=_MODEL,
    ),
]
ComputeType = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE",
        help="Number type of its weights, such as int8 or float16.",
        show_default="auto",
        rich_help_panel=_MODEL,
    ),
]
ParallelCalls = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Model calls side by side; 0 picks by device and cores.",
        show_default="0",
        rich_help_panel=_MODEL,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="TOML file with settings; SORI_* variables and flags win over it.",
    ),
]
Address = Annotated[
    str, typer.Option("--address", "-a", metavar="HOST:PORT", help="gRPC address of the server.")
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Settings under a name; [b]sori presets[/] lists them.",
        rich_help_panel=TEXT,
    ),
]
SingleUtterance = Annotated[
    bool,
    typer.Option("--single-utterance", help="End after the first utterance.", rich_help_panel=TEXT),
]
SeparateChannels = Annotated[
    bool,
    typer.Option(
        "--separate-channels",
        help="Recognize each channel by itself.",
        rich_help_panel=_AUDIO,
    ),
]
Words = Annotated[
    bool, typer.Option("--words", help="Show when each word was said.", rich_help_panel=TEXT)
]
Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON object per event and line.", rich_help_panel=TEXT),
]
Interim = Annotated[
    bool,
    typer.Option(
        "--interim/--no-interim", help="Show text before it is final.", rich_help_panel=TEXT
    ),
]
Format = Annotated[
    PipeFormat,
    typer.Option(
        "--format",
        "-f",
        help="Encoding; [b]auto[/] knows containers by how they start and takes anything else"
        " for s16le.",
        rich_help_panel=_AUDIO,
    ),
]
Rate = Annotated[
    int,
    typer.Option(
        "--rate",
        "-r",
        min=MIN_SAMPLE_RATE,
        max=MAX_SAMPLE_RATE,
        help="Hertz of raw audio.",
        rich_help_panel=_AUDIO,
    ),
]
Channels = Annotated[
    int,
    typer.Option(
        "--channels",
        min=1,
        max=MAX_CHANNELS,
        help="Channels of raw audio, and of a container on stdin if they are separated.",
        rich_help_panel=_AUDIO,
    ),
]
