"""What `sori presets` shows: each preset and where it differs from the defaults."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sori_server.cli.rendering import DIM
from sori_server.domain.config import EndpointingMode
from sori_server.domain.presets import PRESETS, Preset


def print_table() -> None:
    """A table of all presets."""
    table = Table(box=None, pad_edge=False, header_style=DIM)
    for column in ("preset", "ends text", "beam", "model", "for"):
        table.add_column(column)
    for preset in PRESETS:
        table.add_row(
            Text(preset.name, "bold"),
            _ends(preset),
            str(preset.config.recognition.beam_size),
            preset.model or "auto",
            Text(preset.description, DIM),
        )
    Console(highlight=False, soft_wrap=True).print(table)


def print_json() -> None:
    """One JSON object per preset and line; durations in seconds."""
    for preset in PRESETS:
        print(json.dumps(_fields(preset), separators=(",", ":")))


def _ends(preset: Preset) -> str:
    endpointing = preset.config.endpointing
    if endpointing.mode is EndpointingMode.FIXED:
        return f"after {endpointing.chunk_duration:g} s"
    return f"at a pause of {endpointing.end_silence:g} s"


def _fields(preset: Preset) -> dict[str, Any]:
    endpointing, recognition = preset.config.endpointing, preset.config.recognition
    fixed = endpointing.mode is EndpointingMode.FIXED
    chunks = ("chunk_duration", "overlap_duration") if fixed else ()
    return {
        "name": preset.name,
        "description": preset.description,
        "model": preset.model or "auto",
        "mode": endpointing.mode.value,
        "end_silence": endpointing.end_silence,
        "prefix_padding": endpointing.prefix_padding,
        **{name: getattr(endpointing, name) for name in chunks},
        "interim_interval": preset.config.interim_interval,
        "beam_size": recognition.beam_size,
    }
