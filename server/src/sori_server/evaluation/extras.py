"""What evaluation and benchmark need beyond the server."""

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


def check_installed(command: str = "sori eval") -> None:
    """Check that everything `command` needs is there, before anything is computed.

    Raises:
        InvalidConfig: says what is missing and how to install it.
    """
    missing = [name for module, name in PACKAGES.items() if find_spec(module) is None]
    if missing:
        needed = ", ".join(missing)
        raise InvalidConfig(
            command, f"needs {needed}: install it with `pip install 'sori-server[eval]'`"
        )
