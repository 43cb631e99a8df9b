"""Random faults between a client that resumes and two servers, and what came of them.

`plan(seed)` is the generator, `History` what happened, `verdicts.verdict` the checker. The same
seed is the same plan; how far a connection got when it failed depends on the machine.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from sori_server.engine.fake import FakeBehaviour
from support.chaos_proxy import ChaosProxy, Fault, Line, proxied
from support.persistent import Dial, Manner, PersistentClient, Resumed, grpc_dial
from support.server_process import ServerProcess, server_process
from support.verdicts import verdict
from support.websocket_dial import websocket_dial
from support.word_audio import conversation, linear16

BYTES = 3_200
"""Of one word."""
PATIENCE = 1.5
MODEL_LOADING = "MODEL_LOADING"
FAULTS = [*Fault, Fault.FIN, Fault.RST, Fault.RST, None]
"""What becomes of a connection; None for nothing."""
SETTINGS: dict[str, object] = {
    "resume_secret": "a secret that both servers have in common",
    "limits_min_ping_interval": 0.1,
    "limits_keepalive_interval": 2,
    "limits_ping_timeout": 1,
    "limits_max_final_delay": 60,
    "limits_max_gateway_load": 60,
    "limits_max_streams": 500,
    "limits_max_detached_sessions": 500,
    "limits_max_worker_restarts": 1_000,
}


@dataclass(frozen=True)
class Trouble:
    """What becomes of one connection: its fault after so many bytes one way, and its delays."""

    fault: Fault | None
    upwards: bool
    after: int
    latency: tuple[float, float]
    elsewhere: bool
    """The next connection is one to the other server."""
    kills_worker: bool


@dataclass(frozen=True)
class Plan:
    """One history before it happens."""

    seed: int
    utterances: tuple[tuple[int, ...], ...]
    manner: Manner
    troubles: tuple[Trouble, ...]

    @property
    def words(self) -> list[int]:
        return [word for utterance in self.utterances for word in utterance]


def plan(seed: int) -> Plan:
    """The plan of a seed."""
    dice = Random(seed)  # noqa: S311
    utterances, word = [], dice.randrange(10_000)
    for _ in range(dice.randint(1, 4)):
        count = dice.randint(1, 25)
        utterances.append((*range(word, word + count),))
        word += count
    chunk = dice.choice([dice.randint(300, 20_000), BYTES, 2 * BYTES])
    manner = Manner(
        pace=dice.choice([0.0, 0.004, 0.02]) * chunk / BYTES,
        chunk=chunk,
        ack_every=dice.choice([1, 1, 3, 10]),
        patience=PATIENCE,
    )
    total = sum(map(len, utterances)) * BYTES
    troubles = (_trouble(dice, total) for _ in range(dice.randint(0, 5)))
    return Plan(seed, tuple(utterances), manner, tuple(troubles))


def _trouble(dice: Random, total: int) -> Trouble:
    upwards = dice.random() < 0.6
    most = total * 1.3 if upwards else 4_000
    return Trouble(
        fault=dice.choice(FAULTS),
        upwards=upwards,
        after=dice.choice([dice.randint(0, 900), round(dice.uniform(0.0, most))]),
        latency=(dice.choice([0.0, 0.0, 0.03]), dice.choice([0.0, 0.0, 0.03])),
        elsewhere=dice.random() < 0.25,
        kills_worker=dice.random() < 0.03,
    )


@dataclass
class Resumes:
    """Seconds from noticing the last line that failed until a session went on, by how it did."""

    here: list[float] = field(default_factory=list)
    """At the same server."""
    elsewhere: list[float] = field(default_factory=list)
    """At another one."""
    without_worker: list[float] = field(default_factory=list)
    """Where the worker of the other one had just been killed, so that it took nobody."""

    def of(self, resumed: Resumed, moved: bool) -> list[float]:
        """Those of its kind."""
        if MODEL_LOADING in resumed.refusals:
            return self.without_worker
        return self.elsewhere if moved else self.here


@dataclass
class History:
    """What happened to one plan."""

    plan: Plan
    problems: list[str]
    connections: int
    resumed: Resumes


@dataclass(frozen=True)
class Door:
    """How servers are spoken to."""

    dial: Callable[[Callable[[], int]], Dial]
    port: Callable[[ServerProcess], int]


def _dial_grpc(port: Callable[[], int]) -> Dial:
    return grpc_dial(lambda: f"127.0.0.1:{port()}")


DOORS = {
    "grpc": Door(_dial_grpc, lambda server: server.port),
    "websocket": Door(websocket_dial, lambda server: server.bridge_port),
}
Nodes = tuple[ServerProcess, ServerProcess]
"""Two servers that go on with each other's sessions."""


@asynccontextmanager
async def two_nodes() -> AsyncIterator[Nodes]:
    """Two server processes."""
    behaviour = FakeBehaviour(unstable_words=2, batch_cost=0.005)
    async with (
        server_process(behaviour, **SETTINGS) as one,
        server_process(behaviour, **SETTINGS) as other,
    ):
        yield one, other


class _Run:
    """One plan on its way: gives each new line the next trouble."""

    def __init__(self, planned: Plan, nodes: Nodes, door: Door) -> None:
        self.plan = planned
        self._nodes = nodes
        self._door = door
        self._troubles = iter(planned.troubles)
        self._at = 0
        self._servers: dict[int, int] = {}
        """By connection, the port of the server at the end of its last line."""
        self._line: Line | None = None

    async def history(self) -> History:
        audio = linear16(conversation(self.plan.utterances))
        async with proxied(self._port()) as (proxy, port):
            self._proxy: ChaosProxy = proxy
            client = PersistentClient(self._door.dial(lambda: port), audio, self.plan.manner)
            client.line_failed = lambda: self._line is not None and self._line.fault is not None
            proxy.greet = lambda line: self._greet(line, client.connections)
            await client.run()
        elsewhere = self._moved(client)
        problems = [client.failure] if client.failure else []
        problems = problems or verdict(client.responses, self.plan.words, elsewhere)
        resumed = Resumes()
        for each in client.resumed:
            resumed.of(each, each.connection in elsewhere).append(each.took)
        return History(self.plan, problems, client.connections, resumed)

    def _moved(self, client: PersistentClient) -> set[int]:
        """Connections that went on at another server than the last one that began."""
        begun = sorted({connection for connection, _ in client.responses})
        servers = self._servers
        return {now for before, now in pairwise(begun) if servers[before] != servers[now]}

    def _port(self) -> int:
        return self._door.port(self._nodes[self._at])

    def _greet(self, line: Line, connection: int) -> None:
        self._line = line
        self._servers[connection] = line.upstream  # a client may dial twice: the last one counts
        trouble = next(self._troubles, None)
        if trouble is None:
            return
        line.up.latency, line.down.latency = trouble.latency
        if trouble.fault is not None:
            way = "up" if trouble.upwards else "down"
            line.give_out(**{way: trouble.after}, then=trouble.fault)
        if trouble.elsewhere:
            self._at = 1 - self._at
            self._proxy.upstream = self._port()
        if trouble.kills_worker:
            self._kill_worker()

    def _kill_worker(self) -> None:
        try:
            os.kill(self._nodes[self._at].worker_pid, signal.SIGKILL)
        except (ProcessLookupError, ValueError, OSError):
            return  # it is being replaced already


async def run_histories(
    seeds: Iterable[int],
    nodes: Nodes,
    door: Door,
    at_a_time: int = 8,
    told: Callable[[History], None] = lambda _: None,
) -> list[History]:
    """Run the plans of these seeds, some at a time."""
    waiting, found = iter(seeds), []

    async def one_after_another() -> None:
        for seed in waiting:
            found.append(await _Run(plan(seed), nodes, door).history())
            told(found[-1])

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_a_time):
            tasks.create_task(one_after_another())
    return found


@dataclass
class Summary:
    """What came of many histories."""

    histories: int
    words: int
    connections: int
    faults: dict[str, int]
    worker_kills: int
    wrong: dict[int, list[str]] = field(default_factory=dict)
    """Problems by seed."""
    resumed: Resumes = field(default_factory=Resumes)


def summary_of(histories: Sequence[History]) -> Summary:
    """Add them up."""
    troubles = [trouble for each in histories for trouble in each.plan.troubles]
    faults = Counter(trouble.fault.name for trouble in troubles if trouble.fault)
    return Summary(
        histories=len(histories),
        words=sum(len(each.plan.words) for each in histories),
        connections=sum(each.connections for each in histories),
        faults=dict(faults),
        worker_kills=sum(trouble.kills_worker for trouble in troubles),
        wrong={each.plan.seed: each.problems for each in histories if each.problems},
        resumed=Resumes(
            sorted(s for each in histories for s in each.resumed.here),
            sorted(s for each in histories for s in each.resumed.elsewhere),
            sorted(s for each in histories for s in each.resumed.without_worker),
        ),
    )
