"""The real `sori` as a child process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SORI = Path(sys.executable).with_name("sori")
WAIT = 40.0
"""Seconds anything here may take, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def events(self, name: str) -> list[dict[str, object]]:
        """The JSON lines of one kind of event."""
        lines = [json.loads(line) for line in self.out.splitlines()]
        return [line for line in lines if line["event"] == name]


def sori(*arguments: str | Path, stdin: bytes = b"", **environ: str) -> Ended:
    """Run a command to its end."""
    process = start(*arguments, **environ)
    out, err = process.communicate(stdin, timeout=WAIT)
    return Ended(process.returncode, out.decode(), err.decode())


def start(*arguments: str | Path, **environ: str) -> subprocess.Popen[bytes]:
    """Start a command with pipes on all three streams."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SORI_")}
    return subprocess.Popen(
        [str(SORI), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**clean, "COLUMNS": "100", "PYTHONUNBUFFERED": "", "SORI_BRIDGE_PORT": "0", **environ},
    )


def end(process: subprocess.Popen[bytes]) -> Ended:
    """Wait until a started command ends by itself."""
    out, err = process.communicate(timeout=WAIT)
    return Ended(process.returncode, out.decode(), err.decode())


@contextlib.contextmanager
def running(*arguments: str | Path, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A started command of which nothing is left afterwards."""
    process = start(*arguments, **environ)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True)
class Serving:
    """A ready `sori serve --json`."""

    process: subprocess.Popen[bytes]
    ready: dict[str, object]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.ready['grpc_port']}"


@contextlib.contextmanager
def serving(**environ: str) -> Iterator[Serving]:
    """A server with the bundled model on a free port."""
    with running("serve", "--json", "--model", "mini", "--grpc-port", "0", **environ) as process:
        yield Serving(process, json.loads(next_line(process)))


def next_line(process: subprocess.Popen[bytes]) -> str:
    """The next line of stdout; fails with what is on stderr when there is none."""
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    if not line:
        raise AssertionError(f"no line on stdout: {end(process)}")
    return line
