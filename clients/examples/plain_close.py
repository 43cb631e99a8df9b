"""Send a recording, close the connection, and still read the last words.

    python plain_close.py FILE.wav [ws://localhost:8765]

The server takes the Close frame for the end of the audio, and answers it when all text is out.
Needs `pip install websockets numpy`.
"""

import asyncio
import json
import sys
import wave

import numpy as np
import websockets

BLOCK = 1_600


async def send_all(ws, path):
    with wave.open(path) as wav:
        while pcm := wav.readframes(BLOCK):
            await ws.send((np.frombuffer(pcm, np.int16) / np.float32(32768)).tobytes())
    await ws.close()


async def main(path, url="ws://localhost:8765"):
    async with websockets.connect(url, close_timeout=60, ping_timeout=None) as ws:
        sending = asyncio.create_task(send_all(ws, path))
        async for message in ws:
            result = json.loads(message)
            if result["is_final"]:
                print(result["text"], flush=True)
        await sending


asyncio.run(main(*sys.argv[1:]))
