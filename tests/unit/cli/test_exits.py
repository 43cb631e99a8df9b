"""Which error gives which exit code and line."""

import grpc
import pytest
from sori_client import errors as remote
from sori_server.cli.exits import ExitCode, exit_code, expected, one_line
from sori_server.domain import errors as local

pytestmark = pytest.mark.unit

STATUS = remote.CallStatus(grpc.StatusCode.UNKNOWN, "said the server")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (local.ModelNotFound("no such model"), ExitCode.USAGE),
        (local.InvalidConfig("grpc_port", "is text"), ExitCode.USAGE),
        (local.AddressUnavailable("taken"), ExitCode.USAGE),
        (local.InvalidAudio("a.wav", "damaged"), ExitCode.FAILED),
        (local.EngineUnavailable("no worker"), ExitCode.FAILED),
        (remote.InvalidRequest(STATUS), ExitCode.USAGE),
        (remote.InvalidSetting("nan s"), ExitCode.USAGE),
        (remote.NotFound(STATUS), ExitCode.USAGE),
        (remote.InvalidAudio(STATUS), ExitCode.FAILED),
        (remote.Unavailable(STATUS), ExitCode.FAILED),
        (remote.MicrophoneUnavailable("no sounddevice"), ExitCode.USAGE),
        (remote.MicrophoneOverflow("too fast"), ExitCode.FAILED),
        (BrokenPipeError(), ExitCode.BROKEN_PIPE),
        (PermissionError(13, "Permission denied", "out.srt"), ExitCode.FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_exit_codes(error: Exception, code: ExitCode) -> None:
    assert exit_code(error) == code


def test_every_error_of_sori_is_expected() -> None:
    for base in (local.SoriError, remote.SoriClientError):
        for kind in {base, *base.__subclasses__()}:
            assert expected(kind.__new__(kind)) is not None


def test_errors_come_out_of_groups_and_bugs_stay_bugs() -> None:
    inner = local.ModelNotFound("no such model")
    assert expected(ExceptionGroup("tasks", [ExceptionGroup("tasks", [inner])])) is inner
    assert expected(ValueError("a bug")) is None
    assert expected(ExceptionGroup("tasks", [ValueError("a bug")])) is None


def test_a_message_is_one_line() -> None:
    assert one_line(local.ModelNotFound("no\n  such model")) == "no such model"
    assert one_line(PermissionError(13, "Permission denied", "o.srt")) == "o.srt: Permission denied"
