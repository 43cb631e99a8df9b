"""What a stream costs the gateway before any window is asked for.

    python bench/front_end.py messages [--streams 1 20 100] [--seconds 8]
    python bench/front_end.py idle [--streams 200] [--seconds 20]

`messages`: processor time of the gateway process for one message of 100 ms (3,200 bytes,
LINEAR16 at 16 kHz) over real connections: as it is; deaf, with no speech detection; and bare, a
gRPC server that reads messages and drops them, which nothing in Python on gRPC can undercut.
The audio is quiet noise and silence, so that no window is asked for; the model behind the
engine is the fake one and does nothing.

`idle`: streams that sent their config and one second of audio and then nothing: their share
of one core, and the memory each holds.

Times are those of the process's own processor clock, so that what else runs on the machine
changes them little. Figures of one run may be compared with each other, not with other days'.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_server.app import Server
from sori_server.domain.limits import Limits
from sori_server.engine.dispatcher import BatchingEngine
from sori_server.engine.fake import VAD_FRAME, FakeFrontEnd, fake_loader
from sori_server.engine.port import FloatArray, StreamAudio
from sori_server.engine.stream_audio import WhisperStreamAudio
from sori_server.settings import Settings
from sori_server.transport.grpc.server import server_options

RATE = 16_000
MESSAGE = RATE // 10
"""Samples of one message."""
MELS = 80
MOST_STREAMS = 1_000
WARM_UP = 2.0
"""Seconds of audio before counting."""
PAGE = 4096


# ------------------------------------------------------------------------------ the server


class DeafAudio:
    """Implements `StreamAudio`: counts samples and hears nothing."""

    vad_frame = VAD_FRAME

    def __init__(self) -> None:
        self.received = 0

    def start_at(self, position: int) -> None:
        """Before any samples: the first one has this position."""
        self.received = position

    def accept(self, samples: FloatArray) -> list[float]:
        """Call every frame silent."""
        before, self.received = self.received, self.received + len(samples)
        return [0.0] * (self.received // VAD_FRAME - before // VAD_FRAME)

    def window(self, start: int, end: int) -> object:
        """Never asked for."""
        raise ValueError(f"{start}..{end} was not kept")

    def discard(self, before: int) -> None:
        """There is nothing to forget."""
        del before


@dataclass(frozen=True)
class FrontEnd(FakeFrontEnd):
    """The fake model's, with real ears or none."""

    hears: bool = True

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream."""
        return WhisperStreamAudio(MELS) if self.hears else DeafAudio()


async def serve(*, hears: bool) -> None:
    """Serve until standard input ends; print the port and `ready`."""
    limits = Limits(
        max_streams=MOST_STREAMS,
        max_calls_per_peer=MOST_STREAMS,
        idle_timeout=600.0,
        max_final_delay=math.inf,
        max_gateway_load=math.inf,
    )
    engine = BatchingEngine(fake_loader(), FrontEnd(hears), limits)
    async with Server(Settings(grpc_port=0, bridge_port=0, limits=limits), engine) as server:
        print(server.grpc_port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


class Bare(rpc.SpeechServiceServicer):
    """Says that the stream has started, then reads what comes."""

    async def StreamingRecognize(  # type: ignore[override]
        self, request_iterator: object, context: grpc.aio.ServicerContext
    ) -> None:
        """Serve one stream."""
        del request_iterator
        await context.read()
        await context.write(pb.StreamingRecognizeResponse(session_started=pb.SessionStarted()))
        while await context.read() is not grpc.aio.EOF:
            pass


async def serve_bare() -> None:
    """As `serve`, without a gateway."""
    server = grpc.aio.server(options=server_options(Limits()))
    rpc.add_SpeechServiceServicer_to_server(Bare(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


@dataclass(frozen=True)
class Gateway:
    """A gateway process, seen from outside."""

    address: str
    pid: int

    def cpu(self) -> float:
        """Processor seconds of all its threads, from the clock that the kernel keeps of it."""
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory(self) -> float:
        """Resident memory in MiB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * PAGE / 2**20


@asynccontextmanager
async def gateway(*ears: str) -> AsyncIterator[Gateway]:
    """A process that serves, with the environment that `sori` gives itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "serve", *ears),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        port = int(await process.stdout.readline())
        yield Gateway(f"127.0.0.1:{port}", process.pid)
    finally:
        process.stdin.close()
        await process.wait()


# ----------------------------------------------------------------------------- the streams


class Client:
    """One stream on a connection of its own."""

    def __init__(self, call: grpc.aio.StreamStreamCall) -> None:
        self._call = call

    async def send(self, samples: bytes) -> None:
        """Send one message of audio."""
        await self._call.write(pb.StreamingRecognizeRequest(audio=pb.AudioChunk(data=samples)))

    def cancel(self) -> None:
        """Leave."""
        self._call.cancel()

    async def read(self) -> None:
        """Take whatever comes: there must be nothing but the first event."""
        while (response := await self._call.read()) is not grpc.aio.EOF:
            assert response.HasField("session_started"), f"a window was asked for: {response}"


@asynccontextmanager
async def clients(address: str, count: int) -> AsyncIterator[Sequence[Client]]:
    """Open streams whose config was taken."""
    async with AsyncExitStack() as opened:
        streams = []
        options = [("grpc.use_local_subchannel_pool", 1)]
        for _ in range(count):
            channel = grpc.aio.insecure_channel(address, options=options)
            await opened.enter_async_context(channel)
            call = rpc.SpeechServiceStub(channel).StreamingRecognize()
            audio = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=RATE)
            config = pb.StreamingConfig(recognition=pb.RecognitionConfig(audio_format=audio))
            config.interim_results = True
            await call.write(pb.StreamingRecognizeRequest(config=config))
            await call.read()
            streams.append(Client(call))
        readers = [asyncio.create_task(stream.read()) for stream in streams]
        yield streams
        for reader in readers:
            assert not reader.done(), "a stream ended early"
            reader.cancel()
        for stream in streams:
            stream.cancel()


def audio(seconds: float) -> list[bytes]:
    """Messages of quiet noise and digital silence, a second of each in turn."""
    noise = np.random.default_rng(4).normal(0, 20, round(seconds * RATE)).round()
    noise[np.arange(len(noise)) // RATE % 2 == 1] = 0
    samples = noise.astype("<i2")
    return [samples[i : i + MESSAGE].tobytes() for i in range(0, len(samples), MESSAGE)]


async def speak(streams: Sequence[Client], messages: Sequence[bytes]) -> None:
    """Send every stream a message each 0.1 s, the streams one after the other in that time."""
    began = asyncio.get_running_loop().time()
    for tick, message in enumerate(messages):
        for place, stream in enumerate(streams):
            due = began + (tick + place / len(streams)) / 10
            await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
            await stream.send(message)


# ----------------------------------------------------------------------------- the figures


async def cost(server: Gateway, count: int, seconds: float) -> float:
    """Microseconds of the gateway for one message, less what it does without any."""
    async with clients(server.address, count) as streams:
        await speak(streams, audio(WARM_UP))
        await asyncio.sleep(0.2)
        before = server.cpu()
        await asyncio.sleep(seconds / 4)
        idle = (server.cpu() - before) / (seconds / 4)
        messages = audio(seconds)
        before, began = server.cpu(), time.monotonic()
        await speak(streams, messages)
        await asyncio.sleep(0.1)
        used = server.cpu() - before - idle * (time.monotonic() - began)
    return 1e6 * used / (len(messages) * count)


async def show_messages(counts: Sequence[int], seconds: float) -> None:
    print("us CPU per message\nstreams   gateway   deaf   bare")
    async with gateway() as whole, gateway("--deaf") as deaf, gateway("--bare") as bare:
        for count in counts:
            costs = [await cost(server, count, seconds) for server in (whole, deaf, bare)]
            print(f"{count:7}{costs[0]:10.0f}{costs[1]:7.0f}{costs[2]:7.0f}", flush=True)


async def show_idle(count: int, seconds: float) -> None:
    async with gateway() as server:
        async with clients(server.address, 1) as streams:
            await speak(streams, audio(WARM_UP))
        before = server.cpu()
        await asyncio.sleep(seconds / 4)
        alone = (server.cpu() - before) / (seconds / 4)
        empty = server.memory()
        async with clients(server.address, count) as streams:
            opened = server.memory()
            await speak(streams, audio(1.0))
            await asyncio.sleep(1.0)
            spoken, before = server.memory(), server.cpu()
            await asyncio.sleep(seconds)
            share = (server.cpu() - before) / seconds
    print(f"no stream: {100 * alone:.2f} % of one core, {empty:.0f} MiB")
    print(
        f"{count} idle streams: {100 * share:.2f} % of one core; each holds"
        f" {1024 * (opened - empty) / count:.0f} KiB after its config,"
        f" {1024 * (spoken - empty) / count:.0f} KiB after a second of audio"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = parser.add_subparsers(dest="mode", required=True)
    messages = modes.add_parser("messages")
    messages.add_argument("--streams", type=int, nargs="+", default=[1, 20, 100])
    messages.add_argument("--seconds", type=float, default=8.0)
    idle = modes.add_parser("idle")
    idle.add_argument("--streams", type=int, default=200)
    idle.add_argument("--seconds", type=float, default=20.0)
    serving = modes.add_parser("serve")
    serving.add_argument("--deaf", action="store_true")
    serving.add_argument("--bare", action="store_true")
    given = parser.parse_args()
    if given.mode == "serve":
        asyncio.run(serve_bare() if given.bare else serve(hears=not given.deaf))
    elif given.mode == "messages":
        asyncio.run(show_messages(given.streams, given.seconds))
    else:
        asyncio.run(show_idle(given.streams, given.seconds))


if __name__ == "__main__":
    main()
