"""The probe tells serving from not serving, unknown and unreachable."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer
from sori_server.transport.grpc.probe import check, main

pytestmark = pytest.mark.contract

STATUS = health_pb2.HealthCheckResponse


@dataclass(frozen=True)
class Server:
    address: str
    health: HealthServicer


@pytest.fixture
def server() -> Iterator[Server]:
    instance = grpc.server(ThreadPoolExecutor(1))
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, instance)
    port = instance.add_insecure_port("127.0.0.1:0")
    instance.start()
    yield Server(f"127.0.0.1:{port}", health)
    instance.stop(None).wait()


def test_a_serving_server_is_healthy(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.health.set("", STATUS.SERVING)
    assert main(["--address", server.address]) == 0
    assert capsys.readouterr().err == ""


def test_a_loading_server_is_not(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.health.set("", STATUS.NOT_SERVING)
    assert main(["--address", server.address]) == 1
    assert capsys.readouterr().err == f"{server.address}: NOT_SERVING\n"


def test_services_are_asked_by_name(server: Server) -> None:
    server.health.set("sori.v1.SpeechService", STATUS.SERVING)
    assert check(server.address, "sori.v1.SpeechService") == "SERVING"
    assert check(server.address, "no.such.Service") == "NOT_FOUND"


def test_an_unreachable_server_is_not_healthy() -> None:
    assert check("127.0.0.1:1", timeout=0.5) in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
