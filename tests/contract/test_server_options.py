"""Every option of the gRPC server, shown by what it changes.

gRPC ignores unknown options without a word, so each of these tests fails without its option.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_server.app import Server
from sori_server.domain.errors import AddressUnavailable
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from sori_server.settings import Settings
from sori_server.transport.grpc.connections import POLL, PortConnections
from sori_server.transport.grpc.server import SPARE_CALLS, UNTRIMMED
from support.floods import (
    ACK,
    CANCEL,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    OPENING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    call_of,
    flood,
    frame,
    swallow,
)
from support.raw_client import CHUNK, LINEAR16, PATIENCE, Stream, config_of, failure_of
from support.speech_server import client_process, fake_engine, serving
from support.word_audio import assert_heard, linear16, speak

pytestmark = pytest.mark.contract

PATIENT = Limits(keepalive_interval=0.5, ping_timeout=2.0)
"""Seconds: a silent peer is gone after the sum of them, with some time to notice."""
ESTABLISHED = "01"


def connections(port: int) -> int:
    """Open connections to a port of this process, as the kernel lists them.

    A client in another process may connect from a port of the same number.
    """
    ours = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # closed meanwhile
            ours.add(os.readlink(f"/proc/self/fd/{descriptor}"))
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
    ]
    return sum(
        local.endswith(f":{port:04X}") and state == ESTABLISHED and f"socket:[{inode}]" in ours
        for _, local, _, state, _, _, _, _, _, inode, *_ in lines
    )


async def sent_before_it_blocks(stream: Stream, most: int) -> int:
    """Chunks of one word that can be sent before a write has to wait for two seconds."""
    for sent in range(most):
        try:
            async with asyncio.timeout(2):
                await stream.audio(linear16(speak([sent])))
        except TimeoutError:
            return sent
    return most


async def test_little_audio_waits_in_the_transport_while_the_server_does_not_read() -> None:
    """grpc.http2.bdp_probe: 64 KiB wait, not 4 MiB."""
    limits = Limits(max_buffered_audio=5.0, drain_grace=0.1, flush_timeout=0.1, write_timeout=2.0)
    short = pb.EndpointingConfig(max_utterance=Duration(seconds=2))
    async with (
        serving(FakeBehaviour(batch_cost=12.0), limits) as served,
        served.stream(endpointing=short) as stream,
    ):
        sent = await sent_before_it_blocks(stream, most=1000)
    buffered = round(limits.max_buffered_audio * 10)
    assert buffered <= sent <= buffered + 96 * 1024 // CHUNK


async def test_messages_are_as_large_as_the_limit_says_and_no_larger() -> None:
    """grpc.max_receive_message_length: the default of 4 MiB is too little and too much."""
    config, audio = pb.RecognitionConfig(audio_format=LINEAR16), bytes(5 * 1024 * 1024)
    limits = Limits(max_recording_bytes=6 * 1024 * 1024)
    async with serving(limits=limits) as served, served.stub() as stub:
        answer = await stub.Recognize(pb.RecognizeRequest(config=config, audio=audio))
        ending = await failure_of(
            stub.Recognize(pb.RecognizeRequest(config=config, audio=audio + audio))
        )
    assert answer.summary.received_audio.seconds == len(audio) // 32_000
    assert ending.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(6 * 1024 * 1024) in ending.message


async def test_metadata_may_have_as_much_as_the_limit_says() -> None:
    """grpc.max_metadata_size: by default more than 8 KiB is refused now and then."""
    async with serving() as served, served.stub() as stub:
        question = pb.GetServerInfoRequest()
        for _ in range(5):
            await stub.GetServerInfo(question, metadata=(("token", "t" * 15_000),))
        ending = await failure_of(stub.GetServerInfo(question, metadata=(("token", "t" * 17_000),)))
        assert ending.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        await stub.GetServerInfo(question)


METHODS = (
    "sori.v1.SpeechService/StreamingRecognize",
    "sori.v1.SpeechService/Recognize",
    "sori.v1.SpeechService/ListModels",
    "sori.v1.SpeechService/GetServerInfo",
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_that_asks_nothing_ends(method: str) -> None:
    limits = Limits(config_timeout=0.3, idle_timeout=0.3)
    async with serving(limits=limits) as served, served.channel() as channel:
        ending = await failure_of(channel.stream_stream(f"/{method}")().read())
    assert ending.info.reason in {"IDLE_TIMEOUT", "PROTOCOL_VIOLATION"}


async def test_calls_of_one_address_are_counted_whatever_they_ask() -> None:
    async with (
        serving(limits=Limits(max_calls_per_peer=2)) as served,
        served.channel() as channel,
        served.stream() as first,
        served.stream() as second,
    ):
        await served.until_streams(2)
        speech, checks = rpc.SpeechServiceStub(channel), HealthStub(channel)
        silent = [
            channel.stream_stream(f"/{method}")() for method in METHODS
        ]  # what gRPC would read before it asks the server counts as well
        refused = (
            *(call.read() for call in silent),
            speech.StreamingRecognize().read(),
            speech.Recognize(pb.RecognizeRequest()),
            speech.GetServerInfo(pb.GetServerInfoRequest()),
            checks.Check(HealthCheckRequest()),
            checks.Watch(HealthCheckRequest()).read(),
        )
        for each in refused:
            ending = await failure_of(each)
            assert ending.summary == ("RESOURCE_EXHAUSTED", "STREAM_CAPACITY_EXHAUSTED")
            assert ending.metadata["max_calls_per_peer"] == "2"
            assert ending.retry_delay == 1.0
        for stream in (first, second):
            await stream.end_of_audio()
            await stream.summary()
        await served.until_streams(0)
        await checks.Check(HealthCheckRequest())


async def test_every_call_that_is_over_is_counted_no_more() -> None:
    """Taken back before it began, while it lasts, or when its answer is on the way."""
    async with serving() as served:
        port, peers = served.server.grpc_port, served.server._grpc.peers
        await asyncio.to_thread(flood, "rapid reset", port, 1.0, 5_000)
        for method in METHODS:
            await asyncio.to_thread(taken_back, port, f"/{method}".encode())
        deadline = time.monotonic() + PATIENCE
        while peers.calls and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert peers.calls == 0


def taken_back(port: int, path: bytes) -> None:
    """A call after the other, reset a little later each time."""
    nothing = frame(DATA, END_STREAM, 0, bytes(5))
    with opened(port, OPENING) as connection:
        connection.setblocking(True)
        for number in range(200):
            stream = 2 * number + 1
            connection.sendall(frame(HEADERS, END_HEADERS, stream, call_of(path)))
            connection.sendall(nothing[:5] + stream.to_bytes(4, "big") + nothing[9:])
            time.sleep(number * 2e-5)
            connection.sendall(frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big")))


async def test_a_call_counts_until_its_answer_was_taken(caplog: pytest.LogCaptureFixture) -> None:
    no_room = frame(SETTINGS, 0, 0, bytes([0, 4, 0, 0, 0, 0])) + frame(SETTINGS, ACK, 0)
    async with serving(limits=Limits(max_calls_per_peer=3)) as served:
        connection = opened(served.server.grpc_port, PREFACE + no_room)
        for stream in (1, 3, 5):
            head = call_of(b"/grpc.health.v1.Health/Check")
            connection.sendall(frame(HEADERS, END_HEADERS, stream, head))
            connection.sendall(frame(DATA, END_STREAM, stream, bytes(5)))
        peers = served.server._grpc.peers
        async with asyncio.timeout(PATIENCE):
            while peers.calls < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        assert peers.calls == 3
        async with served.stub() as stub:
            ending = await failure_of(stub.GetServerInfo(pb.GetServerInfoRequest()))
            assert ending.metadata["max_calls_per_peer"] == "3"
            connection.close()
            async with asyncio.timeout(PATIENCE):
                while peers.calls:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await stub.GetServerInfo(pb.GetServerInfoRequest())
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_all_streams_may_come_on_one_connection_and_more_wait_in_the_client() -> None:
    """grpc.max_concurrent_streams: what is refused makes room, so that everyone is answered."""
    limits = Limits(max_streams=2, max_batch_streams=1)
    async with serving(limits=limits) as served, served.channel() as channel:
        stub = rpc.SpeechServiceStub(channel)
        open_calls = [stub.StreamingRecognize() for _ in range(3 + SPARE_CALLS)]
        await open_calls[0].write(pb.StreamingRecognizeRequest(config=config_of()))
        assert (await open_calls[0].read()).HasField("session_started")
        waiting = stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=PATIENCE)
        await asyncio.sleep(0.3)
        assert not waiting.done()
        open_calls[1].cancel()
        assert (await waiting).active_stream_count == 1


def opened(port: int, begin: bytes, source: str = "127.0.0.1") -> socket.socket:
    """A connection that was begun with these bytes."""
    connection = socket.create_connection(("127.0.0.1", port), source_address=(source, 0))
    connection.sendall(begin)
    connection.setblocking(False)
    return connection


async def closed_by_the_server(connections: Sequence[socket.socket], count: int) -> None:
    """Wait until it has closed so many of them."""
    async with asyncio.timeout(5):
        while sum(not swallow(each) for each in connections) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_connections_are_counted() -> None:
    """One too many is closed, the others go on."""
    async with serving(limits=Limits(max_connections=4)) as served, served.stream() as stream:
        await served.until_streams(1)
        await asyncio.sleep(3 * POLL)
        others = [opened(served.server.grpc_port, OPENING) for _ in range(5)]
        await closed_by_the_server(others, 2)
        await asyncio.sleep(3 * POLL)
        assert sum(swallow(each) for each in others) == 3
        await stream.audio(linear16(speak(range(5))))
        await stream.end_of_audio()
        await stream.summary()
        for each in others:
            each.close()
    assert_heard(stream.texts, range(5))


async def test_connections_of_one_address_are_counted() -> None:
    async with (
        serving(limits=Limits(max_connections_per_peer=20)) as served,
        served.stream() as stream,
    ):
        await served.until_streams(1)
        await asyncio.sleep(3 * POLL)
        others = [opened(served.server.grpc_port, OPENING) for _ in range(30)]
        elsewhere = opened(served.server.grpc_port, OPENING, "127.0.0.2")
        await closed_by_the_server(others, 11)
        await asyncio.sleep(3 * POLL)
        assert sum(swallow(each) for each in others) == 19
        assert swallow(elsewhere)
        await stream.audio(linear16(speak(range(5))))
        await stream.end_of_audio()
        await stream.summary()
        for each in (*others, elsewhere):
            each.close()
    assert_heard(stream.texts, range(5))


async def test_grpc_takes_no_more_connections_than_there_is_time_to_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """grpc.max_allowed_incoming_connections: nobody ends them here, and yet they have a bound."""
    monkeypatch.setattr(PortConnections, "trim", lambda _: 0)
    async with serving(limits=Limits(max_connections=3)) as served:
        others = [opened(served.server.grpc_port, OPENING) for _ in range(4 + 3 * UNTRIMMED)]
        await closed_by_the_server(others, 4)
        assert sum(swallow(each) for each in others) == 3 * UNTRIMMED
        for each in others:
            each.close()


@pytest.mark.parametrize("begin", [b"", PREFACE[:10], PREFACE], ids=["nothing", "half", "preface"])
async def test_handshakes_that_do_not_end_are_ended(begin: bytes) -> None:
    """grpc.server_handshake_timeout_ms: the default is two minutes."""
    async with serving(limits=Limits(header_timeout=0.5)) as served:
        connection = opened(served.server.grpc_port, begin)
        await closed_by_the_server([connection], 1)
        assert not swallow(connection)
        connection.close()


async def test_connections_without_a_call_are_ended_and_clients_come_again() -> None:
    """grpc.max_connection_idle_ms: by default they last."""
    limits = Limits(idle_connection_timeout=0.5)
    async with serving(limits=limits) as served, served.stub() as stub:
        await stub.GetServerInfo(pb.GetServerInfoRequest())
        async with asyncio.timeout(15):
            while connections(served.server.grpc_port):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await stub.GetServerInfo(pb.GetServerInfoRequest())).active_stream_count == 0


async def test_a_silent_client_is_noticed_and_its_stream_ended() -> None:
    """grpc.keepalive_time_ms and grpc.http2.ping_timeout_ms: without them, after a minute."""
    async with serving(limits=PATIENT) as served, client_process(served, "speech") as process:
        await served.until_streams(1)
        process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(10):
            await served.until_streams(0)
        assert process.returncode is None, "it was the server that ended the stream"


async def test_a_silent_connection_without_streams_is_closed() -> None:
    """grpc.keepalive_permit_without_calls: or ghosts would keep their connections."""
    async with serving(limits=PATIENT) as served, client_process(served, "idle") as process:
        port = served.server.grpc_port
        assert connections(port) == 1
        await asyncio.sleep(2.8)
        assert connections(port) == 1
        process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(10):
            while connections(port):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def pings_every_second(least: float) -> bool:
    """Whether a client that does lives where pings may come every `least` seconds."""
    async with (
        serving(limits=Limits(min_ping_interval=least)) as served,
        client_process(served, "speech", ping_seconds=1.0),
    ):
        await served.until_streams(1)
        with suppress(TimeoutError):
            async with asyncio.timeout(8):
                await served.until_streams(0)
        return served.gateway.active_streams == 1


async def test_clients_may_ping_as_often_as_the_limit_says() -> None:
    """grpc.http2.min_ping_interval_without_data_ms: the default is five minutes.

    gRPC cuts off who pings too early three times.
    """
    lives = await asyncio.gather(pings_every_second(0.2), pings_every_second(5.0))
    assert lives == [True, False]


async def test_a_port_is_not_shared_with_a_second_server() -> None:
    """grpc.so_reuseport: or two servers by mistake would get half of the streams each."""
    async with serving() as served:
        settings = Settings(grpc_port=served.server.grpc_port, bridge_port=0)
        second = Server(settings, fake_engine())
        with pytest.raises(AddressUnavailable) as refused:
            await second.__aenter__()
        async with served.stream() as stream:
            await stream.audio(linear16(speak(range(5))))
            await stream.end_of_audio()
            await stream.summary()
    assert refused.value.metadata == {
        "host": "127.0.0.1",
        "port": str(settings.grpc_port),
    }
    assert_heard(stream.texts, range(5))
