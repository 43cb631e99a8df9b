"""A worker under supervision: started, called, killed, started again."""

from __future__ import annotations

import threading
from typing import Final

from sori_server.domain.errors import EngineUnavailable
from sori_server.domain.limits import Limits
from sori_server.engine.model import ModelLoader
from sori_server.engine.worker_child import Child, WorkerCrashed, spawn
from sori_server.engine.worker_process import BatchDone, Call, Forget, LoadFailed, Ready

FIRST_BACKOFF: Final = 0.1
"""Seconds before the second restart in a row; doubles with each further one."""
LONGEST_BACKOFF: Final = 10.0


class Worker:
    """Owns at most one child process with a model.

    `start`, `restart` and `close` block and belong to one thread at a time, with no `run`
    under way; `run` blocks and may be called from several threads. A child's answers come
    through its own pipe, so nothing a killed child says is ever taken for an answer of the
    next one.
    """

    def __init__(self, loader: ModelLoader, limits: Limits, lanes: int = 1) -> None:
        """At most `lanes` calls run side by side in the child."""
        self._loader = loader
        self._limits = limits
        self._lanes = lanes
        self._child: Child | None = None
        self._restarts = 0
        self._stopping = threading.Event()

    @property
    def alive(self) -> bool:
        """Whether a child process runs."""
        child = self._child
        return child is not None and child.alive

    def start(self) -> Ready:
        """Start a child and wait until its model is warm.

        Raises:
            EngineUnavailable: the model cannot be loaded, in the loader's own words, or
                not within `Limits.worker_start_timeout`.
        """
        self.close()
        self._child = spawn(self._loader, self._lanes, self._limits.worker_start_timeout)
        if self._stopping.is_set():
            self._child.kill()
        try:
            answer = self._child.first_answer()
        except WorkerCrashed as error:
            raise EngineUnavailable(f"{error} while it loaded the model") from error
        if isinstance(answer, LoadFailed):
            self.close()
            raise EngineUnavailable(answer.message)
        assert isinstance(answer, Ready), "a worker says first how its start went"  # noqa: S101
        return answer

    def restart(self) -> Ready:
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
                return self.start()
            except EngineUnavailable as error:
                reason = str(error)
        raise EngineUnavailable(f"{reason}; {self._restarts} restarts in a row did not help")

    def run(self, call: Call) -> BatchDone:
        """Have the child answer a call.

        Raises:
            WorkerCrashed: the child died, or took longer than `Limits.batch_timeout` and
                was killed, or `stop` was called.
        """
        assert self._child is not None, "start comes before run"  # noqa: S101
        if self._stopping.is_set():
            raise WorkerCrashed("the engine is closing")
        answer = self._child.ask(call, self._limits.batch_timeout)
        assert isinstance(answer, BatchDone), "a warm worker only answers calls"  # noqa: S101
        self._restarts = 0
        return answer

    def forget(self, numbers: tuple[int, ...]) -> None:
        """Have the child drop encoded windows, if it lives."""
        assert self._child is not None, "start comes before forget"  # noqa: S101
        self._child.tell(Forget(numbers))

    def stop(self) -> None:
        """Make the calls under way, if any, and all later ones fail soon. From any thread."""
        self._stopping.set()
        child = self._child
        if child is not None and child.busy:
            child.kill()

    def close(self) -> None:
        """End the child: it leaves by itself when told, or is killed."""
        if self._child is not None:
            self._child.end(self._limits.worker_stop_timeout)
            self._child = None


def _backoff(restarts: int) -> float:
    """Seconds to wait before a restart: none before the first one in a row."""
    return min(FIRST_BACKOFF * 2 ** (restarts - 1), LONGEST_BACKOFF) if restarts else 0.0
