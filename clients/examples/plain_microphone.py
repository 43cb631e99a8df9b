"""Speak, and read what you said.

    python plain_microphone.py [FILE.wav] [ws://localhost:8765]

The plain protocol: 0.1 s blocks of float32 at 16 kHz go out, and whatever has come back is
looked at after each. Needs `pip install websockets numpy`, and sounddevice without a file.
"""

import asyncio
import json
import queue
import sys
import wave

import numpy as np
import websockets

RATE = 16_000
BLOCK = RATE // 10


def blocks_of_file(path):
    with wave.open(path) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (RATE, 1, 2)
        while pcm := wav.readframes(BLOCK):
            yield np.frombuffer(pcm, np.int16).astype(np.float32) / 32768


def blocks_of_microphone():
    import sounddevice

    heard = queue.SimpleQueue()

    def keep(block, *_):
        heard.put(block[:, 0].copy())

    with sounddevice.InputStream(RATE, BLOCK, channels=1, dtype="float32", callback=keep):
        while True:
            waiting = [heard.get()]
            while not heard.empty():
                waiting.append(heard.get())
            yield np.concatenate(waiting)


def show(message):
    result = json.loads(message)
    if result["is_final"]:
        print(result["text"], flush=True)


async def main(path=None, url="ws://localhost:8765"):
    blocks = blocks_of_file(path) if path else blocks_of_microphone()
    async with websockets.connect(url) as ws:
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            await ws.send(block.tobytes())
            try:
                show(await asyncio.wait_for(ws.recv(), 0.1))
            except asyncio.TimeoutError:
                pass
        await ws.send('{"type": "end_of_audio"}')
        async for message in ws:  # the last words
            show(message)


asyncio.run(main(*sys.argv[1:]))
