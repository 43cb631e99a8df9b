"""Sori: self-hosted streaming speech recognition.

`Recognizer` is for programs that recognize in their own process; it is imported when it is
first asked for, as it brings the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sori_server.recognizer import Recognizer

__all__ = ["Recognizer", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "Recognizer":
        from sori_server.recognizer import Recognizer  # noqa: PLC0415

        return Recognizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
