"""What the Python client promises about single questions."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from sori.v1 import speech_pb2 as pb
from sori_client import StreamConfig, errors
from support.client_drivers import LINEAR16, QUICK, Driver, driver, nothing_leaks
from support.scripted_server import Context, ScriptedService, abort, info, serve

pytestmark = pytest.mark.contract

__all__ = ["driver", "nothing_leaks"]


class Answers(ScriptedService):
    """Answers questions; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.recognized: list[pb.RecognizeRequest] = []

    async def Recognize(
        self, request: pb.RecognizeRequest, context: Context
    ) -> pb.RecognizeResponse:
        self.recognized.append(request)
        if request.config.model == "slow":
            await asyncio.sleep(30)
        if request.config.model:
            resource = details.ResourceInfo(resource_type="model", resource_name="none-such")
            await abort(
                context,
                grpc.StatusCode.NOT_FOUND,
                "no such model",
                info("MODEL_NOT_FOUND"),
                resource,
            )
        reading = pb.RecognitionAlternative(committed_text=" hello")
        result = pb.RecognitionResult(alternatives=[reading], is_final=True)
        return pb.RecognizeResponse(results=[result, result])

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        if request.page_token:
            return pb.ListModelsResponse(models=[pb.Model(name="b")])
        return pb.ListModelsResponse(models=[pb.Model(name="a")], next_page_token="2")  # noqa: S106

    async def GetServerInfo(
        self, request: pb.GetServerInfoRequest, context: Context
    ) -> pb.GetServerInfoResponse:
        self.metadata = dict(context.invocation_metadata())
        return pb.GetServerInfoResponse(version="1.2.3", draining=True)


async def test_questions_are_answered(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    service = Answers()
    async with serve(service) as port:
        token = {"authorization": "Bearer t"}
        server = await driver.ask(port, "server_info", metadata=token)
        models = await driver.ask(port, "list_models")
        from_path = await driver.ask(port, "recognize", path)
        from_bytes = await driver.ask(port, "recognize", b"raw", None, LINEAR16)
    assert (server.version, server.draining) == ("1.2.3", True)
    assert service.metadata["authorization"] == "Bearer t"
    assert str(service.metadata["user-agent"]).startswith("sori-client/")
    assert [model.name for model in models] == ["a", "b"]
    assert from_path.text == from_bytes.text == "hello hello"
    first, second = service.recognized
    assert first.audio == b"RIFF"
    assert first.config.audio_format == pb.AudioFormat(encoding=pb.AUDIO_ENCODING_CONTAINER)
    assert second.config.audio_format.sample_rate_hertz == 16_000


async def test_questions_fail_with_the_same_errors(driver: Driver, tmp_path: Path) -> None:
    async with serve(Answers()) as port:
        with pytest.raises(errors.NotFound) as not_found:
            await driver.ask(port, "recognize", b"", StreamConfig(model="none-such"))
        with pytest.raises(errors.DeadlineExceeded):
            await driver.ask(port, "recognize", b"", StreamConfig(model="slow"), timeouts=QUICK)
        with pytest.raises(FileNotFoundError):
            await driver.ask(port, "recognize", tmp_path / "none.wav")
    assert not_found.value.resource == "none-such"
    assert not_found.value.reason == "MODEL_NOT_FOUND"


async def test_a_recording_the_transport_refuses_is_the_request_s_fault(driver: Driver) -> None:
    async with serve(Answers(), options=(("grpc.max_receive_message_length", 1000),)) as port:
        with pytest.raises(errors.InvalidRequest) as too_large:
            await driver.ask(port, "recognize", bytes(2000))
    assert too_large.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not too_large.value.retryable


async def test_credentials_encrypt_the_connection(driver: Driver, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)  # noqa: ASYNC221
    pair = (key.read_bytes(), certificate.read_bytes())
    trust = grpc.ssl_channel_credentials(certificate.read_bytes())
    async with serve(Answers(), credentials=grpc.ssl_server_credentials([pair])) as port:
        server = await driver.ask(port, "server_info", credentials=trust)
        assert server.version == "1.2.3"
        with pytest.raises(errors.Unavailable):
            await driver.ask(port, "server_info")
