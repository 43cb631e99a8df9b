"""Windows that killed the worker, remembered for a while so that they do not do it again."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from typing import Final

from sori_server.engine.model import WindowTask

DURATION: Final = 600.0
"""Seconds."""
MOST: Final = 256
"""Windows remembered; the oldest are forgotten for more."""


class Quarantine:
    """Knows windows by what the model would get. Costs nothing while there are none."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def add(self, task: WindowTask, now: float) -> None:
        """Remember a window from now on."""
        self._until[_digest(task)] = now + DURATION
        while len(self._until) > MOST:
            self._until.popitem(last=False)

    def holds(self, task: WindowTask, now: float) -> bool:
        """Whether a window like this killed the worker within `DURATION`."""
        return bool(self._until) and self._until.get(_digest(task), now) > now


def _digest(task: WindowTask) -> bytes:
    given = pickle.dumps((task.features, task.prompt, task.options))
    return hashlib.blake2b(given, digest_size=16).digest()
