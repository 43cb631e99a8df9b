"""Where transcripts go: a file for each recording, or stdout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer


def plan_outputs(files: Sequence[Path], suffix: str, folder: Path | None) -> list[Path | None]:
    """The file to write for each recording; None for stdout.

    Raises:
        typer.BadParameter: two transcripts would have one place.
    """
    if folder is None:
        if len(files) > 1 and suffix != "txt":
            raise typer.BadParameter(
                f"several {suffix} transcripts do not fit on stdout: give --output-dir"
            )
        return [None] * len(files)
    outputs = [folder / f"{file.stem}.{suffix}" for file in files]
    for output in outputs:
        if outputs.count(output) > 1:
            raise typer.BadParameter(f"two of the files would be written to {output}")
    return list(outputs)
