"""The examples of the client's README run as printed, but for the port."""

from __future__ import annotations

import asyncio
import re
import sys
import wave
from pathlib import Path

import pytest
from sori.v1 import speech_pb2 as pb
from support.scripted_server import Context, ScriptedCall, ScriptedService, serve

pytestmark = pytest.mark.contract

README = Path(__file__).parents[2] / "clients" / "python" / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


class Echo(ScriptedService):
    """Says hello, to streams and to recordings."""

    async def Recognize(
        self, request: pb.RecognizeRequest, context: Context
    ) -> pb.RecognizeResponse:
        assert request.audio.startswith(b"RIFF")
        reading = pb.RecognitionAlternative(committed_text="whole")
        return pb.RecognizeResponse(results=[pb.RecognitionResult(alternatives=[reading])])


async def script(call: ScriptedCall) -> None:
    await call.start()
    await call.say("hello")
    await call.finish()


@pytest.mark.parametrize(
    ("number", "output"),
    [(0, "  0.00 s  hello\n"), (1, "final   hello\nwhole\n"), (2, ""), (3, "")],
)
async def test_it_runs_as_printed(number: int, output: str, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "speech.wav"), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16_000)
        wav.writeframes(bytes(8_000))
    assert len(EXAMPLES) == 4
    assert len([line for line in EXAMPLES[number].splitlines() if line]) <= 11
    async with serve(Echo(script)) as port:
        code = EXAMPLES[number].replace("50051", str(port))
        run = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error",
            "-c",
            code,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, errors = await asyncio.wait_for(run.communicate(), 20)
    assert (run.returncode, printed.decode()) == (0, output), errors.decode()
