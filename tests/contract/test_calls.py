"""The calls that are no streams, health, reflection, and who is let in."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
import pytest
import pytest_asyncio
import sori_server
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as reflection
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.fake import POISON_WORD, FakeBehaviour
from sori_server.engine.port import EngineLoad
from support.in_process import ScriptedEngine
from support.raw_client import LINEAR16, failure_of
from support.speech_server import Served, fake_engine, server_for, serving, undisturbed
from support.word_audio import assert_heard, conversation, linear16, speak

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

LIMITS = Limits(max_streams=3, retry_delay=0.25, max_recording_duration=5.0)
SERVICE = "sori.v1.SpeechService"
RAW = pb.RecognitionConfig(audio_format=LINEAR16)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(limits=LIMITS) as served:
        yield served


@asynccontextmanager
async def loading() -> AsyncIterator[Served]:
    """A server whose model takes a while; it is warm at the end."""
    engine = fake_engine(FakeBehaviour(load_time=2.0), LIMITS)
    server = server_for(engine, LIMITS)
    entering = asyncio.create_task(server.__aenter__())
    while not server.grpc_port:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    try:
        yield Served(server, engine)
    finally:
        await entering
        await server.__aexit__()


# ---------------------------------------------------------------------------- Recognize


async def test_a_recording_gives_all_its_words_and_the_totals(served: Served) -> None:
    audio = conversation([range(15), range(15, 20)])
    async with served.stub() as stub, undisturbed(served):
        answer = await stub.Recognize(pb.RecognizeRequest(config=RAW, audio=linear16(audio)))
    assert_heard([r.alternatives[0].committed_text for r in answer.results], range(20))
    assert [result.utterance_index for result in answer.results] == [0, 1]
    assert all(result.is_final for result in answer.results)
    assert answer.summary.received_audio.ToTimedelta().total_seconds() == len(audio) / 16_000
    assert answer.summary.final_result_count == 2


async def test_a_recording_has_the_output_asked_for(served: Served) -> None:
    config = pb.RecognitionConfig(
        audio_format=LINEAR16,
        language_codes=["ko"],
        features=pb.RecognitionFeatures(word_time_offsets=True),
    )
    async with served.stub() as stub:
        answer = await stub.Recognize(
            pb.RecognizeRequest(config=config, audio=linear16(speak(range(3))))
        )
    (result,) = answer.results
    assert result.language_code == "ko"
    assert [word.word for word in result.alternatives[0].words] == ["w0", "w1", "w2"]
    assert not result.HasField("latency")


async def test_an_empty_recording_has_no_results(served: Served) -> None:
    async with served.stub() as stub:
        answer = await stub.Recognize(pb.RecognizeRequest(config=RAW))
    assert not answer.results
    assert answer.summary.final_result_count == 0


async def test_a_recording_that_is_too_long_is_refused(served: Served) -> None:
    request = pb.RecognizeRequest(config=RAW, audio=linear16(speak(range(51))))
    async with served.stub() as stub:
        ending = await failure_of(stub.Recognize(request))
    assert ending.summary == ("OUT_OF_RANGE", "SESSION_DURATION_EXCEEDED")
    assert ending.metadata == {"max_recording_duration": "5"}
    assert "recording" in ending.message
    assert "5 s" in ending.message


async def test_a_recording_as_long_as_allowed_is_recognized(served: Served) -> None:
    request = pb.RecognizeRequest(config=RAW, audio=linear16(speak(range(50))))
    async with served.stub() as stub:
        answer = await stub.Recognize(request)
    assert_heard([r.alternatives[0].committed_text for r in answer.results], range(50))


@pytest.mark.parametrize(
    ("field", "config"),
    [
        ("config.audio_format.encoding", pb.RecognitionConfig()),
        ("config.task", pb.RecognitionConfig(audio_format=LINEAR16, task=9)),  # type: ignore[arg-type]
        (
            "config.language_codes[0]",
            pb.RecognitionConfig(audio_format=LINEAR16, language_codes=["de"]),
        ),
        ("config", pb.RecognitionConfig(audio_format=LINEAR16, model="m" * 20_000)),
    ],
)
async def test_a_bad_config_is_named_by_its_path(
    served: Served, field: str, config: pb.RecognitionConfig
) -> None:
    async with served.stub() as stub:
        ending = await failure_of(stub.Recognize(pb.RecognizeRequest(config=config)))
    assert ending.summary == ("INVALID_ARGUMENT", "INVALID_CONFIG")
    assert list(ending.violations) == [field]
    assert ending.metadata["field"] == field


async def test_a_recording_of_half_samples_is_refused(served: Served) -> None:
    async with served.stub() as stub:
        ending = await failure_of(stub.Recognize(pb.RecognizeRequest(config=RAW, audio=b"123")))
    assert ending.summary == ("INVALID_ARGUMENT", "AUDIO_UNDECODABLE")


async def test_a_recording_is_not_answered_in_part(served: Served) -> None:
    """A window the model cannot read fails the call: its answer has no place for warnings."""
    audio = linear16(conversation([range(5), [POISON_WORD], range(5, 9)]))
    async with served.stub() as stub, undisturbed(served):
        ending = await failure_of(stub.Recognize(pb.RecognizeRequest(config=RAW, audio=audio)))
    assert ending.summary == ("INTERNAL", "RECOGNITION_FAILED")
    assert float(ending.metadata["start"]) < 2.1 < float(ending.metadata["end"])


async def test_a_recording_takes_the_place_of_a_batch_stream_not_of_a_live_one() -> None:
    request = pb.RecognizeRequest(config=RAW, audio=linear16(speak(range(5))))
    limits = Limits(max_streams=1, max_batch_streams=1)
    async with serving(limits=limits) as served, served.stub() as stub, served.stream() as live:
        await live.until_kind("session_started")
        assert (await stub.Recognize(request)).results
        async with served.stream(priority=pb.PRIORITY_BATCH) as batch:
            started = await batch.until_kind("session_started")
            assert started.session_started.effective_config.priority == pb.PRIORITY_BATCH
            info = await stub.GetServerInfo(pb.GetServerInfoRequest())
            ending = await failure_of(stub.Recognize(request))
    assert (info.active_stream_count, info.available_stream_count) == (2, 0)
    assert ending.summary == ("RESOURCE_EXHAUSTED", "STREAM_CAPACITY_EXHAUSTED")
    assert ending.metadata == {"batch_streams": "1", "max_batch_streams": "1"}
    assert ending.retry_delay == 1.0


async def test_recordings_are_refused_before_their_bytes_are_taken() -> None:
    slow = FakeBehaviour(batch_cost=0.5)
    request = pb.RecognizeRequest(config=RAW, audio=linear16(speak(range(5))))
    limits = Limits(max_recordings=1)
    async with serving(slow, limits) as served, served.stub() as stub:
        first = asyncio.ensure_future(stub.Recognize(request))
        await served.until_streams(1)
        ending = await failure_of(stub.Recognize(request))
        assert (await first).results
        assert (await stub.Recognize(request)).results
    assert ending.summary == ("RESOURCE_EXHAUSTED", "STREAM_CAPACITY_EXHAUSTED")
    assert ending.metadata == {"max_recordings": "1"}
    assert ending.retry_delay == 1.0


async def test_a_call_without_a_recording_is_a_protocol_violation(served: Served) -> None:
    method = served.channel().stream_unary(
        "/sori.v1.SpeechService/Recognize",
        request_serializer=pb.RecognizeRequest.SerializeToString,
        response_deserializer=pb.RecognizeResponse.FromString,
    )
    ending = await failure_of(method(iter(())))
    assert ending.summary == ("FAILED_PRECONDITION", "PROTOCOL_VIOLATION")


# ------------------------------------------------------------------ models and server info


async def test_the_model_is_listed_with_all_its_fields(served: Served) -> None:
    async with served.stub() as stub:
        answer = await stub.ListModels(pb.ListModelsRequest(page_size=1))
    assert list(answer.models) == [
        pb.Model(
            name="fake",
            display_name="Fake (word-bearing audio)",
            revision="1",
            language_codes=["en", "ko"],
            loaded=True,
            tasks=[pb.TASK_TRANSCRIBE, pb.TASK_TRANSLATE],
        )
    ]
    assert answer.next_page_token == ""


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("page_size", pb.ListModelsRequest(page_size=-1)),
        ("page_token", pb.ListModelsRequest(page_token="next")),  # noqa: S106
    ],
)
async def test_pages_there_cannot_be_are_refused(
    served: Served, field: str, request_: pb.ListModelsRequest
) -> None:
    async with served.stub() as stub:
        ending = await failure_of(stub.ListModels(request_))
    assert ending.summary == ("INVALID_ARGUMENT", "INVALID_CONFIG")
    assert list(ending.violations) == [field]


@pytest.mark.parametrize("call", ["Recognize", "ListModels", "GetServerInfo"])
async def test_bytes_that_are_no_message_are_refused(served: Served, call: str) -> None:
    async with served.channel() as channel:
        ending = await failure_of(channel.unary_unary(f"/{SERVICE}/{call}")(b"\xff\xff"))
    assert ending.summary == ("FAILED_PRECONDITION", "PROTOCOL_VIOLATION")
    assert ending.metadata == {"field": "request"}


async def test_the_model_listed_can_be_named(served: Served) -> None:
    async with served.stream(model="fake") as stream:
        started = (await stream.until_kind("session_started")).session_started
    assert started.model.name == "fake"


async def test_server_info_tells_version_limits_and_load(served: Served) -> None:
    await served.until_streams(0)
    async with served.stub() as stub:
        idle = await stub.GetServerInfo(pb.GetServerInfoRequest())
        async with served.stream() as one, served.stream() as two:
            for stream in (one, two):
                await stream.until_kind("session_started")
            busy = await stub.GetServerInfo(pb.GetServerInfoRequest())
        await served.until_streams(0)
    assert idle.version == sori_server.__version__
    assert idle.limits.max_recording_duration.seconds == 5
    assert (idle.active_stream_count, idle.available_stream_count) == (0, 3)
    assert (busy.active_stream_count, busy.available_stream_count) == (2, 1)
    assert not busy.draining


# ---------------------------------------------------------------------------- admission


async def test_one_stream_too_many_is_refused_and_let_in_when_one_leaves(served: Served) -> None:
    async with served.stream() as one, served.stream() as two:
        async with undisturbed(served):
            for stream in (one, two):
                await stream.until_kind("session_started")
            async with served.stream() as refused:
                ending = await refused.ended()
        await served.until_streams(2)
        async with served.stream() as later:
            await later.until_kind("session_started")
    assert ending.summary == ("RESOURCE_EXHAUSTED", "STREAM_CAPACITY_EXHAUSTED")
    assert ending.metadata == {"active_streams": "3", "max_streams": "3"}
    assert ending.retry_delay == 0.25
    assert "3" in ending.message
    assert refused.responses == []


async def test_who_would_make_finals_late_is_refused_before_any_work() -> None:
    engine = ScriptedEngine()
    engine.busy = EngineLoad(lanes=2, final_cost=1.0, final_wait=3.0)
    async with server_for(engine) as server:
        served = Served(server, engine)
        async with served.stream() as first:
            await first.until_kind("session_started")
            engine.busy = replace(engine.busy, finals_busy=1.0)
            async with served.stream() as refused:
                await refused.audio(linear16(speak(range(20))))
                ending = await refused.ended()
            assert len(engine.streams) == 1
            assert engine.asked == []
    assert ending.summary == ("RESOURCE_EXHAUSTED", "STREAM_CAPACITY_EXHAUSTED")
    assert ending.metadata.keys() == {"active_streams", "predicted_delay", "max_final_delay"}
    assert ending.metadata["active_streams"] == "1"
    assert float(ending.metadata["predicted_delay"]) > 3.0
    assert ending.metadata["max_final_delay"] == "3.000"
    assert ending.retry_delay == 15.0
    assert refused.responses == []


async def test_nothing_is_served_while_the_model_loads_but_the_server_answers() -> None:
    request = pb.RecognizeRequest(config=RAW, audio=b"")
    async with loading() as served, served.stub() as stub:
        async with served.stream() as stream:
            endings = [
                await stream.ended(),
                await failure_of(stub.Recognize(request)),
                await failure_of(stub.ListModels(pb.ListModelsRequest())),
            ]
        info = await stub.GetServerInfo(pb.GetServerInfoRequest())
        assert not served.gateway.ready
    for ending in endings:
        assert ending.summary == ("UNAVAILABLE", "MODEL_LOADING")
        assert ending.retry_delay == 0.25
    assert info.available_stream_count == 0
    assert info.limits.max_chunk_bytes == LIMITS.max_chunk_bytes


# ------------------------------------------------------------------------------- health


async def health(channel: grpc.aio.Channel, service: str) -> str:
    request = health_pb2.HealthCheckRequest(service=service)
    answer = await health_pb2_grpc.HealthStub(channel).Check(request)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


async def until_health(channel: grpc.aio.Channel, status: str) -> None:
    async with asyncio.timeout(20):
        while await health(channel, SERVICE) != status:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_health_follows_the_server_from_loading_to_drain() -> None:
    async with loading() as served, served.channel() as channel:
        assert await health(channel, "") == "NOT_SERVING"
        assert await health(channel, SERVICE) == "NOT_SERVING"
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await health(channel, "sori.v2.SpeechService")
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
        await until_health(channel, "SERVING")
        assert await health(channel, "") == "SERVING"
        async with served.stream() as stream:
            await stream.until_kind("session_started")
            leaving = asyncio.create_task(served.server.__aexit__())
            await stream.until_kind("go_away")
            assert await health(channel, "") == "NOT_SERVING"
            assert await health(channel, SERVICE) == "NOT_SERVING"
        await leaving


async def test_health_tells_of_a_worker_that_died_and_of_the_next_one() -> None:
    async with serving(FakeBehaviour(load_time=1.5), LIMITS) as served, served.channel() as channel:
        assert await health(channel, SERVICE) == "SERVING"
        os.kill(served.worker_pid, signal.SIGKILL)
        await until_health(channel, "NOT_SERVING")
        await until_health(channel, "SERVING")
        async with served.stub() as stub:
            answer = await stub.Recognize(
                pb.RecognizeRequest(config=RAW, audio=linear16(speak(range(3))))
            )
    assert len(answer.results) == 1


async def test_health_is_told_to_who_watches_it() -> None:
    async with loading() as served, served.channel() as channel:
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        watching = health_pb2_grpc.HealthStub(channel).Watch(request)
        seen = [(await watching.read()).status for _ in range(2)]
        watching.cancel()
    assert seen == [
        health_pb2.HealthCheckResponse.NOT_SERVING,
        health_pb2.HealthCheckResponse.SERVING,
    ]


async def test_health_is_told_to_who_still_watches_when_another_one_has_left() -> None:
    async with serving(FakeBehaviour(load_time=1.5), LIMITS) as served, served.channel() as channel:
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        watching, leaving = (health_pb2_grpc.HealthStub(channel).Watch(request) for _ in range(2))
        seen = [(await each.read()).status for each in (watching, leaving)]
        leaving.cancel()
        await asyncio.sleep(0.2)
        os.kill(served.worker_pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            seen += [(await watching.read()).status for _ in range(2)]
    statuses = health_pb2.HealthCheckResponse
    assert seen == [statuses.SERVING] * 2 + [statuses.NOT_SERVING, statuses.SERVING]


async def test_watchers_of_an_unknown_service_are_told_so() -> None:
    async with serving() as served, served.channel() as channel:
        request = health_pb2.HealthCheckRequest(service="sori.v2.SpeechService")
        answer = await health_pb2_grpc.HealthStub(channel).Watch(request).read()
    assert answer.status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


# --------------------------------------------------------------------------- reflection


async def reflect(
    served: Served, package: str, **question: str
) -> reflection.ServerReflectionResponse:
    """One question to server reflection in one of its packages."""
    async with served.channel() as channel:
        call = channel.stream_stream(
            f"/{package}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection.ServerReflectionResponse.FromString,
        )()
        await call.write(reflection.ServerReflectionRequest(**question))  # type: ignore[arg-type]
        answer: reflection.ServerReflectionResponse = await call.read()
        await call.done_writing()
        return answer


PACKAGES = ("grpc.reflection.v1", "grpc.reflection.v1alpha")


@pytest.mark.parametrize("package", PACKAGES)
async def test_reflection_describes_every_service_it_lists(served: Served, package: str) -> None:
    listed = await reflect(served, package, list_services="")
    names = {service.name for service in listed.list_services_response.service}
    assert names >= {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    for name in names:
        described = await reflect(served, package, file_containing_symbol=name)
        assert described.HasField("file_descriptor_response"), name


@pytest.mark.parametrize("package", PACKAGES)
async def test_reflection_knows_messages_and_files(served: Served, package: str) -> None:
    answer = await reflect(served, package, file_containing_symbol="sori.v1.StreamingConfig")
    files = answer.file_descriptor_response.file_descriptor_proto
    assert pb.DESCRIPTOR.serialized_pb in files
    answer = await reflect(served, package, file_by_filename="sori/v1/speech.proto")
    assert answer.HasField("file_descriptor_response")
    answer = await reflect(served, package, file_containing_symbol="sori.v9.Nothing")
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
