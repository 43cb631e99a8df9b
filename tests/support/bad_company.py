"""Peers that send too fast, read nothing or went silent, and what each costs a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc
from sori.v1 import speech_pb2 as pb
from support.chaos_proxy import proxied
from support.ordeals import BEHAVIOUR, ROOM, WORD, sentences, spoken_by, wanted, words_of
from support.persistent import Manner, PersistentClient, grpc_dial
from support.raw_client import Stream, config_of
from support.server_process import ServerProcess, server_process
from support.word_audio import conversation, linear16, speak


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
        "limits_ping_timeout": 3,
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
            await stream.audio(linear16(speak(spoken_by(number))))
            await stream.until_kind("session_started")
        proxy.freeze()
        await asyncio.sleep(seconds)
        proxy.cut()
    return memory.held(peers)
