"""Installing the client brings the client, and nothing of the engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "sori-client",
    "sori-protos",
    "grpcio",
    "protobuf",
    "googleapis-common-protos",
    "typing-extensions",
}
OF_THE_ENGINE = ["numpy", "ctranslate2", "faster_whisper", "onnxruntime", "av", "sori_server"]
NO_INDEX = ("error sending request", "dns error", "failed to fetch", "network", "timed out")


def uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of a fresh environment with only the client installed."""
    folder = tmp_path_factory.mktemp("client") / "venv"
    created = uv("venv", "--python", sys.executable, str(folder))
    assert created.returncode == 0, created.stderr
    interpreter = str(folder / "bin" / "python")
    installed = uv("pip", "install", "--python", interpreter, "./clients/python", "./protos")
    said = installed.stderr.lower()
    if installed.returncode != 0 and any(sign in said for sign in NO_INDEX):
        pytest.skip("no package index answers")
    assert installed.returncode == 0, installed.stderr
    return interpreter


def test_nothing_but_the_client_and_grpc_is_installed(python: str) -> None:
    listed = uv("pip", "list", "--python", python, "--format", "json")
    names = {package["name"] for package in json.loads(listed.stdout)}
    assert {"sori-client", "sori-protos", "grpcio", "protobuf"} <= names <= ALLOWED


def test_it_can_be_imported_and_typed_and_the_engine_cannot(python: str) -> None:
    code = f"""
import importlib.resources, importlib.util
import sori_client, sori_client.sync
assert importlib.resources.files(sori_client).joinpath("py.typed").is_file()
sori_client.Client("localhost:1"), sori_client.File, sori_client.Microphone()
print([name for name in {OF_THE_ENGINE!r} if importlib.util.find_spec(name)])
"""
    command = [python, "-W", "error", "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr
