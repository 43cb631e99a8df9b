"""Open files of a process that serves: each connection is one, and shells allow 1024."""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import Final

MOST_DESCRIPTORS: Final = 65_536
"""More than `Limits` let connections, recordings and decoders of a process be."""


def allow_descriptors() -> None:
    """Have as many open files as the system lets this process have, at most `MOST_DESCRIPTORS`."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, MOST_DESCRIPTORS)
    if now != resource.RLIM_INFINITY and now < wanted:
        with suppress(OSError, ValueError):  # macOS may have a lower bound than it tells
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
