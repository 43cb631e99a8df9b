"""What a command tells the shell: one table of exit codes, one line for each error."""

from __future__ import annotations

import enum
import os
import sys
from typing import Final

import sori_client.errors as remote

from sori_server.domain import errors as local


class ExitCode(enum.IntEnum):
    """Exit codes of `sori`."""

    DONE = 0
    """All went well; for `serve` also: asked to leave by SIGTERM."""
    FAILED = 1
    """Something failed while running: a damaged file, a lost server, a dead engine."""
    USAGE = 2
    """Wrong flags or settings, a model that cannot be had, a port taken, no microphone."""
    INTERRUPTED = 130
    """Ctrl-C; what was heard until then was recognized and written."""
    BROKEN_PIPE = 141
    """Whoever read the output has gone."""


_TABLE: Final[tuple[tuple[type[Exception], ExitCode], ...]] = (
    (BrokenPipeError, ExitCode.BROKEN_PIPE),
    (local.InvalidAudio, ExitCode.FAILED),
    (local.InvalidConfig, ExitCode.USAGE),
    (local.ModelNotFound, ExitCode.USAGE),
    (local.AddressUnavailable, ExitCode.USAGE),
    (remote.InvalidAudio, ExitCode.FAILED),
    (remote.InvalidRequest, ExitCode.USAGE),
    (remote.InvalidSetting, ExitCode.USAGE),
    (remote.NotFound, ExitCode.USAGE),
    (remote.UnsupportedAudio, ExitCode.USAGE),
    (remote.MicrophoneUnavailable, ExitCode.USAGE),
    (local.SoriError, ExitCode.FAILED),
    (remote.SoriClientError, ExitCode.FAILED),
    (OSError, ExitCode.FAILED),
)
"""The first line that fits counts. What fits none is a bug and keeps its traceback."""


def expected(error: Exception) -> Exception | None:
    """The error a user should hear of, taken out of groups of tasks; None for a bug."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, tuple(kind for kind, _ in _TABLE)) else None


def exit_code(error: Exception) -> ExitCode:
    """The exit code of an expected error."""
    return next(code for kind, code in _TABLE if isinstance(error, kind))


def tell(error: Exception) -> None:
    """One line on stderr; nothing when the reader of stdout has gone."""
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return
    print(f"error: {one_line(error)}", file=sys.stderr, flush=True)


def one_line(error: Exception) -> str:
    """What an expected error says, on one line."""
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(message.split())


def _silence_stdout() -> None:
    """Nothing may be written any more, not even what the interpreter flushes at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
