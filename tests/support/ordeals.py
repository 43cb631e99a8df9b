"""What servers in processes of their own go through, and what their clients notice of it.

Each ordeal takes its sizes, so that a test can be short and a measurement long.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sori.v1 import speech_pb2 as pb
from sori_server.engine.fake import FakeBehaviour
from support.chaos_proxy import proxied
from support.persistent import Manner, PersistentClient, grpc_dial
from support.raw_client import Stream, config_of
from support.recordings import read_recording
from support.server_process import ServerProcess, server_process
from support.verdicts import verdict
from support.word_audio import conversation, heard_words, linear16, speak

ROOM: dict[str, object] = {
    "limits_max_final_delay": 3600,
    "limits_max_gateway_load": 1_000,
    "limits_max_streams": 500,
}
"""Admission is not what these are about."""
SECRET: dict[str, object] = {"resume_secret": "a secret that both servers have in common"}
BEHAVIOUR = FakeBehaviour(unstable_words=2, batch_cost=0.01)
WORD = 0.1
"""Seconds."""


def wanted(client: PersistentClient, words: Sequence[int]) -> list[str]:
    """What is wrong with what a client received; its connections may be to several servers."""
    everywhere = range(2, client.connections + 1)
    return [client.failure] if client.failure else verdict(client.responses, words, everywhere)


def sentences(number: int, count: int, length: int = 12) -> list[range]:
    """Utterances of a stream of this number."""
    first = 200 * number % 19_000
    return [range(first + length * n, first + length * (n + 1)) for n in range(count)]


def words_of(utterances: Sequence[range]) -> list[int]:
    return [word for utterance in utterances for word in utterance]


# ---------------------------------------------------------------------------------- drain


@dataclass(frozen=True)
class Drained:
    """A server that was told to leave while streams were open. Times are seconds."""

    streams: int
    lost_words: int
    endings: dict[str, int]
    not_serving_after: float
    exit_code: int
    took: float


async def drained(streams: int, grace: float = 1.0) -> Drained:
    """SIGTERM while all streams are in the middle of an utterance; a third end by themselves."""
    async with (
        server_process(BEHAVIOUR, **ROOM, limits_drain_grace=grace) as server,
        AsyncExitStack() as stack,
    ):
        opened = [await stack.enter_async_context(_stream(server)) for _ in range(streams)]
        async with asyncio.TaskGroup() as tasks:
            for number, stream in enumerate(opened):
                tasks.create_task(_speak_until_heard(stream, number))
        watching = asyncio.create_task(_until_not_serving(server.address))
        await asyncio.sleep(0.3)
        begun = time.monotonic()
        server.process.terminate()
        for stream in opened[::3]:
            await stream.end_of_audio()
        not_serving = await watching - begun
        endings = [await stream.ended() for stream in opened]
        exit_code = await server.ended()
        took = time.monotonic() - begun
    counted: dict[str, int] = {}
    for ending in endings:
        name = ending.info.reason or ending.code.name
        counted[name] = counted.get(name, 0) + 1
    lost = sum(
        len(set(_words(number)) - {w for text in stream.texts for w in heard_words(text)})
        for number, stream in enumerate(opened)
    )
    return Drained(streams, lost, counted, not_serving, exit_code, took)


def _stream(server: ServerProcess) -> Stream:
    options = [("grpc.use_local_subchannel_pool", 1)]
    return Stream(grpc.aio.insecure_channel(server.address, options=options))


def _words(number: int) -> range:
    return range(200 * number % 19_000, 200 * number % 19_000 + 15)


async def _speak_until_heard(stream: Stream, number: int) -> None:
    await stream.send(config=config_of(interim_results=True))
    await stream.audio(linear16(speak(_words(number))))
    await stream.until_kind("result")


async def _until_not_serving(address: str) -> float:
    """When health says so, on the monotonic clock."""
    async with grpc.aio.insecure_channel(address) as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        async for answer in watching:
            if answer.status == health_pb2.HealthCheckResponse.NOT_SERVING:
                return time.monotonic()
    raise AssertionError("health never said so")


# ------------------------------------------------------------------------- rolling restart


@dataclass(frozen=True)
class Rolled:
    """Two servers that were restarted one after the other under streams that resume."""

    streams: int
    wrong: list[str]
    resumes: int
    gaps: list[float]
    """Seconds from the end of a connection until its session went on, sorted."""


async def rolling_restart(
    streams: int, seconds: float, replacements: int = 2, grace: float = 0.5
) -> Rolled:
    """Streams speak for so long in real time behind one address; its server is replaced."""
    settings = {**ROOM, **SECRET, "limits_drain_grace": grace}
    utterances = [sentences(n, round(seconds / 2.0)) for n in range(streams)]
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(server_process(BEHAVIOUR, **settings))
            for _ in range(1 + replacements)
        ]
        proxy, port = await stack.enter_async_context(proxied(servers[0].port))
        clients = [
            PersistentClient(
                grpc_dial(f"127.0.0.1:{port}"),
                linear16(conversation(said)),
                Manner(pace=WORD, give_up=4 * seconds + 60),
            )
            for said in utterances
        ]
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client.run())
            for leaving, coming in pairwise(servers):
                await asyncio.sleep(seconds / (1 + replacements))
                proxy.upstream = coming.port
                leaving.process.terminate()
    wrong = [
        problem
        for client, said in zip(clients, utterances, strict=True)
        for problem in wanted(client, words_of(said))
    ]
    gaps = sorted(took for client in clients for _, took in client.resumed)
    return Rolled(streams, wrong, len(gaps), gaps)


# ------------------------------------------------------------------------ the worker's death


@dataclass(frozen=True)
class WorkerKilled:
    """The real worker was killed in the middle of a batch. Times are seconds."""

    streams: int
    back_after: float
    """Until health says SERVING again, the 0.2 s between two of its looks included."""
    finals: int
    different: int
    """Streams whose text is another one than without the death."""
    warnings: int


async def worker_killed(streams: int) -> WorkerKilled:
    """Streams of the bundled model, all with windows at work; kill -9; the same without."""
    sound = read_recording("digits_human").samples
    audio = linear16(sound)
    async with server_process(None, model="mini", **ROOM) as server:
        undisturbed = await _mini_texts(server, audio, 1)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(_mini_texts(server, audio, streams))
            await _until_windows(server, streams)
            begun = time.monotonic()
            os.kill(server.worker_pid, signal.SIGKILL)
            await _until_not_serving(server.address)
            back = await _until_serving(server.address) - begun
        texts = running.result()
    return WorkerKilled(
        streams=streams,
        back_after=back,
        finals=sum(len(finals) for finals, _ in texts),
        different=sum(finals != undisturbed[0][0] for finals, _ in texts),
        warnings=sum(warnings for _, warnings in texts),
    )


async def _mini_texts(
    server: ServerProcess, audio: bytes, streams: int
) -> list[tuple[list[str], int]]:
    """Finals of each stream, and how many windows it was told are lost."""

    async def one() -> tuple[list[str], int]:
        async with _stream(server) as stream:
            await stream.send(config=config_of(interim_results=True, language_codes=["en"]))
            await stream.audio(audio)
            await stream.end_of_audio()
            async with asyncio.timeout(120):
                while stream.ending is None:  # noqa: ASYNC110 - longer than its patience
                    await asyncio.sleep(0.01)
            assert stream.ending.code is grpc.StatusCode.OK, stream.ending
            lost = sum(r.HasField("warning") and _is_loss(r) for r in stream.responses)
            return stream.texts, lost

    return await asyncio.gather(*(one() for _ in range(streams)))


def _is_loss(response: pb.StreamingRecognizeResponse) -> bool:
    warning: object = response.warning
    return getattr(warning, "reason", None) == pb.WARNING_REASON_RECOGNITION_FAILED


async def _until_windows(server: ServerProcess, streams: int) -> None:
    async with asyncio.timeout(30):
        while True:
            counted = await server.census()
            if counted.streams >= streams and counted.windows:
                return
            await asyncio.sleep(0.01)


async def _until_serving(address: str) -> float:
    async with grpc.aio.insecure_channel(address) as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        async for answer in watching:
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return time.monotonic()
    raise AssertionError("health never said so")


async def load_time() -> float:
    """Seconds that a server with the bundled model takes to start, process and imports included."""
    begun = time.monotonic()
    async with server_process(None, model="mini"):
        return time.monotonic() - begun


# ------------------------------------------------------------------------------- a stall


@dataclass(frozen=True)
class Stalled:
    """The engine stood still for a while. Memory is in MiB, of the gateway."""

    streams: int
    seconds: float
    wrong: list[str]
    memory_before: float
    memory_most: float


async def stalled(server: ServerProcess, streams: int, seconds: float) -> Stalled:
    """Streams speak in real time; the worker is stopped, and goes on after so long."""
    utterances = [sentences(n, round(seconds / 2) + 2) for n in range(streams)]
    clients = [
        PersistentClient(
            grpc_dial(server.address),
            linear16(conversation(said)),
            Manner(pace=WORD, patience=3 * seconds + 5, give_up=4 * seconds + 60),
        )
        for said in utterances
    ]
    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(client.run())
        await asyncio.sleep(2.0)
        before, worker = (await server.census()).memory, server.worker_pid
        os.kill(worker, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
            most = (await server.census()).memory
        finally:
            os.kill(worker, signal.SIGCONT)
    wrong = [
        problem
        for client, said in zip(clients, utterances, strict=True)
        for problem in wanted(client, words_of(said))
    ]
    return Stalled(streams, seconds, wrong, before, most)


# ------------------------------------------------------------------------------- memory


@dataclass(frozen=True)
class Held:
    """What peers of a kind cost a gateway at most, in MiB, while they lasted."""

    peers: int
    each: float
    afterwards: float
    """All together, once they had gone."""


@asynccontextmanager
async def patient_server() -> AsyncIterator[ServerProcess]:
    """A server that forgets peers soon, so that what they leave can be measured."""
    forgets = {
        "limits_resume_window": 1,
        "limits_write_timeout": 3,
        "limits_keepalive_interval": 2,
        "limits_ping_timeout": 1,
    }
    async with server_process(BEHAVIOUR, **ROOM, **forgets) as server:
        for _ in range(2):  # what is only needed once is not counted
            await _session(server, sentences(0, 3))
        yield server


@asynccontextmanager
async def _measured(server: ServerProcess) -> AsyncIterator[_Memory]:
    memory = _Memory(server, (await server.until_idle(30)).memory)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(memory.watch())
        yield memory
        watching.cancel()
    memory.afterwards = (await server.until_idle(60)).memory - memory.before


class _Memory:
    def __init__(self, server: ServerProcess, before: float) -> None:
        self.server = server
        self.before = before
        self.most = 0.0
        self.afterwards = 0.0

    async def watch(self) -> None:
        while True:
            self.most = max(self.most, (await self.server.census()).memory - self.before)
            await asyncio.sleep(0.1)

    def held(self, peers: int) -> Held:
        return Held(peers, self.most / peers, self.afterwards)


async def _session(server: ServerProcess, said: Sequence[range], pace: float = 0.0) -> list[str]:
    client = PersistentClient(
        grpc_dial(server.address),
        linear16(conversation(said)),
        Manner(pace=pace, patience=30, give_up=120),
    )
    await client.run()
    return wanted(client, words_of(said))


async def fast_senders(server: ServerProcess, peers: int, seconds: float) -> tuple[Held, list[str]]:
    """Each sends so many seconds of audio as fast as it is taken; what is wrong with the words."""
    said = [sentences(n, round(seconds / 2)) for n in range(peers)]
    async with _measured(server) as memory:
        problems = await asyncio.gather(*(_session(server, each) for each in said))
    return memory.held(peers), [problem for each in problems for problem in each]


async def slow_readers(server: ServerProcess, peers: int, seconds: float) -> Held:
    """Each sends speech in real time for so long and reads nothing."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0)]
    config = config_of(interim_results=True, resume=pb.ResumeOptions(enabled=True))
    async with _measured(server) as memory, AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        for number in range(peers):
            channel = grpc.aio.insecure_channel(server.address, options=options)
            stream = await stack.enter_async_context(Stream(channel, reads=False))
            await stream.send(config=config)
            tasks.create_task(_talk(stream, number, seconds))
    return memory.held(peers)


async def _talk(stream: Stream, number: int, seconds: float) -> None:
    """Speak in real time until the line does not take any more, or for so long."""
    audio = linear16(conversation(sentences(number, round(seconds / 2) + 1)))
    try:
        async with asyncio.timeout(seconds):
            for start in range(0, len(audio), 3_200):
                await stream.send(audio=pb.AudioChunk(data=audio[start : start + 3_200]))
                await asyncio.sleep(WORD)
    except TimeoutError:
        return


async def half_open_peers(server: ServerProcess, peers: int, seconds: float) -> Held:
    """Each opens a stream, speaks, and then its line carries nothing any more."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with (
        _measured(server) as memory,
        proxied(server.port) as (proxy, port),
        AsyncExitStack() as stack,
    ):
        for number in range(peers):
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options)
            stream = await stack.enter_async_context(Stream(channel))
            await stream.send(config=config_of(interim_results=True))
            await stream.audio(linear16(speak(_words(number))))
            await stream.until_kind("session_started")
        proxy.freeze()
        await asyncio.sleep(seconds)
        proxy.cut()
    return memory.held(peers)
