from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest
from support.raw_client import Stream, config_of
from support.recordings import read_recording

pytestmark = pytest.mark.integration

SERVER = Path(__file__).parents[2] / "bench" / "baseline_server.py"


async def test_serves_words_and_interims_every_second() -> None:
    recording = read_recording("digits_human")
    spoken = recording.cut(recording.utterances[0])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SERVER), "--model", "mini", "--grpc-port", "0"),
        stdout=subprocess.PIPE,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{ready['grpc_port']}")
        async with Stream(channel) as stream:
            await stream.send(config=config_of(interim_results=True, language_codes=["en"]))
            await stream.audio((spoken * 32_767).astype(np.int16).tobytes())
            await stream.end_of_audio()
            await stream.summary()
            started = await stream.until_kind("session_started")
        interval = started.session_started.effective_config.min_interim_interval
        assert interval.ToTimedelta().total_seconds() == 1
        heard = "".join(stream.texts).lower().replace(".", "").split()
        assert heard == recording.utterances[0].text.lower().replace(".", "").split()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
