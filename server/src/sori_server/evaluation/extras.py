"""What an evaluation needs beyond the server."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from sori_server.domain.errors import InvalidConfig

PACKAGES: Final = {
    "jiwer": "jiwer",
    "whisper_normalizer": "whisper-normalizer",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
}
"""Distributions of the extra `eval`, by what they are imported as."""


def check_installed() -> None:
    """Check that everything is there, before anything is computed.

    Raises:
        InvalidConfig: says what is missing and how to install it.
    """
    missing = [name for module, name in PACKAGES.items() if find_spec(module) is None]
    if missing:
        needed = ", ".join(missing)
        raise InvalidConfig(
            "sori eval", f"needs {needed}: install it with `pip install 'sori-server[eval]'`"
        )
