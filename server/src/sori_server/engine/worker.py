"""One worker process under supervision: started, timed, killed, started again."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

from sori_server.domain.errors import EngineUnavailable
from sori_server.domain.limits import Limits
from sori_server.engine import worker_process
from sori_server.engine.model import ModelLoader, WindowTask
from sori_server.engine.port import ModelInfo
from sori_server.engine.worker_process import BatchDone, LoadFailed, Ready

FIRST_BACKOFF: Final = 0.1
"""Seconds before the second restart in a row; doubles with each further one."""
LONGEST_BACKOFF: Final = 10.0

_CONTEXT: Final = multiprocessing.get_context("spawn")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class WorkerCrashed(Exception):
    """The worker process died, or hung and was killed, before it answered."""


class Worker:
    """Owns at most one child process with a model.

    All methods but `stop` and `alive` block and belong to one thread. A child's answers
    come through its own pipe, so nothing a killed child says is ever taken for an answer
    of the next one.
    """

    def __init__(self, loader: ModelLoader, limits: Limits) -> None:
        self._loader = loader
        self._limits = limits
        self._child: _Child | None = None
        self._restarts = 0
        self._stopping = threading.Event()

    @property
    def alive(self) -> bool:
        """Whether a child process runs."""
        child = self._child
        return child is not None and child.process.is_alive()

    def start(self) -> ModelInfo:
        """Start a child and wait until its model is warm.

        Raises:
            EngineUnavailable: the model cannot be loaded, in the loader's own words, or
                not within `Limits.worker_start_timeout`.
        """
        self.close()
        self._child = _spawn(self._loader, self._stopping.is_set)
        try:
            answer = self._child.ask(None, self._limits.worker_start_timeout)
        except WorkerCrashed as error:
            raise EngineUnavailable(f"{error} while it loaded the model") from error
        if isinstance(answer, LoadFailed):
            self.close()
            raise EngineUnavailable(answer.message)
        assert isinstance(answer, Ready), "a worker says first how its start went"  # noqa: S101
        return answer.info

    def restart(self) -> None:
        """Start again after a death, with growing pauses.

        Raises:
            EngineUnavailable: `Limits.max_worker_restarts` restarts in a row led to no
                completed batch, or `stop` was called.
        """
        reason = "the worker died"
        while self._restarts < self._limits.max_worker_restarts:
            if self._stopping.wait(_backoff(self._restarts)):
                raise EngineUnavailable("the engine is closing")
            self._restarts += 1
            try:
                self.start()
            except EngineUnavailable as error:
                reason = str(error)
            else:
                return
        raise EngineUnavailable(f"{reason}; {self._restarts} restarts in a row did not help")

    def run(self, tasks: Sequence[WindowTask]) -> BatchDone:
        """Recognize a batch in the child.

        Raises:
            WorkerCrashed: the child died, or took longer than `Limits.batch_timeout` and
                was killed.
        """
        assert self._child is not None, "start comes before run"  # noqa: S101
        answer = self._child.ask(list(tasks), self._limits.batch_timeout)
        assert isinstance(answer, BatchDone), "a warm worker only answers batches"  # noqa: S101
        self._restarts = 0
        return answer

    def stop(self) -> None:
        """Make the call under way, if any, and all later ones fail soon. From any thread."""
        self._stopping.set()
        child = self._child
        if child is not None and child.busy:
            with suppress(ValueError):  # it ended between the two lines
                child.process.kill()

    def close(self) -> None:
        """End the child: it leaves by itself when its pipe closes, or is killed."""
        if self._child is not None:
            self._child.end(self._limits.worker_stop_timeout)
            self._child = None


@dataclass(slots=True)
class _Child:
    """A child process and the pipe to it."""

    process: SpawnProcess
    connection: Connection
    stopping: Callable[[], bool]
    busy: bool = False

    def ask(self, message: object, timeout: float) -> object:
        """Send `message`, unless None, and receive the answer; kills the child if it is late."""
        late = threading.Event()
        watchdog = threading.Timer(timeout, self._kill_late, [late])
        watchdog.daemon = True
        watchdog.start()
        self.busy = True
        try:
            if self.stopping():
                self.process.kill()
            if message is not None:
                self.connection.send(message)
            return self.connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerCrashed(self._cause_of_death(timeout if late.is_set() else None)) from error
        finally:
            self.busy = False
            watchdog.cancel()
            watchdog.join()

    def end(self, grace: float) -> None:
        """Close the pipe, wait, kill."""
        self.connection.close()
        self.process.join(grace)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        atexit.unregister(self.process.kill)
        self.process.close()

    def _kill_late(self, late: threading.Event) -> None:
        late.set()
        self.process.kill()

    def _cause_of_death(self, timeout: float | None) -> str:
        self.process.kill()  # it may live on without its end of the pipe
        self.process.join()
        if timeout is not None:
            return f"the worker did not answer for {timeout:g} s and was killed"
        return f"the worker died with exit code {self.process.exitcode}"


def _spawn(loader: ModelLoader, stopping: Callable[[], bool]) -> _Child:
    """Start a child that SIGINT and SIGTERM never reach, from its first instruction on.

    It inherits the signal mask of this thread. The resource tracker, which would unblock
    the signals, is started before. A parent that exits without `end` kills it: the exit
    of `multiprocessing` sends SIGTERM and would wait for ever.
    """
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(
        target=worker_process.main, args=(theirs, loader), name="sori-worker", daemon=True
    )
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
    atexit.register(process.kill)
    return _Child(process, ours, stopping)


def _backoff(restarts: int) -> float:
    """Seconds to wait before a restart: none before the first one in a row."""
    return min(FIRST_BACKOFF * 2 ** (restarts - 1), LONGEST_BACKOFF) if restarts else 0.0
