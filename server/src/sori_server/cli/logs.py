"""Logs of the program: on stderr, never with recognized text."""

from __future__ import annotations

import logging
from typing import Final

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure(level: str) -> None:
    """Log from `level` upwards.

    That another model was taken than the one wanted is left to the command, which shows it
    as a warning of its own.
    """
    logging.basicConfig(level=level.upper(), format=FORMAT, force=True)
    logging.getLogger("sori_server.engine.models").setLevel(logging.ERROR)
