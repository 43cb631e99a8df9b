"""What servers in processes of their own go through, and what their clients notice of it.

Each ordeal takes its sizes, so that a test can be short and a measurement long.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
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
    "limits_max_final_delay": math.inf,
    "limits_max_gateway_load": math.inf,
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
    """All words of utterances."""
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
        opened = [await stack.enter_async_context(stream_to(server)) for _ in range(streams)]
        async with asyncio.TaskGroup() as tasks:
            for number, stream in enumerate(opened):
                tasks.create_task(_speak_until_heard(stream, number))
        watching = asyncio.create_task(until_not_serving(server.address))
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
        len(set(spoken_by(number)) - {w for text in stream.texts for w in heard_words(text)})
        for number, stream in enumerate(opened)
    )
    return Drained(streams, lost, counted, not_serving, exit_code, took)


def stream_to(server: ServerProcess) -> Stream:
    """A stream on a connection of its own that has not sent anything yet."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    return Stream(grpc.aio.insecure_channel(server.address, options=options))


def spoken_by(number: int) -> range:
    """The words of a stream of this number that says one thing."""
    return range(200 * number % 19_000, 200 * number % 19_000 + 15)


async def _speak_until_heard(stream: Stream, number: int) -> None:
    await stream.send(config=config_of(interim_results=True))
    await stream.audio(linear16(speak(spoken_by(number))))
    await stream.until_kind("result")


async def until_not_serving(address: str) -> float:
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
    gaps = sorted(each.took for client in clients for each in client.resumed)
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
            gone = tasks.create_task(until_not_serving(server.address))
            await _until_windows(server, streams)
            begun = time.monotonic()
            os.kill(server.worker_pid, signal.SIGKILL)
            await gone
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
        async with stream_to(server) as stream:
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
