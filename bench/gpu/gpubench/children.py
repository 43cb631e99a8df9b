"""Work in processes of its own: what a model call kills or hangs, it kills or hangs alone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from typing import Any

Message = dict[str, Any]


class ChildFailed(Exception):
    """A child ended by itself with an error, or was killed at its limit."""


def messages(module: str, arguments: Sequence[str], limit: float) -> Generator[Message]:
    """The JSON lines that `python -m module` prints, as they come.

    Raises:
        ChildFailed: after the last line, if the child did not end well within `limit` seconds.
    """
    command = [sys.executable, "-m", module, *arguments]
    late = threading.Event()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None

        def kill() -> None:
            late.set()
            child.kill()

        watchdog = threading.Timer(limit, kill)
        watchdog.start()
        try:
            for line in child.stdout:
                yield json.loads(line)
            status = child.wait()
        finally:
            watchdog.cancel()
            child.kill()
    if late.is_set():
        raise ChildFailed(f"out of time after {limit:.0f} s")
    if status:
        raise ChildFailed(f"the process ended with status {status}")
