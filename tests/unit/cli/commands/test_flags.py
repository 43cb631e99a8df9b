"""Flags that all commands share become wishes, and the command keeps its own."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from sori_server.cli.commands.flags import wishing
from sori_server.cli.wishes import Wishes
from typer.testing import CliRunner

pytestmark = pytest.mark.unit

CALLS: list[tuple[Wishes, str, int]] = []


@wishing
def hear(
    wishes: Wishes,
    name: Annotated[str, typer.Argument()],
    count: Annotated[int, typer.Option()] = 3,
) -> None:
    """Hear somebody."""
    CALLS.append((wishes, name, count))


APP = typer.Typer()
APP.command()(hear)


def called(*arguments: str) -> tuple[Wishes, str, int]:
    CALLS.clear()
    result = CliRunner().invoke(APP, arguments)
    assert result.exit_code == 0, result.output
    (call,) = CALLS
    return call


def test_nothing_is_wished_without_flags() -> None:
    assert called("me") == (Wishes(), "me", 3)


def test_every_flag_is_a_wish() -> None:
    wishes, name, count = called(
        *("me", "--count", "4", "--preset", "meeting", "-l", "ko-KR", "-l", "en"),
        *("--switch-languages", "--translate", "--initial-prompt", "Rivers.", "--hotword", "Sori"),
        *("--hotword", "Han River", "--replace", "sorry=Sori", "--replace", "um="),
        *("--chunk", "2", "--overlap", "0.5"),
    )
    assert (name, count) == ("me", 4)
    assert wishes == Wishes(
        preset="meeting",
        languages=("ko-KR", "en"),
        switch_languages=True,
        translate=True,
        initial_prompt="Rivers.",
        hotwords=("Sori", "Han River"),
        replacements=(("sorry", "Sori"), ("um", "")),
        chunk=2.0,
        overlap=0.5,
    )


def test_a_replacement_may_have_the_sign_in_its_new_text() -> None:
    wishes, _, _ = called("me", "--replace", "equals==")
    assert wishes.replacements == (("equals", "="),)


@pytest.mark.parametrize("text", ["sorry", "=Sori", ""])
def test_a_replacement_needs_both_sides(text: str) -> None:
    result = CliRunner().invoke(APP, ["me", "--replace", text])
    assert result.exit_code == 2
    assert "OLD=NEW" in result.output


def test_help_has_both_kinds_of_flags() -> None:
    result = CliRunner().invoke(APP, ["--help"])
    for text in ("Hear somebody.", "--count", "--hotword", "--chunk"):
        assert text in result.output
