"""Live text with its times.

    python v1_stream.py FILE.wav [ws://localhost:8765/v1/stream]

Protocol v1 (docs/websocket.md). Needs `pip install websockets`.
"""

import asyncio
import json
import sys
import wave

import websockets


async def send_all(ws, wav):
    while pcm := wav.readframes(1_600):
        await ws.send(pcm)
        await asyncio.sleep(0.1)  # as a microphone would
    await ws.send(json.dumps({"type": "end_of_audio"}))


async def main(path, url="ws://localhost:8765/v1/stream"):
    async with websockets.connect(url) as ws:
        with wave.open(path) as wav:
            audio = {"encoding": "linear16", "sample_rate_hertz": wav.getframerate()}
            config = {"recognition": {"audio_format": audio}, "interim_results": True}
            await ws.send(json.dumps({"type": "config", **config}))
            sending = asyncio.create_task(send_all(ws, wav))
            async for message in ws:
                event = json.loads(message)
                if event["type"] == "result":
                    best, start = event["alternatives"][0], event["start_offset"]
                    text = (best["committed_text"] + best["tentative_text"]).strip()
                    out = sys.stdout if event["is_final"] else sys.stderr
                    print(f"{start:6.1f} s  {text}", file=out, flush=True)
                elif event["type"] == "error":
                    sys.exit(f"{event['code']}: {event['message']}")
            await sending


asyncio.run(main(*sys.argv[1:]))
