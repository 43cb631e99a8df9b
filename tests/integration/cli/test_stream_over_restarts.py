"""`sori stream` and a server that is killed and comes back: no word is lost, none comes twice."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sori_server.cli.demo.recordings import AUDIO
from support.command_line import Ended, Serving, end, next_line, running, sori

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]  # three servers start in it

DIGITS = AUDIO / "digits_human.flac"
SECRET = {"SORI_RESUME_SECRET": "known to the server that dies and to the one that follows"}


@contextmanager
def server_at(port: int, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server on this port, not necessarily ready."""
    flags = ("--json", "--model", "mini", "--grpc-port", str(port))
    with running("serve", *flags, **environ) as process:
        yield process


def finals(ended: Ended) -> list[tuple[object, object]]:
    """Texts, and when they were said."""
    results = [result for result in ended.events("result") if result["is_final"]]
    assert [result["utterance_index"] for result in results] == list(range(len(results)))
    return [(result["committed_text"], result["start"]) for result in results]


def killed_in_the_middle(stream: subprocess.Popen[bytes], server: subprocess.Popen[bytes]) -> str:
    """The server dies when the second utterance was heard in part; what came until then."""
    lines = ""
    while not ('"utterance_index":1' in lines and '"is_final":false' in lines.splitlines()[-1]):
        lines += next_line(stream)
    server.kill()
    return lines


def test_a_server_killed_in_mid_sentence_costs_no_word(server: Serving) -> None:
    undisturbed = sori("stream", DIGITS, "--json", "--address", server.address)
    with server_at(0, **SECRET) as first:
        port = json.loads(next_line(first))["grpc_port"]
        flags = ("--realtime", "--json", "--address", f"127.0.0.1:{port}")
        with running("stream", DIGITS, *flags) as stream:
            before = killed_in_the_middle(stream, first)
            first.wait()
            with server_at(port, **SECRET) as second:
                next_line(second)
                after = end(stream)
    whole = Ended(after.code, before + after.out, after.err)
    assert (whole.code, whole.err) == (0, "")
    assert len(whole.events("reconnecting")) == len(whole.events("reconnected")) == 1
    assert finals(whole) == finals(undisturbed)
    (summary,) = whole.events("session_summary")
    assert summary["received_audio"] == pytest.approx(14.2, abs=0.01)


def test_a_server_that_has_another_secret_is_told_and_words_so_far_are_kept() -> None:
    with server_at(0) as first:
        port = json.loads(next_line(first))["grpc_port"]
        flags = ("--realtime", "--no-interim", "--address", f"127.0.0.1:{port}")
        with running("stream", DIGITS, *flags) as stream:
            heard = next_line(stream)
            time.sleep(0.2)
            first.kill()
            first.wait()
            with server_at(port) as second:
                next_line(second)
                after = end(stream)
    assert heard == "Four seven zero three.\n"
    assert after.code == 1
    told = after.err.splitlines()
    assert told[0].startswith("warning: reconnecting: ")
    assert told[-1].startswith("error: ")
    assert "RESUME_TOKEN_INVALID" in told[-1]
