"""`sori demo`: the whole of it, and no server left behind."""

import re
import signal
import socket

import pytest
from support.command_line import end, next_line, running, sori

pytestmark = pytest.mark.integration


def test_shows_text_that_grows_and_ends_with_a_table() -> None:
    ended = sori("demo")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert any(re.match(r"  digits .* Four\b.* …$", line) for line in lines)
    final = next(i for i, line in enumerate(lines) if "Four seven zero three." in line)
    assert re.search(r" en .* \d+ ms$", lines[final])
    assert re.search(r"Four \d\.\d\d  seven \d\.\d\d", lines[final + 1])
    table = {line.split()[0]: line.split()[1:] for line in lines if re.search(r"\d %", line)}
    assert set(table) == {"digits", "english", "korean", "mixed", "all"}
    words, rate, _, interim, _, last, _, hangover, _ = table["all"]
    assert words == "86"
    assert float(rate) < 25
    assert 0 < float(interim) < 5
    assert 0 < float(last) < 5
    assert 0.1 < float(hangover) < 2
    assert "demonstration model" in ended.out


def test_ctrl_c_stops_the_server_too() -> None:
    with running("demo") as process:
        while not (found := re.search(r"127\.0\.0\.1:(\d+)", next_line(process))):
            pass
        process.send_signal(signal.SIGINT)
        ended = end(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(found[1])), timeout=5)
