"""What every image and service must keep to, read from Dockerfile and compose.yaml."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from sori_server.domain.limits import Limits

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
SECRET = re.compile(r"secret|token|passw|api_?key|credential|private", re.IGNORECASE)


def instructions() -> list[tuple[str, str]]:
    """Instruction and arguments of the Dockerfile, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    pairs = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(name.upper(), arguments.strip()) for name, _, arguments in pairs]


def stages() -> dict[str, list[tuple[str, str]]]:
    """Instructions of each stage by its name, those of the stages it builds on included."""
    found: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for name, arguments in instructions():
        if name == "FROM":
            base, _, stage = arguments.split()
            current = found[stage] = list(found.get(base, []))
        current.append((name, arguments))
    return found


def compose() -> dict[str, dict[str, object]]:
    document = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    services: dict[str, dict[str, object]] = document["services"]
    return services


TARGETS = ["cpu", "cuda"]


@pytest.mark.parametrize("target", TARGETS)
def test_runs_as_a_numeric_user_without_rights(target: str) -> None:
    users = [arguments for name, arguments in stages()[target] if name == "USER"]
    assert users
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[-1])


@pytest.mark.parametrize("target", TARGETS)
def test_health_is_asked_of_the_probe(target: str) -> None:
    (check,) = [arguments for name, arguments in stages()[target] if name == "HEALTHCHECK"]
    command = json.loads(check.partition("CMD ")[2])
    assert command[:3] == ["python", "-m", "sori_server.transport.grpc.probe"]


@pytest.mark.parametrize("target", TARGETS)
def test_signals_reach_the_server(target: str) -> None:
    last = dict(stages()[target])
    assert json.loads(last["ENTRYPOINT"]) == ["sori"]
    assert json.loads(last["CMD"]) == ["serve"]


def test_base_images_have_a_version() -> None:
    known = set(stages())
    defaults = dict(text.split("=", 1) for name, text in instructions() if name == "ARG")
    for name, text in instructions():
        if name != "FROM" or text.split()[0] in known:
            continue
        image = re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], text.split()[0])
        assert re.search(r":\d+\.\d+", image), image


def test_no_secrets_in_layers() -> None:
    for name, arguments in instructions():
        if name in {"ARG", "ENV"}:
            assert not SECRET.search(arguments), arguments


def test_only_what_is_installed_enters_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    copied = {
        source
        for name, arguments in stages()["build"]
        if name == "COPY"
        for source in arguments.split()[:-1]
    }
    assert copied == {line[1:] for line in ignored if line.startswith("!")}


def test_images_carry_the_version_of_the_server() -> None:
    project = tomllib.loads((ROOT / "server/pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    images = {name: service["image"] for name, service in compose().items()}
    assert images == {"sori": f"sori:{version}-cpu", "sori-gpu": f"sori:{version}-cuda"}


@pytest.mark.parametrize("name", ["sori", "sori-gpu"])
def test_services_have_no_more_rights_than_they_need(name: str) -> None:
    service = compose()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"]
    assert service["mem_limit"]
    assert not {"privileged", "network_mode", "pid", "environment"} & set(service)


@pytest.mark.parametrize("name", ["sori", "sori-gpu"])
def test_services_are_reached_from_this_machine_only(name: str) -> None:
    ports = compose()[name]["ports"]
    assert isinstance(ports, list)
    assert all(port.startswith("127.0.0.1:") for port in ports)


def stop_grace(name: str) -> int:
    """Seconds compose gives a service to leave."""
    return int(str(compose()[name]["stop_grace_period"]).removesuffix("s"))


@pytest.mark.parametrize("name", ["sori", "sori-gpu"])
def test_a_stop_leaves_time_for_all_its_steps(name: str) -> None:
    """The drain, the calls that are left, the worker."""
    limits = Limits()
    drain = limits.drain_grace + limits.flush_timeout
    assert stop_grace(name) > drain + limits.write_timeout + limits.worker_stop_timeout


def test_the_guide_gives_a_stop_as_long_as_compose_does() -> None:
    guide = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    grace = stop_grace("sori")
    assert re.findall(r"--stop-timeout (\d+)", guide) == [str(grace)]
    assert f"`stop_grace_period` is {grace} s" in guide


def test_the_gpu_service_starts_only_when_asked_for() -> None:
    services = compose()
    assert services["sori-gpu"]["profiles"] == ["gpu"]
    assert "profiles" not in services["sori"]
