"""How soon a caption stands on the live page after its first sound, in a real Chromium.

    PYTHONPATH=tests python bench/page.py --runs 5

A recording of human digits is the microphone; a server with the bundled model runs in a process
of its own. The page's script is not asked when speech began: an analyser on the same microphone
says it. Prints seconds as JSON; the figures of the page's own read-out are in it, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright
from support.live_page import chromium, free_port, microphone_file, opened, page_server
from support.recordings import read_recording

SPEECH = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const media = await open(wanted);
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(media).connect(analyser);
  const block = new Float32Array(512);
  const listen = setInterval(() => {
    analyser.getFloatTimeDomainData(block);
    if (Math.max(...block) < 0.05) return;
    window.spoke = performance.now();
    clearInterval(listen);
  }, 4);
  return media;
};
"""
FIGURES = ("first-caption", "behind", "final")


async def measure(runs: int) -> list[dict[str, Any]]:
    """One line a run."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = microphone_file(read_recording("digits_human"), Path(folder) / "spoken.wav")
        port = free_port()
        async with (
            page_server(port),
            async_playwright() as playwright,
            chromium(playwright, spoken) as browser,
        ):
            return [await run(browser, f"http://127.0.0.1:{port}/") for _ in range(runs)]


async def run(browser: Browser, url: str) -> dict[str, Any]:
    """One visit to the page, until its second final caption."""
    async with opened(browser, url, script=SPEECH, permissions=["microphone"]) as live:
        await live.start()
        await live.until_finals(2)
        first = (await live.shown())[0]["at"]
        spoke = await live.page.evaluate("window.spoke")
        said = {name: await live.page.text_content(f"#{name}") for name in FIGURES}
        return {"first_caption": round((first - spoke) / 1000, 3), "page": said}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    visits = asyncio.run(measure(parser.parse_args().runs))
    took = [visit["first_caption"] for visit in visits]
    figures = {"median": statistics.median(took), "worst": max(took), "runs": visits}
    print(json.dumps({"first_caption_seconds": figures}, indent=2))


if __name__ == "__main__":
    main()
