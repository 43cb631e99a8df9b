"""Which models read which windows, by flags and variables of the real command."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sori_client import Bytes, Client, Result, StreamConfig
from sori_client.types import AudioFormat
from support.command_line import end, next_line, running, sori
from support.recordings import read_recording

pytestmark = pytest.mark.integration

RECORDING = read_recording("digits_human")
DIGITS = RECORDING.cut(RECORDING.utterances[0])
PCM = (DIGITS * 32_767).astype(np.dtype("<i2")).tobytes()


async def test_a_server_of_two_models_that_pads_all_windows() -> None:
    flags = ("--short-windows", "off", "--grpc-port", "0", "--model", "mini")
    with running("serve", "--json", *flags, SORI_INTERIM_MODEL="mini") as process:
        ready = json.loads(next_line(process))
        assert (ready["model"], ready["interim_model"]) == ("mini", "mini")
        config = StreamConfig(interim_results=True)
        async with Client(f"127.0.0.1:{ready['grpc_port']}") as client:
            (model,) = await client.list_models()
            events = [e async for e in client.stream(Bytes([PCM], AudioFormat()), config)]
        process.terminate()
        assert end(process).code == 0
    assert model.interim_model == "mini"
    (final,) = [event for event in events if isinstance(event, Result) and event.is_final]
    assert final.text.split()[0].lower() == RECORDING.utterances[0].text.split()[0].lower()


def test_a_pipe_reads_with_the_windows_asked_for() -> None:
    ended = sori("pipe", "--model", "mini", "--short-windows", "off", stdin=PCM)
    assert ended.code == 0
    assert ended.out.split()[0].lower() == RECORDING.utterances[0].text.split()[0].lower()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SORI_SHORT_WINDOWS", "short", "'short' is not allowed; allowed: auto, on, off"),
        ("SORI_INTERIM_MODEL", "auto", "'auto' is not allowed; allowed: text other than auto"),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str, message: str) -> None:
    ended = sori("serve", **{variable: value})
    assert ended.code == 2
    assert message in ended.err
