"""What the Python client promises when the connection of a stream breaks: every event, once."""

# ruff: noqa: S106 - tokens that protect nothing

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from sori.v1 import speech_pb2 as pb
from sori_client import (
    Bytes,
    Client,
    Finalized,
    Reconnected,
    Reconnecting,
    Result,
    Resume,
    SessionStarted,
    Source,
    SpeechEvent,
    Summary,
    Timeouts,
    errors,
)
from sori_client.outbox import Outbox
from support.chaos_proxy import ChaosProxy, proxied
from support.client_drivers import (
    LINEAR16,
    QUICKLY,
    Driver,
    Endless,
    Outcome,
    addresses,
    driver,
    nothing_leaks,
)
from support.scripted_server import (
    Script,
    ScriptedCall,
    ScriptedService,
    acts,
    info,
    retry,
    serve,
)

pytestmark = pytest.mark.contract

__all__ = ["driver", "nothing_leaks"]

AUDIO = b"".join(number.to_bytes(4, "little") for number in range(25_000))
NOBODY = 9
"""A port where nobody listens."""
SETTLING = 0.1
"""Seconds in which what was sent arrives on this machine."""


class Line:
    """A server with a script for each connection, behind a line that can be cut."""

    proxy: ChaosProxy
    port: int

    def __init__(self, *scripts: Script) -> None:
        self.service = ScriptedService(acts(*scripts))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with serve(self.service) as port, proxied(port) as (self.proxy, self.port):
            yield

    async def cut(self, call: ScriptedCall) -> None:
        await self.proxy.settled()
        self.proxy.cut()
        await call.read_all()

    async def play(
        self, driver: Driver, source: Source | None = None, resume: Resume | None = QUICKLY
    ) -> Outcome:
        async with self.open():
            source = source or Bytes([AUDIO], LINEAR16)
            return await asyncio.wait_for(driver.stream(self.port, source, resume=resume), 15)

    @property
    def resumptions(self) -> list[pb.ResumeOptions]:
        return [call.received[0].config.resume for call in self.service.calls]


def audio_of(calls: Sequence[ScriptedCall]) -> bytes:
    """The audio of a session, each byte where the client says that it belongs."""
    audio = bytearray()
    for call in calls:
        chunks = [request.audio for request in call.received if request.HasField("audio")]
        at = chunks[0].byte_offset if chunks else 0
        assert at <= len(audio), "there is a gap"
        for chunk in chunks:
            assert not chunk.HasField("byte_offset") or chunk.byte_offset == at
            audio[at : at + len(chunk.data)] = chunk.data
            at += len(chunk.data)
    return bytes(audio)


def kinds(outcome: Outcome) -> list[type]:
    return [type(event) for event in outcome.events]


@pytest.mark.parametrize("times", [1, 4])
async def test_a_line_cut_before_any_answer_begins_again_from_the_first_byte(
    driver: Driver, times: int
) -> None:
    async def before(call: ScriptedCall) -> None:
        await call.read_audio(1)
        await line.cut(call)

    async def well(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="b")
        await call.finish()

    line = Line(*[before] * times, well)
    outcome = await line.play(driver)
    assert outcome.error is None
    assert kinds(outcome) == [SessionStarted, Result, Summary]
    assert line.resumptions == [pb.ResumeOptions(enabled=True)] * (times + 1)
    assert audio_of(line.service.calls[times:]) == AUDIO


async def test_a_server_that_always_breaks_before_its_answer_is_given_up(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.read()
        line.proxy.cut()
        await call.read_all()

    line = Line(script)
    outcome = await line.play(driver, Endless())
    assert isinstance(outcome.error, errors.Unavailable)
    assert 2 < len(line.service.calls) < 10


async def test_a_line_cut_in_the_middle_of_the_audio_goes_on_where_the_server_says(
    driver: Driver,
) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.read_audio(60_000)
        await call.say("one", token="b")
        await line.cut(call)

    async def second(call: ScriptedCall) -> None:
        await call.resume(40_001, "c")
        await call.say("two", token="d")
        await call.finish()

    line = Line(first, second)
    outcome = await line.play(driver)
    assert outcome.error is None
    assert outcome.texts == ["one", "two"]
    assert kinds(outcome) == [
        SessionStarted,
        Result,
        Reconnecting,
        Reconnected,
        Result,
        Summary,
    ]
    assert line.resumptions[1] == pb.ResumeOptions(enabled=True, resume_token="b", last_sequence=2)
    again = line.service.calls[1].received
    assert next(r.audio.byte_offset for r in again if r.HasField("audio")) == 40_001
    assert again[-1].end_of_audio.total_bytes == len(AUDIO)
    assert again[0].config.recognition == line.service.calls[0].received[0].config.recognition
    assert audio_of(line.service.calls) == AUDIO


async def test_the_newest_token_counts_and_every_number_that_came(driver: Driver) -> None:
    async def between_final_and_progress(call: ScriptedCall) -> None:
        await call.start("a")
        await call.read_audio(60_000)
        await call.send(progress=pb.Progress(resume_token="b", committed_byte_offset=10_000))
        await call.say("one", token="c")
        await line.cut(call)

    async def after_progress(call: ScriptedCall) -> None:
        await call.resume(20_000, "d")
        await call.send(progress=pb.Progress(resume_token="e", committed_byte_offset=20_000))
        await line.cut(call)

    async def last(call: ScriptedCall) -> None:
        await call.resume(20_000, "f")
        await call.finish()

    line = Line(between_final_and_progress, after_progress, last)
    outcome = await line.play(driver)
    assert outcome.error is None
    asked = [(each.resume_token, each.last_sequence) for each in line.resumptions]
    assert asked == [("", 0), ("c", 3), ("e", 5)]
    assert outcome.texts == ["one"]
    assert audio_of(line.service.calls) == AUDIO


@pytest.mark.parametrize("said", [True, False])
async def test_a_line_cut_after_the_end_of_audio_says_the_end_again(
    driver: Driver, said: bool
) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.read_all()
        if said:
            await call.say("one", token="b")
        await line.cut(call)

    async def second(call: ScriptedCall) -> None:
        await call.resume(len(AUDIO), "c")
        if not said:
            await call.say("one", token="d")
        await call.finish()

    line = Line(first, second)
    outcome = await line.play(driver)
    assert outcome.error is None
    assert outcome.texts == ["one"]
    again = line.service.calls[1].received
    assert [request.WhichOneof("request") for request in again] == ["config", "end_of_audio"]
    assert again[-1].end_of_audio.total_bytes == len(AUDIO)


async def test_a_line_cut_behind_the_summary_loses_nothing(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start("a")
        await call.read_all()
        await call.send(session_summary=pb.SessionSummary())
        await line.cut(call)
        await asyncio.sleep(10)

    line = Line(script)
    outcome = await line.play(driver)
    assert outcome.error is None
    assert kinds(outcome) == [SessionStarted, Summary]
    assert len(line.service.calls) == 1


async def test_a_line_that_breaks_again_and_again_is_mended_each_time(driver: Driver) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("0")
        await call.say("0", token="0")
        await call.read_audio(1000)  # what the next one says that it has
        await line.cut(call)

    async def next_one(call: ScriptedCall) -> None:
        count = len(line.service.calls) - 1
        await call.resume(count * 1000, str(count))
        await call.say(str(count), token=str(count))
        if count < 6:
            await call.read_audio(1000)
            await line.cut(call)
        await call.finish()

    line = Line(first, next_one)
    outcome = await line.play(driver)
    assert outcome.error is None
    assert outcome.texts == list("0123456")
    assert sum(isinstance(event, Reconnected) for event in outcome.events) == 6
    assert audio_of(line.service.calls) == AUDIO


async def test_finals_are_acknowledged_and_the_rest_before_the_server_must_wait(
    driver: Driver,
) -> None:
    def acknowledged(call: ScriptedCall) -> list[int]:
        kept = [r.response_ack for r in call.received if r.HasField("response_ack")]
        return [each.sequence for each in kept]

    async def until(call: ScriptedCall, sequence: int) -> list[int]:
        async with asyncio.timeout(5):
            while sequence not in acknowledged(call):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return acknowledged(call)

    async def script(call: ScriptedCall) -> None:
        await call.read()
        reading = asyncio.ensure_future(call.read_all())
        limits = pb.ServerLimits(max_unacknowledged_responses=40)
        await call.send(session_started=pb.SessionStarted(resume_token="a", limits=limits))
        await call.send(progress=pb.Progress(resume_token="b"))
        await call.say("one", token="c")
        seen.append(await until(call, 3))
        for _ in range(9):
            await call.send(progress=pb.Progress(resume_token="d"))
        await asyncio.sleep(SETTLING)
        seen.append(acknowledged(call))
        await call.send(progress=pb.Progress(resume_token="d"))
        seen.append(await until(call, 13))
        await call.say(*"abcdefgh", token="e")
        seen.append((await until(call, 21))[-1:])
        await asyncio.wait_for(reading, 5)
        await call.say("last", token="f")
        await call.read()
        seen.append(acknowledged(call)[-1:])
        await call.send(session_summary=pb.SessionSummary())

    async def spoken() -> AsyncGenerator[bytes, None]:
        for _ in range(200):
            yield bytes(320)
            await asyncio.sleep(0.01)

    seen: list[list[int]] = []
    line = Line(script)
    outcome = await line.play(driver, Bytes(spoken(), LINEAR16))
    assert outcome.error is None
    assert seen == [[3], [3], [3, 13], [21], [22]]


async def test_audio_that_is_no_longer_kept_is_an_error_that_names_the_limit(
    driver: Driver,
) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="b")
        await call.read_audio(len(AUDIO))
        await line.cut(call)

    async def second(call: ScriptedCall) -> None:
        await call.resume(10_000, "c")
        await call.read_all()

    line = Line(first, second)
    source = Bytes([AUDIO, bytes(20)], LINEAR16)
    outcome = await line.play(driver, source, Resume(replay_bytes=20_000))
    assert isinstance(outcome.error, errors.ReplayLimitExceeded)
    assert (outcome.error.limit, outcome.error.wanted) == (20_000, 10_000)
    assert outcome.texts == ["one"]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.NOT_FOUND, "RESUME_TOKEN_INVALID", errors.SessionLost),
        (grpc.StatusCode.DATA_LOSS, "AUDIO_GAP", errors.AudioLost),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CONFIG", errors.InvalidRequest),
    ],
)
async def test_a_server_that_refuses_to_go_on_is_heard(
    driver: Driver, code: grpc.StatusCode, reason: str, kind: type[Exception]
) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="b")
        await line.cut(call)

    async def second(call: ScriptedCall) -> None:
        await call.abort(code, "no", info(reason))

    line = Line(first, second)
    outcome = await line.play(driver, Endless())
    assert type(outcome.error) is kind
    assert outcome.texts == ["one"]
    assert len(line.service.calls) == 2


async def test_a_server_that_begins_anew_is_not_taken_for_the_old_one(driver: Driver) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="b")
        await line.cut(call)

    async def forgetful(call: ScriptedCall) -> None:
        await call.start("c")
        await call.say("one", token="d")
        await call.read_all()

    line = Line(first, forgetful)
    outcome = await line.play(driver, Endless())
    assert isinstance(outcome.error, errors.SessionLost)
    assert outcome.texts == ["one"]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.ABORTED, "SESSION_SUPERSEDED", errors.SessionSuperseded),
        (grpc.StatusCode.ABORTED, "IDLE_TIMEOUT", errors.IdleTimeout),
        (grpc.StatusCode.OUT_OF_RANGE, "SESSION_DURATION_EXCEEDED", errors.SessionTooLong),
        (grpc.StatusCode.INTERNAL, "RECOGNITION_FAILED", errors.ServerError),
    ],
)
async def test_what_a_server_ends_on_purpose_is_not_resumed(
    driver: Driver, code: grpc.StatusCode, reason: str, kind: type[Exception]
) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="b")
        await call.abort(code, "over", info(reason))

    line = Line(script)
    outcome = await line.play(driver, Endless())
    assert type(outcome.error) is kind
    assert kinds(outcome) == [SessionStarted, Result]
    assert len(line.service.calls) == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING"),
        (grpc.StatusCode.UNAVAILABLE, "ENGINE_UNAVAILABLE"),
        (grpc.StatusCode.ABORTED, "SLOW_READER"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAM_CAPACITY_EXHAUSTED"),
        (grpc.StatusCode.INTERNAL, ""),
        (grpc.StatusCode.UNKNOWN, ""),
    ],
)
async def test_what_another_attempt_may_mend_is_tried_again(
    driver: Driver, code: grpc.StatusCode, reason: str
) -> None:
    details: list[Message] = [info(reason)] if reason else []

    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="b")
        await call.abort(code, "not now", *details)

    async def still_not(call: ScriptedCall) -> None:
        await call.abort(code, "not now", *details, retry(0.1))

    async def last(call: ScriptedCall) -> None:
        await call.resume(0, "c")
        await call.say("two", token="d")
        await call.finish()

    line = Line(first, still_not, last)
    outcome = await line.play(driver)
    assert outcome.error is None
    assert outcome.texts == ["one", "two"]
    lost = [event for event in outcome.events if isinstance(event, Reconnecting)]
    assert [each.reason for each in lost] == [reason or code.name]
    back = [event for event in outcome.events if isinstance(event, Reconnected)]
    assert [each.address for each in back] == addresses(line.port)
    assert 0.1 <= back[0].downtime < 4.5


async def test_patience_has_an_end_and_every_event_comes_before_it(driver: Driver) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="b")
        line.proxy.upstream = NOBODY
        await line.cut(call)

    line = Line(first)
    begin = time.monotonic()
    source = Endless()
    outcome = await line.play(driver, source, Resume(patience=0.6, longest_pause=0.1))
    assert type(outcome.error) is errors.ConnectionLost
    assert "gave up after" in str(outcome.error)
    assert outcome.error.retryable
    assert kinds(outcome) == [SessionStarted, Result, Reconnecting]
    assert 0.6 < time.monotonic() - begin < 10
    assert source.closed


async def test_a_server_that_breaks_each_time_without_progress_is_given_up(
    driver: Driver,
) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.abort(grpc.StatusCode.UNKNOWN, "it fell over")

    async def again(call: ScriptedCall) -> None:
        await call.resume(0, "b")
        await call.abort(grpc.StatusCode.UNKNOWN, "it fell over")

    line = Line(first, again)
    policy = Resume(patience=1.5, first_pause=0.05, longest_pause=0.05)
    outcome = await line.play(driver, Endless(), policy)
    assert type(outcome.error) is errors.ConnectionLost
    assert 3 < len(line.service.calls) < 200


async def test_without_resume_a_lost_connection_is_the_end(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start("given unasked")
        await call.say("one", token="b")
        await line.cut(call)

    line = Line(script)
    outcome = await line.play(driver, Endless(), None)
    assert type(outcome.error) is errors.ConnectionLost
    assert kinds(outcome) == [SessionStarted, Result]
    assert len(line.service.calls) == 1
    assert not line.service.calls[0].received[0].config.HasField("resume")
    assert not any(r.HasField("response_ack") for r in line.service.calls[0].received)


async def test_a_server_without_tokens_is_served_as_before(driver: Driver) -> None:
    async def script(call: ScriptedCall) -> None:
        await call.start()
        await call.say("one")
        await call.read_audio(3_200)
        await line.cut(call)

    line = Line(script)
    outcome = await line.play(driver, Endless())
    assert type(outcome.error) is errors.ConnectionLost
    assert kinds(outcome) == [SessionStarted, Result]
    assert len(line.service.calls) == 1
    assert not any(r.HasField("response_ack") for r in line.service.calls[0].received)


async def test_a_peer_that_went_silent_is_left_for_a_new_connection(driver: Driver) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say("one", token="b")
        await silent.settled()
        silent.freeze()
        await call.read_all()

    async def second(call: ScriptedCall) -> None:
        await call.resume(0, "c")
        await call.say("two", token="d")
        await call.read_audio(1)
        await call.send(session_summary=pb.SessionSummary())

    fast = (
        ("grpc.keepalive_time_ms", 300),
        ("grpc.keepalive_timeout_ms", 300),
        ("grpc.http2.ping_timeout_ms", 300),
    )
    service = ScriptedService(acts(first, second))
    async with serve(service) as port, proxied(port) as (silent, silent_port):
        # The silent address takes connections and says nothing: attempts there time out.
        stream = driver.stream(
            (silent_port, port), Endless(), timeouts=Timeouts(connect=0.5), options=fast
        )
        outcome = await asyncio.wait_for(stream, 15)
    assert outcome.error is None
    assert outcome.texts == ["one", "two"]


async def test_a_slow_reader_loses_nothing_when_the_server_lets_go_of_it(driver: Driver) -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.say(*map(str, range(30)), token="b")
        await call.abort(grpc.StatusCode.ABORTED, "slow", info("SLOW_READER"))

    async def second(call: ScriptedCall) -> None:
        asked = await call.resume(0, "c")
        assert asked.last_sequence == 31
        await call.say(*map(str, range(30, 40)), token="d")
        await call.finish()

    line = Line(first, second)
    async with line.open():
        outcome = await driver.stream(line.port, Bytes([AUDIO], LINEAR16), pause=0.005)
    assert outcome.error is None
    assert outcome.texts == list(map(str, range(40)))


async def test_the_source_is_read_on_while_there_is_no_connection(driver: Driver) -> None:
    class Spoken(Endless):
        spoken = 0

        async def chunks(self) -> AsyncGenerator[bytes, None]:
            async for chunk in super().chunks():
                self.spoken += len(chunk)
                yield chunk

    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        line.proxy.upstream = NOBODY
        await line.proxy.settled()
        line.proxy.cut()
        gone.set()
        await call.read_all()

    async def second(call: ScriptedCall) -> None:
        await call.resume(0, "b")
        await call.read_audio(source.spoken)
        await call.send(session_summary=pb.SessionSummary())

    line, source, gone = Line(first, second), Spoken(), asyncio.Event()
    async with line.open():
        port = line.proxy.upstream
        patient = Resume(patience=20.0, first_pause=0.02, longest_pause=0.2)
        streaming = asyncio.ensure_future(driver.stream(line.port, source, resume=patient))
        await asyncio.wait_for(gone.wait(), 10)
        before = source.spoken
        async with asyncio.timeout(10):
            while source.spoken - before <= 20 * 320:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        line.proxy.upstream = port
        outcome = await asyncio.wait_for(streaming, 10)
    assert outcome.error is None


async def test_finalize_is_asked_again_and_answered_once() -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        while not call.received[-1].HasField("finalize"):
            await call.read()
        before.extend(call.received)
        await line.cut(call)

    async def second(call: ScriptedCall) -> None:
        await call.resume(sum(len(request.audio.data) for request in before), "b")
        while not call.received[-1].HasField("finalize"):
            await call.read()
        for _ in range(2):  # as from a server that had received the first one, too
            await call.send(finalized=pb.Finalized(request_id="here"))
        await call.finish()

    line, before = Line(first, second), list[pb.StreamingRecognizeRequest]()
    async with line.open():
        client = Client(addresses(line.port), resume=QUICKLY)
        async with client, client.stream(Endless()) as stream:
            assert isinstance(await stream.receive(), SessionStarted)
            await stream.finalize("here")
            events = [await stream.receive() for _ in range(3)]
            assert events[2] == Finalized("here", 0.0)
            await stream.end()
            assert isinstance(await stream.receive(), Summary)
    assert [type(event) for event in events[:2]] == [Reconnecting, Reconnected]


async def test_speech_and_committed_words_are_not_told_again(driver: Driver) -> None:
    def interim(committed: str) -> pb.RecognitionResult:
        reading = pb.RecognitionAlternative(committed_text=committed, tentative_text=" maybe")
        return pb.RecognitionResult(alternatives=[reading])

    started = pb.SpeechEvent(type=pb.SPEECH_EVENT_TYPE_SPEECH_STARTED, offset=Duration(seconds=1))

    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        await call.send(speech_event=started)
        await call.send(result=interim("one two"))
        await line.cut(call)

    async def second(call: ScriptedCall) -> None:
        await call.resume(0, "b")
        await call.send(speech_event=started)
        await call.send(result=interim("one"))
        await call.send(result=interim("one two three"))
        await call.say("one two three four", token="c")
        await call.finish()

    line = Line(first, second)
    outcome = await line.play(driver)
    assert outcome.error is None
    assert sum(isinstance(event, SpeechEvent) for event in outcome.events) == 1
    assert outcome.texts == ["one two maybe", "one two three maybe", "one two three four"]


async def test_leaving_while_reconnecting_closes_everything_at_once() -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        line.proxy.upstream = NOBODY
        await line.cut(call)

    line, source = Line(first), Endless()
    async with line.open(), Client(addresses(line.port)) as client:
        async with client.stream(source) as stream:
            while not isinstance(await stream.receive(), Reconnecting):
                pass
            await asyncio.sleep(SETTLING)
            begin = time.monotonic()
        assert source.closed
        assert time.monotonic() - begin < 5


async def test_leaving_while_a_call_fails_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = asyncio.Event()
    sending = Outbox.next

    async def lingering(outbox: Outbox) -> pb.StreamingRecognizeRequest:
        try:
            return await sending(outbox)
        except asyncio.CancelledError:
            failing.set()
            await asyncio.sleep(SETTLING)
            raise

    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        line.proxy.upstream = NOBODY
        await line.cut(call)

    monkeypatch.setattr(Outbox, "next", lingering)
    line, source = Line(first), Bytes([bytes(320)], LINEAR16)
    async with line.open(), Client(addresses(line.port)) as client:
        async with client.stream(source):
            await failing.wait()
            begin = time.monotonic()
        assert time.monotonic() - begin < 5


async def test_closing_the_client_ends_a_stream_that_is_reconnecting() -> None:
    async def first(call: ScriptedCall) -> None:
        await call.start("a")
        line.proxy.upstream = NOBODY
        await line.cut(call)

    line = Line(first)
    async with line.open():
        client = Client(addresses(line.port), resume=Resume(first_pause=10.0, longest_pause=10.0))
        stream = client.stream(Endless())
        while not isinstance(await stream.receive(), Reconnecting):
            pass
        await client.aclose()
        with pytest.raises(errors.ConnectionLost, match="closed"):
            await asyncio.wait_for(stream.receive(), 5)
