"""A backend that is a remote server is to its links what the server's own backend is."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from sori.v1 import speech_pb2 as pb
from sori_server.app import Server
from sori_server.domain.errors import (
    AudioGap,
    CapacityExhausted,
    InvalidConfig,
    ModelNotFound,
    ProtocolViolation,
    ServerDraining,
    SlowReader,
    SoriError,
    UpstreamUnavailable,
)
from sori_server.domain.limits import Limits
from sori_server.engine.fake import POISON_WORD, FakeBehaviour
from sori_server.settings import Settings
from sori_server.transport.contract.backend import SpeechBackend
from sori_server.transport.contract.local import LocalBackend
from sori_server.upstream.backend import UpstreamBackend
from support import scripted_server
from support.chaos_proxy import ChaosProxy, proxied
from support.links import ScriptedLink, ending, streaming
from support.raw_client import PATIENCE
from support.scripted_server import ScriptedCall, ScriptedService
from support.speech_server import Served, fake_engine, server_for, serving
from support.word_audio import assert_heard, conversation, linear16, silence, speak

pytestmark = pytest.mark.contract

Script = Callable[[ScriptedLink], None]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as served:
        yield served


@asynccontextmanager
async def upstream(
    address: str, limits: Limits | None = None
) -> AsyncIterator[tuple[UpstreamBackend, ScriptedLink]]:
    """A backend that is the server at `address`, and a client for it."""
    async with UpstreamBackend(address, limits or Limits()) as backend:
        yield backend, ScriptedLink()


async def played(backend: SpeechBackend, script: Script) -> tuple[ScriptedLink, Exception | None]:
    """What a client gets that sends all it has at once."""
    link = ScriptedLink()
    script(link)
    async with streaming(backend, link) as stream:
        return link, await ending(stream)


def by_kind(link: ScriptedLink) -> dict[str, list[str]]:
    """What was said, but for what differs from one stream to the next."""
    said: dict[str, list[str]] = {}
    for response in link.responses:
        kind = response.WhichOneof("response") or ""
        message = getattr(response, kind)
        for changing in ("session_id", "inference_time"):
            if changing in message.DESCRIPTOR.fields_by_name:
                message.ClearField(changing)
        if kind == "progress":  # how far depends on when
            message.Clear()
        said.setdefault(kind, []).append(str(message))
    return said


async def until_ready(backend: SpeechBackend, *, ready: bool = True) -> None:
    async with asyncio.timeout(PATIENCE):
        while backend.ready is not ready:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


# ----------------------------------------------------------------- the same as a local one


def everything(link: ScriptedLink) -> None:
    """All kinds of messages, and all kinds of responses to them."""
    link.config(voice_activity_events=True)
    link.audio(linear16(conversation([range(10), [POISON_WORD]])))
    link.audio(linear16(speak(range(20, 25))))
    link.send(keep_alive=pb.KeepAlive())
    link.send(finalize=pb.Finalize(request_id="now"))
    link.audio(linear16(conversation([range(30, 40)])))
    link.end()


async def test_the_same_responses(served: Served) -> None:
    near, failure = await played(LocalBackend(served.gateway), everything)
    assert failure is None
    async with upstream(served.address) as (backend, _):
        far, failure = await played(backend, everything)
    assert failure is None
    assert far.unbroken
    assert far.kinds[0] == "session_started"
    assert far.kinds[-1] == "session_summary"
    assert by_kind(far) == by_kind(near)
    assert set(far.kinds) == {
        *("session_started", "result", "speech_event", "progress", "finalized", "warning"),
        "session_summary",
    }
    assert_heard(far.texts, [*range(10), *range(20, 25), *range(30, 40)])


async def test_interim_text_while_audio_is_sent(served: Served) -> None:
    async with upstream(served.address) as (backend, link), streaming(backend, link) as stream:
        link.config(interim_results=True)
        link.audio(linear16(conversation([range(20)], pause=0)))
        await link.until(lambda r: r.HasField("result") and not r.result.is_final)
        assert not stream.done()
        link.half_close()
        assert await ending(stream) is None
        assert_heard(link.texts, range(20))


async def test_a_stream_that_the_server_ends_needs_no_more_audio(served: Served) -> None:
    async with upstream(served.address) as (backend, link), streaming(backend, link) as stream:
        link.config(single_utterance=True)
        link.audio(linear16(conversation([range(5)])))
        assert await ending(stream) is None
        assert link.kinds[-1] == "session_summary"


def no_config(link: ScriptedLink) -> None:
    link.audio(linear16(speak([1])))


def nothing(link: ScriptedLink) -> None:
    link.half_close()


def wrong_field(link: ScriptedLink) -> None:
    link.config(audio_format=pb.AudioFormat(encoding=pb.AUDIO_ENCODING_LINEAR16))


def unknown_model(link: ScriptedLink) -> None:
    link.config(model="huge")


def second_config(link: ScriptedLink) -> None:
    link.config()
    link.audio(linear16(conversation([range(8)])))
    link.config()


def gap(link: ScriptedLink) -> None:
    link.config()
    link.audio(linear16(conversation([range(8)])))
    link.send(audio=pb.AudioChunk(data=b"\0\0", byte_offset=1_000_000))


def bad_frame(link: ScriptedLink) -> None:
    link.config()
    link.audio(linear16(conversation([range(8)])))
    link.fail(ProtocolViolation("message: is odd", metadata={"field": "message"}))


def bad_first_frame(link: ScriptedLink) -> None:
    link.fail(InvalidConfig("config.beam", "is not known"))


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (no_config, ProtocolViolation, 0),
        (nothing, ProtocolViolation, 0),
        (wrong_field, InvalidConfig, 0),
        (unknown_model, ModelNotFound, 0),
        (second_config, ProtocolViolation, 8),
        (gap, AudioGap, 8),
        (bad_frame, ProtocolViolation, 8),
        (bad_first_frame, InvalidConfig, 0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_the_same_errors_after_the_same_words(
    served: Served, script: Script, kind: type[SoriError], words: int
) -> None:
    near, expected = await played(LocalBackend(served.gateway), script)
    async with upstream(served.address) as (backend, _):
        far, error = await played(backend, script)
    assert isinstance(error, SoriError)
    assert isinstance(expected, SoriError)
    assert type(error) is type(expected) is kind
    assert str(error) == str(expected)
    assert error.metadata == expected.metadata
    assert error.retry_after == expected.retry_after
    assert_heard(far.texts, range(words))
    assert by_kind(far) == by_kind(near)
    assert far.unbroken


async def test_the_same_answers_to_questions(served: Served) -> None:
    local = LocalBackend(served.gateway)
    async with upstream(served.address) as (backend, _):
        assert list(await backend.models()) == list(await local.models())
        assert await backend.server_info() == await local.server_info()


# ------------------------------------------------------------------ clients that are gone


class Gone(Exception):
    """What a link raises whose client is gone."""


async def test_a_client_that_is_gone_ends_the_stream_at_the_server(served: Served) -> None:
    async with upstream(served.address) as (backend, link), streaming(backend, link) as stream:
        link.config()
        await link.until_kind("session_started")
        await served.until_streams(1)
        link.fail(Gone())
        assert isinstance(await ending(stream), Gone)
        await served.until_streams(0)
        assert backend.active_streams == 0


async def test_a_cancelled_stream_ends_at_the_server(served: Served) -> None:
    async with upstream(served.address) as (backend, link), streaming(backend, link) as stream:
        link.config()
        await link.until_kind("session_started")
        await served.until_streams(1)
        stream.cancel()
        await served.until_streams(0)
        assert backend.active_streams == 0


async def test_a_client_that_does_not_read_is_cut_off(served: Served) -> None:
    async with upstream(served.address, Limits(write_timeout=0.1)) as (backend, link):
        async with streaming(backend, link) as stream:
            link.taking.clear()
            link.config()
            assert isinstance(await ending(stream), SlowReader)
        await served.until_streams(0)


async def test_clients_that_do_not_read_disturb_no_other_on_the_connection() -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        talkative = (await call.read()) is not None
        while talkative:
            await call.say("word " * 1_000)
        await call.say("the last word")
        await call.send(session_summary=pb.SessionSummary())

    async with (
        scripted_server.serve(ScriptedService(script)) as port,
        upstream(f"127.0.0.1:{port}") as (backend, _),
        AsyncExitStack() as stack,
    ):
        for _ in range(20):
            slow = ScriptedLink()
            slow.config()
            slow.send(keep_alive=pb.KeepAlive())
            await stack.enter_async_context(streaming(backend, slow))
            await slow.until(lambda response: response.HasField("result"))
            slow.taking.clear()
        await asyncio.sleep(0.2)  # what they do not read fills every window there is
        quick, failure = await played(backend, quiet)
        assert failure is None
        assert quick.texts == ["the last word"]


def quiet(link: ScriptedLink) -> None:
    link.config()
    link.half_close()


async def test_a_server_that_does_not_read_makes_the_client_wait() -> None:
    over = asyncio.Event()

    async def deaf(call: ScriptedCall) -> None:
        await call.start()
        await over.wait()

    async with (
        scripted_server.serve(ScriptedService(deaf)) as port,
        upstream(f"127.0.0.1:{port}") as (backend, link),
        streaming(backend, link),
    ):
        link.config()
        link.audio(bytes(32 * 2**20), chunk=2**16)
        await link.until_kind("session_started")
        before = -1
        while before != link.reads:
            before = link.reads
            await asyncio.sleep(0.2)
        assert link.reads < 256
        over.set()


# ------------------------------------------------------------------ servers that are gone


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_server_that_is_not_there() -> None:
    async with upstream(f"127.0.0.1:{free_port()}") as (backend, link):
        link.config()
        for asked in (backend.stream(link), backend.models(), backend.server_info()):
            with pytest.raises(UpstreamUnavailable) as refused:
                await asked
            assert refused.value.retryable
            assert refused.value.retry_after == Limits().retry_delay
        assert not backend.ready
        assert link.responses == []


async def test_a_server_that_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        async with upstream(address, Limits(upstream_timeout=0.2)) as (backend, link):
            link.config()
            for asked in (backend.models(), backend.server_info(), backend.stream(link)):
                with pytest.raises(UpstreamUnavailable):
                    async with asyncio.timeout(PATIENCE):
                        await asked


async def test_a_server_that_has_nothing_to_say_to_a_config() -> None:
    over = asyncio.Event()

    async def mute(call: ScriptedCall) -> None:
        await call.read()
        await over.wait()

    async with (
        scripted_server.serve(ScriptedService(mute)) as port,
        upstream(f"127.0.0.1:{port}", Limits(upstream_timeout=0.5)) as (backend, link),
        streaming(backend, link) as stream,
    ):
        await asyncio.sleep(0.7)  # nothing was asked yet
        assert not stream.done()
        link.config()
        assert isinstance(await ending(stream), UpstreamUnavailable)
        over.set()


async def test_all_streams_of_a_server_go_through_one_connection_and_the_rest_is_told() -> None:
    """Who comes when no stream is free does not wait without a word."""
    limits = Limits(max_streams=12, max_batch_streams=1)
    async with (
        serving(limits=limits) as served,
        upstream(served.address) as (backend, _),
        AsyncExitStack() as stack,
    ):
        assert (await backend.server_info()).available_stream_count == 12
        streams = []
        for _ in range(40):
            link = ScriptedLink()
            streams.append(await stack.enter_async_context(streaming(backend, link)))
            link.config()
        async with asyncio.timeout(PATIENCE):
            while sum(each.done() for each in streams) < 28:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        endings = [each.exception() for each in streams if each.done()]
        told = Counter(type(each) for each in endings)
        assert told.keys() <= {CapacityExhausted, UpstreamUnavailable}, "or gRPC refused it, twice"
        assert told[CapacityExhausted] > 14
        assert all(isinstance(each, SoriError) and each.retryable for each in endings)
        assert (await backend.server_info()).active_stream_count == 12


async def test_a_lost_server_is_told_after_its_words_and_found_again(served: Served) -> None:
    proxy: ChaosProxy
    async with (
        proxied(served.server.grpc_port) as (proxy, port),
        upstream(f"127.0.0.1:{port}") as (backend, link),
    ):
        async with streaming(backend, link) as stream:
            link.config()
            link.audio(linear16(conversation([range(8)])))
            await link.until(lambda response: response.result.is_final)
            proxy.cut()
            error = await ending(stream)
        assert isinstance(error, UpstreamUnavailable)
        assert error.retry_after == Limits().retry_delay
        assert_heard(link.texts, range(8))
        await served.until_streams(0)
        await until_ready(backend)
        again, failure = await played(backend, everything)
        assert failure is None
        assert again.kinds[-1] == "session_summary"


async def test_ready_follows_the_server_and_does_not_hold_it_up() -> None:
    limits = Limits(write_timeout=10 * PATIENCE)  # what a server waits for its watchers
    port = free_port()
    async with upstream(f"127.0.0.1:{port}", Limits(retry_delay=0.05)) as (backend, _):
        assert not backend.ready
        server = Server(Settings(grpc_port=port, bridge_port=0, limits=limits), fake_engine())
        async with asyncio.timeout(2 * PATIENCE):
            async with server:
                await until_ready(backend)
            assert not backend.ready


# ------------------------------------------------------------------------------- leaving


async def test_a_server_that_leaves_says_so_through_the_bridge() -> None:
    limits = Limits(drain_grace=0.1)
    server = server_for(fake_engine(FakeBehaviour(batch_cost=0.02)), limits)
    async with server, upstream(f"127.0.0.1:{server.grpc_port}") as (backend, link):
        async with streaming(backend, link) as stream:
            link.config()
            link.audio(linear16(conversation([range(20)])))
            await link.until_kind("session_started")
            await asyncio.sleep(0.05)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(server.gateway.drain())
            assert isinstance(await ending(stream), ServerDraining)
        assert "go_away" in link.kinds
        assert link.unbroken


async def test_a_drain_tells_open_streams_and_loses_no_final(served: Served) -> None:
    limits = Limits(drain_grace=0.1)
    async with upstream(served.address, limits) as (backend, _):
        links = [ScriptedLink() for _ in range(5)]
        async with asyncio.TaskGroup() as tasks:
            streams = [tasks.create_task(_ends(backend, link)) for link in links]
            for link in links:
                link.config()
                link.audio(linear16(conversation([range(10)])))
                await link.until(lambda response: response.result.is_final)
                link.audio(linear16(speak(range(10, 20))))
                await link.until_reads(1 + 26 + 10)
            await backend.drain()
        for stream, link in zip(streams, links, strict=True):
            error = stream.result()
            assert isinstance(error, ServerDraining)
            assert error.retry_after is not None
            assert_heard(link.texts, range(20))
            assert link.kinds.count("go_away") == 1
            assert "session_summary" not in link.kinds
            assert link.unbroken
        assert not backend.ready
        with pytest.raises(ServerDraining):
            await backend.stream(ScriptedLink())
        info = await backend.server_info()
        assert info.draining
        assert info.available_stream_count == 0


async def _ends(backend: SpeechBackend, link: ScriptedLink) -> Exception | None:
    async with streaming(backend, link) as stream:
        return await ending(stream)


async def test_a_stream_that_ends_by_itself_in_a_drain_ends_well(served: Served) -> None:
    async with upstream(served.address) as (backend, link), streaming(backend, link) as stream:
        link.config()
        link.audio(linear16(conversation([range(10)])))
        await link.until_kind("session_started")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(backend.drain())
            await link.until_kind("go_away")
            link.audio(linear16(speak(range(10, 20))))
            link.end()
            assert await ending(stream) is None
        (leaving,) = [r.go_away for r in link.responses if r.HasField("go_away")]
        assert leaving.time_left.seconds == Limits().drain_grace
        assert_heard(link.texts, range(20))
        assert link.kinds[-1] == "session_summary"
        assert link.unbroken


async def test_after_the_totals_there_is_nothing_to_leave() -> None:
    over = asyncio.Event()

    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.send(session_summary=pb.SessionSummary())
        await over.wait()

    async with (
        scripted_server.serve(ScriptedService(script)) as port,
        upstream(f"127.0.0.1:{port}", Limits(drain_grace=0.1)) as (backend, link),
        streaming(backend, link),
        asyncio.TaskGroup() as tasks,
    ):
        link.config()
        await link.until_kind("session_summary")
        tasks.create_task(backend.drain())
        await asyncio.sleep(0.05)
        over.set()
    assert link.kinds == ["session_started", "session_summary"]


async def test_before_the_session_there_is_nothing_to_leave(served: Served) -> None:
    limits = Limits(drain_grace=0.1)
    async with upstream(served.address, limits) as (backend, link):
        async with streaming(backend, link) as stream:
            await served.until_streams(0)
            await backend.drain()
            assert isinstance(await ending(stream), ServerDraining)
        assert link.responses == []


async def test_streams_that_are_open_when_it_is_left_are_ended(served: Served) -> None:
    link = ScriptedLink()
    async with UpstreamBackend(served.address, Limits()) as backend:
        stream = asyncio.create_task(backend.stream(link))
        link.config()
        link.audio(linear16(silence(3)))
        await link.until_kind("session_started")
    assert backend.active_streams == 0
    assert isinstance(await ending(stream), ServerDraining)
    await served.until_streams(0)
