"""`sori serve` in a process of its own, with the fake model, that counts itself when asked.

As a script, `server_process.py [BEHAVIOUR]`: the command's own code, settings from `SORI_*`; the
behaviour of the model is JSON, and without one the model is that of the settings. Each line on
standard input is answered by a line of JSON: a `Census`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import IO

from sori_server.app import Server
from sori_server.cli import serving
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import FakeBehaviour, FakeFrontEnd, fake_loader
from sori_server.settings import Settings

TESTS = Path(__file__).parents[1]
START = 60.0
"""Seconds until the server is ready."""
PAGE = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Census:
    """What there is in the process of a server now; memory in MiB."""

    memory: float
    threads: int
    descriptors: int
    tasks: int
    streams: int
    detached: int
    windows: int
    """That wait or run in the engine."""

    @property
    def idle(self) -> bool:
        """Whether no stream left anything behind."""
        return not (self.streams or self.detached or self.windows)


def memory_of(pid: int | str = "self") -> float:
    """Resident MiB of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE


def peak_of(pid: int | str = "self") -> float:
    """Most resident MiB a process had since it began, or since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def forget_peak(pid: int | str = "self") -> None:
    """Have its peak begin with what it has now (proc(5), `clear_refs`)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def windows_of(engine: object) -> int:
    """Windows that wait or run."""
    assert isinstance(engine, BatchingEngine)
    scheduler = engine._scheduler
    return scheduler.waiting + scheduler.active + len(engine._windows)


# ------------------------------------------------------------------------- in the process


def census(server: Server) -> Census:
    """Count; to be called on the loop of the server."""
    gc.collect()
    return Census(
        memory=memory_of(),
        threads=threading.active_count(),
        descriptors=len(os.listdir("/proc/self/fd")),
        tasks=len(asyncio.all_tasks()),
        streams=server.gateway.active_streams,
        detached=server.gateway.sessions.detached_sessions,
        windows=windows_of(server._engine),
    )


def _answer_questions(server: Server, loop: asyncio.AbstractEventLoop) -> None:
    for _ in sys.stdin:
        loop.call_soon_threadsafe(lambda: print(json.dumps(asdict(census(server))), flush=True))


def _main(behaviour: str = "") -> int:
    sys.modules["__main__"] = ModuleType("__main__")  # workers would run this again
    ready = serving.print_ready_line

    def announce(server: Server) -> None:
        ready(server)
        arguments = (server, asyncio.get_running_loop())
        threading.Thread(target=_answer_questions, args=arguments, daemon=True).start()

    def fake(settings: Settings, _: object) -> BatchingEngine:
        loader = fake_loader(FakeBehaviour(**json.loads(behaviour)))
        return BatchingEngine(loader, FakeFrontEnd(), settings.limits)

    vars(serving)["print_ready_line"] = announce
    if behaviour:
        vars(serving).update(build_engine=fake, model_for=lambda _: None)
    return serving.serve_until_told({"grpc_port": 0, "bridge_port": 0}, None, as_json=True)


# ----------------------------------------------------------------------------- outside it


@dataclass(frozen=True)
class ServerProcess:
    """A ready server that is another process."""

    process: subprocess.Popen[bytes]
    port: int
    bridge_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def worker_pid(self) -> int:
        """Process id of the engine's worker."""
        (pid,) = (each for each in children_of(self.process.pid) if not _is_tracker(each))
        return pid

    async def census(self) -> Census:
        """What there is in it now."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return Census(**json.loads(await _line(self.process.stdout)))

    async def until_idle(self, seconds: float = 10.0) -> Census:
        """Wait until no stream is left."""
        async with asyncio.timeout(seconds):
            while not (counted := await self.census()).idle:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return counted

    async def ended(self, seconds: float = 60.0) -> int:
        """Its exit code."""
        return await asyncio.to_thread(self.process.wait, seconds)


def children_of(pid: int) -> list[int]:
    """The processes that a process started and has not waited for."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(n) for task in tasks for n in (task / "children").read_text().split()]


def _is_tracker(pid: int) -> bool:
    return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()


async def _line(stream: IO[bytes] | None) -> bytes:
    assert stream is not None
    line = await asyncio.wait_for(asyncio.to_thread(stream.readline), START)
    assert line, "the server has ended"
    return line


@asynccontextmanager
async def server_process(
    behaviour: FakeBehaviour | None = FakeBehaviour(),  # noqa: B008 - frozen
    **environ: object,
) -> AsyncIterator[ServerProcess]:
    """A server with the fake model, or with that of `SORI_MODEL`; killed at the end.

    `limits_max_batch=1` and the like are its settings.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SORI_")}
    settings = {f"SORI_{name.upper()}": str(value) for name, value in environ.items()}
    usual = {"OPENBLAS_NUM_THREADS": "1", "GRPC_VERBOSITY": "NONE", "SORI_LOG_LEVEL": "error"}
    process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
        [sys.executable, "-m", "support.server_process"]
        + ([] if behaviour is None else [json.dumps(asdict(behaviour))]),
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**clean, **usual, **settings},
    )
    try:
        ready = json.loads(await _line(process.stdout))
        yield ServerProcess(process, ready["grpc_port"], ready["bridge_port"])
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
