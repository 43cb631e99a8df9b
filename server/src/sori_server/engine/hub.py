"""Models from the Hugging Face hub: looked up in the local cache, fetched with progress."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import huggingface_hub
from huggingface_hub.errors import LocalEntryNotFoundError
from tqdm import tqdm  # type: ignore[import-untyped]

Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all) now and then, from any thread."""

FILES: Final = (
    "config.json",
    "preprocessor_config.json",
    "model.bin",
    "tokenizer.json",
    "vocabulary.*",
    "sori.json",
)
"""What a CTranslate2 Whisper model consists of."""


class HubFailed(Exception):
    """The hub has no such model, refused it or could not be reached; the message says which."""


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub and its cache on this machine.

    `cache` and `endpoint` default to the hub client's own settings (`HF_HOME`,
    `HF_ENDPOINT`); `HF_HUB_OFFLINE` is honoured. `timeout` bounds, in seconds, how long an
    unreachable hub may keep us waiting before anything is downloaded.
    """

    cache: Path | None = None
    endpoint: str | None = None
    timeout: float = 5.0

    def cached(self, repository: str) -> Path | None:
        """The folder of a model fetched before; None if there is none. Uses no network."""
        try:
            return Path(
                huggingface_hub.snapshot_download(
                    repository,
                    cache_dir=self.cache,
                    local_files_only=True,
                    allow_patterns=list(FILES),
                )
            )
        except LocalEntryNotFoundError:
            return None

    def fetch(self, repository: str, progress: Progress | None = None) -> Path:
        """Download what is missing of a model; returns its folder.

        Raises:
            HubFailed: it cannot be had.
        """
        try:
            huggingface_hub.HfApi(endpoint=self.endpoint).model_info(
                repository, timeout=self.timeout
            )
            folder = huggingface_hub.snapshot_download(
                repository,
                cache_dir=self.cache,
                endpoint=self.endpoint,
                allow_patterns=list(FILES),
                tqdm_class=_reporting_bar(progress),
            )
        except Exception as error:  # the client lets errors of its HTTP library through
            summary = next(iter(str(error).splitlines()), "")
            raise HubFailed(f"{type(error).__name__}: {summary}") from error
        return Path(folder)


def _reporting_bar(progress: Progress | None) -> type:
    """A progress bar that draws nothing and reports bytes.

    The hub client keeps one or two bars of bytes (received, written) besides one of files;
    the furthest of them is reported.
    """
    bars: list[ReportingBar] = []

    class ReportingBar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **{**options, "file": _NOWHERE})
            if options.get("unit") == "B":
                bars.append(self)

        def update(self, n: float | None = 1) -> None:
            super().update(n)
            if progress and self in bars:
                total = max(int(bar.total or 0) for bar in bars)
                progress(min(max(int(bar.n) for bar in bars), total), total)

    return ReportingBar


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        return


_NOWHERE: Final = _Nowhere()


def size_on_disk(folder: Path) -> int:
    """Bytes of the files in a model's folder, links followed."""
    return sum(os.stat(path).st_size for path in folder.iterdir() if path.is_file())
