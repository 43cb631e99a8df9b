"""A real worker process: it starts, answers, hangs, dies, and never outlives its parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sori_server.domain.audio import Span
from sori_server.domain.errors import EngineUnavailable
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import DecodingOptions, Hypothesis
from sori_server.engine.fake import (
    HANG_WORD,
    KILLER_WORD,
    FakeBehaviour,
    FakeStreamAudio,
    fake_loader,
)
from sori_server.engine.model import WindowTask
from sori_server.engine.worker import Worker
from sori_server.engine.worker_child import WorkerCrashed
from sori_server.engine.worker_process import Recognize
from support.word_audio import speak

pytestmark = pytest.mark.integration


@contextlib.contextmanager
def worker(
    behaviour: FakeBehaviour | None = None, limits: Limits | None = None
) -> Iterator[Worker]:
    worker = Worker(fake_loader(behaviour), limits or Limits())
    try:
        yield worker
    finally:
        worker.close()
        assert not worker.alive
        assert multiprocessing.active_children() == []


def task(word: int) -> WindowTask:
    stream = FakeStreamAudio()
    stream.accept(speak([word]))
    return WindowTask(stream.window(0, 1_600), Span(0, 1_600), (), DecodingOptions(beam_size=5))


def text(worker: Worker, word: int) -> str:
    (outcome,) = worker.run(Recognize((task(word),))).outcomes
    assert isinstance(outcome, Hypothesis)
    return outcome.text


def child_pid() -> int:
    (child,) = multiprocessing.active_children()
    assert child.pid is not None
    return child.pid


def gone(pid: int, within: float) -> bool:
    """Whether the process ends in time; one that nobody has waited for counts as ended."""
    stat = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if stat.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_a_worker_tells_its_model_and_recognizes() -> None:
    with worker(FakeBehaviour(batch_cost=0.05)) as w:
        assert w.start().info.name == "fake"
        done = w.run(Recognize((task(1), task(2))))

        assert [o.text for o in done.outcomes if isinstance(o, Hypothesis)] == [" w1", " w2"]
        assert 0.05 <= done.inference < 10.0


def test_a_loaders_error_arrives_in_its_own_words() -> None:
    with (
        worker(FakeBehaviour(load_error="no such model: nix")) as w,
        pytest.raises(EngineUnavailable) as caught,
    ):
        w.start()

    assert str(caught.value) == "no such model: nix"


def test_a_model_that_loads_for_too_long_is_killed() -> None:
    with (
        worker(FakeBehaviour(load_time=60), Limits(worker_start_timeout=0.3)) as w,
        pytest.raises(EngineUnavailable, match=r"did not answer for 0\.3 s"),
    ):
        w.start()


def test_a_dead_worker_is_noticed_and_restarted() -> None:
    with worker() as w:
        w.start()
        with pytest.raises(WorkerCrashed, match="exit code 1"):
            w.run(Recognize((task(KILLER_WORD),)))
        assert not w.alive

        w.restart()
        assert text(w, 7) == " w7"


def test_a_hung_worker_is_killed() -> None:
    with worker(limits=Limits(batch_timeout=0.3)) as w:
        w.start()
        with pytest.raises(WorkerCrashed, match=r"did not answer for 0\.3 s"):
            w.run(Recognize((task(HANG_WORD),)))
        assert not w.alive


def test_a_stopped_process_counts_as_hung() -> None:
    with worker(limits=Limits(batch_timeout=0.3)) as w:
        w.start()
        os.kill(child_pid(), signal.SIGSTOP)
        with pytest.raises(WorkerCrashed, match="did not answer"):
            w.run(Recognize((task(1),) * 5_000))


def test_restarts_in_a_row_are_bounded_and_a_batch_done_resets_them() -> None:
    with worker(limits=Limits(max_worker_restarts=1)) as w:
        w.start()
        for _ in range(2):
            with pytest.raises(WorkerCrashed):
                w.run(Recognize((task(KILLER_WORD),)))
            w.restart()
            assert text(w, 1) == " w1"
        with pytest.raises(WorkerCrashed):
            w.run(Recognize((task(KILLER_WORD),)))
        w.restart()
        with pytest.raises(WorkerCrashed):
            w.run(Recognize((task(KILLER_WORD),)))
        with pytest.raises(EngineUnavailable, match="1 restarts in a row"):
            w.restart()


def test_stop_ends_a_call_under_way() -> None:
    with worker() as w:
        w.start()
        timer = threading.Timer(0.1, w.stop)
        timer.start()
        started = time.monotonic()
        with pytest.raises(WorkerCrashed):
            w.run(Recognize((task(HANG_WORD),)))
        timer.join()

        assert time.monotonic() - started < 10.0
        with pytest.raises(EngineUnavailable, match="closing"):
            w.restart()


def test_a_call_after_stop_does_not_begin() -> None:
    """One whose features were being built then would hold up the close, for as long as it takes."""
    with worker() as w:
        w.start()
        w.stop()
        with pytest.raises(WorkerCrashed, match="closing"):
            w.run(Recognize((task(1),)))


def test_signals_of_the_terminal_and_the_service_manager_are_left_to_the_parent() -> None:
    with worker() as w:
        w.start()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(child_pid(), number)

        assert text(w, 3) == " w3"
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


def test_a_worker_leaves_no_core_dump() -> None:
    with worker() as w:
        w.start()
        limits = Path(f"/proc/{child_pid()}/limits").read_text()

    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]


_PARENT = """
import multiprocessing, os, signal, threading
from support.word_audio import speak
from sori_server.domain.limits import Limits
from sori_server.engine.fake import HANG_WORD, fake_loader
from sori_server.engine.worker import Worker
worker = Worker(fake_loader(), Limits())
worker.start()
print(multiprocessing.active_children()[0].pid, flush=True)
"""


def _run_parent(ending: str) -> tuple[int, int]:
    """Exit code of a parent that ends this way without `close`, and the pid of its worker."""
    parent = subprocess.run(
        [sys.executable, "-c", _PARENT + ending],
        capture_output=True,
        timeout=40,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return parent.returncode, int(parent.stdout)


def test_a_worker_dies_with_a_killed_parent() -> None:
    code, pid = _run_parent("os.kill(os.getpid(), signal.SIGKILL)")

    assert code == -signal.SIGKILL
    assert gone(pid, within=20.0)


def test_a_parent_that_forgets_its_worker_can_still_exit() -> None:
    code, pid = _run_parent("")

    assert code == 0
    assert gone(pid, within=20.0)
