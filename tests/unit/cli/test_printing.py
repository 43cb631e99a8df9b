"""What is written for pipes and files, and for programs."""

import json
from dataclasses import replace

import pytest
from sori_client.types import (
    GoAway,
    Progress,
    Reconnected,
    Reconnecting,
    Result,
    SpeechEvent,
    SpeechEventType,
    Word,
)
from sori_server.cli.printing import JsonPrinter, LinePrinter, open_printer
from sori_server.cli.wishes import Wishes

pytestmark = pytest.mark.unit

INTERIM = Result("Four", " seven", False, 0, 1, 0.85, 2.0)
FINAL = Result("Four seven.", "", True, 0, 2, 0.85, 2.0, words=(Word("Four", 0.85, 1.4, 1.0),))
EMPTY = Result("", "", True, 1, 1, 2.0, 3.0)


def test_lines_are_final_text_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    printer = LinePrinter(Wishes())
    for event in (FINAL, EMPTY, Progress(1, 2.0, 2.0)):
        printer.show(event)
    assert capsys.readouterr() == ("Four seven.\n", "")


def test_interim_lines_are_marked_and_words_come_below(capsys: pytest.CaptureFixture[str]) -> None:
    printer = LinePrinter(Wishes(words=True, interim=True))
    printer.show(INTERIM)
    printer.show(FINAL)
    assert capsys.readouterr().out == "… Four seven\nFour seven.\n  0.85\tFour\n"


def test_lines_say_which_channel_spoke_when_there_are_several(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printer = LinePrinter(Wishes(interim=True))
    printer.show(replace(INTERIM, channel=1))
    printer.show(replace(FINAL, channel=2))
    assert capsys.readouterr().out == "… [1] Four seven\n[2] Four seven.\n"


def test_that_the_server_leaves_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    LinePrinter(Wishes()).show(GoAway(5.0, "the server is shutting down"))
    assert capsys.readouterr() == ("", "warning: the server is shutting down\n")


def test_a_lost_connection_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    printer = LinePrinter(Wishes())
    for event in (Reconnecting("UNAVAILABLE", "Socket closed"), Reconnected("a:1", 1.26), FINAL):
        printer.show(event)
    assert capsys.readouterr() == (
        "Four seven.\n",
        "warning: reconnecting: Socket closed\n"
        "warning: connected again after 1.3 s, nothing is lost\n",
    )


def test_json_has_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    printer = JsonPrinter()
    timeout = SpeechEvent(SpeechEventType.SPEECH_END_TIMEOUT, 2.5)
    lost = Reconnecting("UNAVAILABLE", "Socket closed"), Reconnected("a:1", 1.26)
    for event in (INTERIM, FINAL, *lost, Progress(1, 2.0, 2.0), timeout):
        printer.show(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = [line["event"] for line in lines]
    assert names[:4] == ["result", "result", "reconnecting", "reconnected"]
    assert names[4:] == ["progress", "speech_event"]
    assert lines[3] == {"event": "reconnected", "address": "a:1", "downtime": 1.26}
    assert (lines[-1]["type"], lines[-1]["offset"]) == ("speech_end_timeout", 2.5)


def test_the_flags_choose_the_printer(capsys: pytest.CaptureFixture[str]) -> None:
    with open_printer(Wishes(json=True)) as as_json, open_printer(Wishes()) as lines:
        assert isinstance(as_json, JsonPrinter)
        assert isinstance(lines, LinePrinter)
    assert capsys.readouterr() == ("", "")
