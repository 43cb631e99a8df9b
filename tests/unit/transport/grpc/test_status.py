"""Every error has the code and the details that the contract gives its reason."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from sori.v1 import speech_pb2 as pb
from sori_server.domain import errors
from sori_server.domain.errors import SoriError
from sori_server.transport.grpc.status import DOMAIN, grpc_status

pytestmark = pytest.mark.unit

EXAMPLES = [
    errors.InvalidConfig("config.task", "is odd", limit="3"),
    errors.InvalidAudio("audio.data", "is no audio"),
    errors.ProtocolViolation("config: sent twice", metadata={"field": "config"}),
    errors.AudioGap(10, 12, "audio.byte_offset"),
    errors.ModelNotFound("no such model", metadata={"model": "huge"}),
    errors.ResumeTokenInvalid(),
    errors.SessionSuperseded("another connection has resumed the session"),
    errors.IdleTimeout("no message for 60 s", metadata={"idle_timeout": "60"}),
    errors.SlowReader("a response was not accepted for 10 s"),
    errors.MessageTooLarge("audio", 100),
    errors.OriginNotAllowed("pages of https://example.org"),
    errors.SessionTooLong("too long"),
    errors.CapacityExhausted("all streams are taken", retry_after=1.5),
    errors.ServerDraining("leaving", retry_after=1.5),
    errors.ModelLoading("loading", retry_after=1.5),
    errors.UpstreamUnavailable("not there", retry_after=1.5),
    errors.EngineUnavailable("no worker", retry_after=1.5),
    errors.RecognitionFailed("a hole"),
]
NEVER_SENT = {errors.AddressUnavailable, errors.RequestCancelled}
GROUPS = {errors.SoriError, errors.ClientError, errors.Unavailable, errors.EngineError}


def promised() -> dict[str, str]:
    """What the contract says of each reason, as its comment."""
    source = Path(__file__).parents[4] / "protos" / "sori" / "v1" / "speech.proto"
    text = source.read_text(encoding="utf-8")
    found = re.findall(r"((?:  // .+\n)+)  ERROR_REASON_(\w+) = ", text)
    joined = {reason: " ".join(re.findall("// (.+)", lines)) for lines, reason in found}
    return {reason: comment for reason, comment in joined.items() if reason != "UNSPECIFIED"}


PROMISED = promised()


def taken_apart(error: SoriError) -> tuple[str, str, dict[str, object]]:
    """Code, message and details by name, as a client reads them."""
    status = grpc_status(error)
    ((key, value),) = status.trailing_metadata
    assert key == "grpc-status-details-bin"
    rich = status_pb2.Status.FromString(value)
    assert rich.code == status.code.value[0]
    assert rich.message == status.details
    unpacked: dict[str, object] = {}
    for packed in rich.details:
        kind = getattr(details, packed.TypeName().rsplit(".", 1)[-1])
        unpacked[kind.__name__] = message = kind()
        assert packed.Unpack(message)
    return status.code.name, status.details, unpacked


def test_every_error_that_is_sent_is_here() -> None:
    tree = {
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, SoriError)
    }
    assert tree - GROUPS - NEVER_SENT == {type(error) for error in EXAMPLES}
    assert set(PROMISED) == {error.reason for error in EXAMPLES}
    assert set(PROMISED) == {
        name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.keys()[1:]
    }


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_code_and_details_are_those_of_the_contract(error: SoriError) -> None:
    promise = PROMISED[error.reason]
    code, message, given = taken_apart(error)
    assert promise.startswith(code)
    assert message == str(error)
    assert given.pop("ErrorInfo") == details.ErrorInfo(
        reason=error.reason, domain=DOMAIN, metadata=error.metadata
    )
    assert set(given) == set(re.findall(r"with (\w+)", promise))


def test_a_wrong_field_is_told_by_path_and_description() -> None:
    _, _, given = taken_apart(errors.InvalidConfig("config.task", "is odd"))
    violation = details.BadRequest.FieldViolation(field="config.task", description="is odd")
    assert given["BadRequest"] == details.BadRequest(field_violations=[violation])


def test_a_missing_model_is_told_by_name() -> None:
    _, _, given = taken_apart(errors.ModelNotFound("none", metadata={"model": "huge"}))
    assert given["ResourceInfo"] == details.ResourceInfo(
        resource_type="model", resource_name="huge"
    )


def test_the_time_to_wait_is_told() -> None:
    _, _, given = taken_apart(errors.ServerDraining("leaving", retry_after=1.5))
    retry = given["RetryInfo"]
    assert isinstance(retry, details.RetryInfo)
    assert retry.retry_delay.ToNanoseconds() == 1_500_000_000


@pytest.mark.parametrize("error", sorted(NEVER_SENT, key=str), ids=lambda kind: kind.__name__)
def test_what_is_never_sent_would_be_our_fault(error: type[SoriError]) -> None:
    code, _, given = taken_apart(error("odd"))
    assert code == "INTERNAL"
    assert list(given) == ["ErrorInfo"]


def test_errors_travel_in_any_language() -> None:
    assert taken_apart(errors.SlowReader("너무 느립니다 …"))[1] == "너무 느립니다 …"
