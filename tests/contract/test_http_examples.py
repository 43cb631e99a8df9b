"""The curl lines of docs/http.md run as printed, but for the port."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.http_api import http_api, wav
from support.speech_server import serving
from support.word_audio import conversation, heard_words

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here"),
]

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
LINES = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]


async def run(line: str, folder: Path) -> str:
    process = await asyncio.create_subprocess_shell(
        line.replace("curl", "curl --no-progress-meter", 1),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    return output.decode()


async def test_they_run_as_printed(tmp_path: Path) -> None:
    (tmp_path / "speech.wav").write_bytes(wav(conversation([range(8)])))
    async with serving() as served, http_api(served) as api:
        answers = [await run(line.replace("8765", str(api.port)), tmp_path) for line in LINES]
    plain, captions, events, openai, verbose, models = answers
    assert heard_words(json.loads(plain)["text"]) == list(range(8))
    assert captions.startswith("1\n00:00:00,")
    assert re.findall(r"^event: (\w+)$", events, re.MULTILINE)[-1] == "done"
    assert json.loads(openai)["text"] == json.loads(plain)["text"]
    assert len(json.loads(verbose)["words"]) == 8
    assert json.loads(models)["data"][0]["id"] == "fake"
