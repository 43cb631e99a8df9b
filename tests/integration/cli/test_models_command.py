"""`sori models`, and what the command says of itself."""

import pytest
from sori_server import __version__
from sori_server.engine.models import MINI_FOLDER
from support.command_line import sori

pytestmark = pytest.mark.integration

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HOME": "nowhere"}


def test_the_list_says_what_is_here() -> None:
    ended = sori("models", "list", **OFFLINE)
    assert (ended.code, ended.err) == (0, "")
    rows = {line.split()[0]: line for line in ended.out.splitlines()}
    assert "bundled" in rows["mini"]
    assert " MB " in rows["mini"]
    assert " MB " not in rows["large-v3-turbo"]


def test_the_path_is_that_of_the_model() -> None:
    ended = sori("models", "path", "mini")
    assert (ended.code, ended.out) == (0, f"{MINI_FOLDER}\n")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("path", "small"), "sori models download small"),
        (("download", "small"), "HF_HOME"),
    ],
)
def test_what_is_not_here(arguments: tuple[str, ...], advice: str) -> None:
    ended = sori("models", *arguments, **OFFLINE)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert advice in ended.err


def test_version() -> None:
    assert sori("--version").out == f"sori {__version__}\n"


def test_help_lists_every_command() -> None:
    shown = sori("--help").out
    for command in ("serve", "demo", "models", "stream", "transcribe", "pipe", "mic"):
        assert f" {command} " in shown
