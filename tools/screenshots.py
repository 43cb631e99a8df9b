"""Takes the screenshots of the live page that the documents show, and of its other states.

    PYTHONPATH=tests python tools/screenshots.py docs/images
    PYTHONPATH=tests python tools/screenshots.py --all FOLDER

A server with the bundled model runs in a process of its own, and a real Chromium listens to a
recording.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright
from support.live_page import LivePage, chromium, free_port, microphone_file, opened, page_server
from support.recordings import read_recording

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
KEPT = ("desktop-light", "desktop-dark", "phone-light", "phone-dark")

HALF_SAID = ".caption.live:has(.committed:not(:empty)):has(.tentative:not(:empty))"


@dataclass(frozen=True)
class Look:
    """A window, its colours and its language."""

    name: str
    viewport: dict[str, int]
    colours: str
    locale: str = "en-US"

    @property
    def context(self) -> dict[str, Any]:
        """What `opened` takes."""
        return {
            "viewport": self.viewport,
            "color_scheme": self.colours,
            "locale": self.locale,
            "permissions": ["microphone"],
        }


LOOKS = (
    Look("desktop-light", DESKTOP, "light"),
    Look("desktop-dark", DESKTOP, "dark"),
    Look("phone-light", PHONE, "light"),
    Look("phone-dark", PHONE, "dark"),
    Look("korean", DESKTOP, "light", "ko-KR"),
    Look("korean-phone", PHONE, "dark", "ko-KR"),
)


async def photograph(folder: Path, every: bool) -> None:
    """Write the pictures into `folder`."""
    with tempfile.TemporaryDirectory() as own:
        heard = microphone_file(read_recording("en_ko_mixed"), Path(own) / "heard.wav")
        port = free_port()
        url = f"http://127.0.0.1:{port}/"
        async with AsyncExitStack() as stack, async_playwright() as playwright:
            browser = await stack.enter_async_context(chromium(playwright, heard))
            async with page_server(port) as server:
                for look in LOOKS if every else LOOKS[: len(KEPT)]:
                    await states(browser, url, look, folder, every)
                if every:
                    await trouble(browser, url, server.pid, folder)


async def states(browser: Browser, url: str, look: Look, folder: Path, every: bool) -> None:
    """The page while it listens; before and after that, too, if `every` state is wanted."""
    async with opened(browser, url, **look.context) as live:
        if every:
            await take(live, folder / f"{look.name}-empty.png")
        await live.start()
        await live.until_finals(2)
        await live.page.wait_for_selector(HALF_SAID)
        await take(live, folder / f"page-{look.name}.png")
        if every:
            await live.stop()
            await take(live, folder / f"{look.name}-finished.png")
            if look.viewport is PHONE:
                await live.page.click("#panel-toggle")
                await take(live, folder / f"{look.name}-panel.png")


async def trouble(browser: Browser, url: str, pid: int, folder: Path) -> None:
    """The page when the server is gone, while it listens and before."""
    gone = ("WebSocket connection to",)
    phone = {"viewport": PHONE, "permissions": ["microphone"]}
    async with (
        opened(browser, url, gone, viewport=DESKTOP, permissions=["microphone"]) as desk,
        opened(browser, url, gone, **phone) as hand,
    ):
        for live in (desk, hand):
            await live.start()
            await live.until_finals(1)
        os.kill(pid, signal.SIGKILL)
        for live, name in ((desk, "desktop"), (hand, "phone")):
            await live.page.wait_for_selector("#banner[data-kind=waiting]")
            await take(live, folder / f"{name}-reconnecting.png")


async def take(live: LivePage, path: Path) -> None:
    """One picture; hints of the mouse are not in it."""
    await live.page.mouse.move(0, 0)
    await live.page.screenshot(path=path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every state, to be looked at")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(photograph(chosen.folder, chosen.all))


if __name__ == "__main__":
    main()
