"""A worker process as its parent sees it: calls in, answers out, none waited for too long."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
import threading
import time
from contextlib import suppress
from itertools import count
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

from sori_server.engine import worker_process
from sori_server.engine.model import ModelLoader
from sori_server.engine.worker_process import Call, Forget

_CONTEXT: Final = multiprocessing.get_context("spawn")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GLANCE: Final = 0.25
"""Seconds between two looks at whether somebody waits for an answer."""
_FIRST: Final = 0
"""Number of the answer that says how the start went."""


class WorkerCrashed(Exception):
    """The worker process died, or hung and was killed, before it answered."""


class _Reply:
    """An answer to come, and when it is late."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.late_at = time.monotonic() + timeout
        self.answer: object = None
        self.crash = ""
        self.come = threading.Event()

    def wait(self) -> object:
        """The answer.

        Raises:
            WorkerCrashed: there will be none.
        """
        self.come.wait()
        if self.crash:
            raise WorkerCrashed(self.crash)
        return self.answer


class Child:
    """A child process and the pipe to it.

    A thread reads the pipe, watches the time, and is the only one that waits for the process.
    """

    def __init__(self, process: SpawnProcess, connection: Connection, patience: float) -> None:
        """It has `patience` seconds to say how its start went."""
        self._process = process
        self._connection = connection
        self._sending = threading.Lock()
        self._replies = {_FIRST: _Reply(patience)}
        self._first = self._replies[_FIRST]
        self._numbers = count(_FIRST + 1)
        self._late: _Reply | None = None
        self._ended = ""
        self._reader = threading.Thread(target=self._read, name="sori-worker-pipe", daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether the process runs and talks."""
        return not self._ended

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._replies)

    def first_answer(self) -> object:
        """How the start went.

        Raises:
            WorkerCrashed: the child died, or said nothing in time and was killed.
        """
        return self._first.wait()

    def ask(self, call: Call, timeout: float) -> object:
        """The child's answer to a call.

        Raises:
            WorkerCrashed: the child died, or did not answer in time and was killed.
        """
        reply, number = _Reply(timeout), next(self._numbers)
        self._replies[number] = reply
        if self._ended:
            raise WorkerCrashed(self._ended)
        self._send((number, call))
        return reply.wait()

    def tell(self, message: Forget) -> None:
        """Send what has no answer."""
        self._send((_FIRST, message))

    def kill(self) -> None:
        """End the process at once."""
        with suppress(ValueError):  # it was closed between the two lines
            self._process.kill()

    def end(self, grace: float) -> None:
        """Say goodbye, wait for `grace` seconds, kill."""
        if self._sending.acquire(timeout=grace):
            with suppress(OSError):
                self._connection.send(None)
            self._sending.release()
        self._reader.join(grace)
        self.kill()
        self._reader.join()
        atexit.unregister(self._process.kill)
        self._connection.close()
        self._process.close()

    def _send(self, message: object) -> None:
        with self._sending, suppress(OSError):  # the reader tells why
            self._connection.send(message)

    def _read(self) -> None:
        """Hand out answers until the pipe ends; kill a child that lets somebody wait too long."""
        with suppress(EOFError, OSError):
            while True:
                if self._connection.poll(self._time_left()):
                    number, answer = self._connection.recv()
                    reply = self._replies.pop(number)
                    reply.answer = answer
                    reply.come.set()
                elif self._time_left() <= 0 and self._late is None:
                    waiting = list(self._replies.values())
                    self._late = min(waiting, key=lambda reply: reply.late_at)
                    self._process.kill()
        self._ended = self._cause_of_death()
        for reply in list(self._replies.values()):
            reply.crash = self._ended
            reply.come.set()
        self._replies.clear()

    def _time_left(self) -> float:
        """Seconds until the first answer is late; a while when none is waited for."""
        deadlines = [reply.late_at for reply in list(self._replies.values())]
        return max(min(deadlines, default=time.monotonic() + _GLANCE) - time.monotonic(), 0.0)

    def _cause_of_death(self) -> str:
        self._process.kill()  # it may live on without its end of the pipe
        self._process.join()
        if self._late is not None:
            return f"the worker did not answer for {self._late.timeout:g} s and was killed"
        return f"the worker died with exit code {self._process.exitcode}"


def spawn(loader: ModelLoader, lanes: int, patience: float) -> Child:
    """Start a child that SIGINT and SIGTERM never reach, from its first instruction on.

    It inherits the signal mask of this thread. The resource tracker, which would unblock
    the signals, is started before. A parent that exits without `end` kills it: the exit
    of `multiprocessing` sends SIGTERM and would wait for ever.
    """
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(
        target=worker_process.main, args=(theirs, loader, lanes), name="sori-worker", daemon=True
    )
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
    atexit.register(process.kill)
    return Child(process, ours, patience)
