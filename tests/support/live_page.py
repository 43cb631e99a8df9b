"""The live page in a real Chromium, with a recording for a microphone."""

from __future__ import annotations

import shutil
import socket
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import soxr
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, Request
from sori_server.child_server import ReadyServer, started
from support.recordings import Recording
from support.word_audio import linear16

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
MICROPHONE_RATE: Final = 48_000
HISTORY: Final = """
window.shown = [];
addEventListener("DOMContentLoaded", () => {
  const list = document.getElementById("captions");
  const note = () => window.shown.push({
    at: performance.now(),
    lines: [...list.children].map((item) => ({
      text: item.querySelector(".caption-text").textContent,
      committed: item.querySelector(".committed")?.textContent ?? "",
      final: !item.classList.contains("live"),
    })),
  });
  new MutationObserver(note).observe(list, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["class"],
  });
});
"""
"""Keeps what was on the page, and when."""


@dataclass
class LivePage:
    """The page in a tab of its own, and whatever it should not have done."""

    page: Page
    host: str
    complaints: list[str] = field(default_factory=list)

    async def state(self, wanted: str, patience: float = 30.0) -> None:
        """Wait until the page is in this state."""
        await self.page.wait_for_selector(f"body[data-state={wanted}]", timeout=patience * 1000)

    async def start(self) -> None:
        """Start the microphone."""
        await self.page.click("#record")
        await self.state("live")

    async def stop(self) -> None:
        """Stop, and wait for the last words."""
        await self.page.click("#record")
        await self.state("idle")

    async def read(self, file: Path) -> None:
        """Have a file recognized to its end."""
        await self.page.set_input_files("#file", file)
        await self.state("idle", patience=30)

    async def finals(self) -> list[str]:
        """The final captions."""
        return await self.page.locator(".caption:not(.live) .caption-text").all_text_contents()

    async def until_finals(self, count: int, patience: float = 20.0) -> None:
        """Wait until so many captions are final."""
        nth = f".caption:not(.live) >> nth={count - 1}"
        await self.page.wait_for_selector(nth, timeout=patience * 1000)

    async def until_said(self, seconds: int) -> None:
        """Wait until the clock of the page is there."""
        reached = "wanted => document.getElementById('clock').textContent >= wanted"
        wanted = f"0:{seconds:02d}"
        await self.page.wait_for_function(reached, arg=wanted, timeout=(seconds + 30) * 1000)

    async def saved(self, kind: str) -> tuple[str, str]:
        """The name and the text of the file that a download button gives."""
        async with self.page.expect_download() as waiting:
            await self.page.click(f"#save-{kind}")
        download = await waiting.value
        return download.suggested_filename, _text(Path(await download.path()))

    async def shown(self) -> list[dict[str, Any]]:
        """What was on the page, change by change."""
        history: list[dict[str, Any]] = await self.page.evaluate("window.shown")
        return history

    def note_message(self, message: ConsoleMessage) -> None:
        """Nothing is to be said on the console."""
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def note_request(self, request: Request) -> None:
        """Nothing is to be asked of anybody else."""
        there = urlsplit(request.url)
        if there.scheme not in {"blob", "data"} and there.netloc != self.host:
            self.complaints.append(f"asked {there.netloc}")


@asynccontextmanager
async def chromium(
    playwright: Playwright, microphone: Path | None = None
) -> AsyncIterator[Browser]:
    """A browser whose microphone hears a WAVE file once, from its beginning.

    Pages get it whose context has the permission `microphone`.
    """
    fed = [f"--use-file-for-fake-audio-capture={microphone}%noloop"] if microphone else []
    browser = await playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[
            "--no-sandbox",
            "--use-fake-device-for-media-stream",
            *fed,
        ],
    )
    try:
        yield browser
    finally:
        await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser,
    url: str,
    expected: Sequence[str] = (),
    *,
    script: str = "",
    **context: Any,  # noqa: ANN401 - as of `Browser.new_context`
) -> AsyncIterator[LivePage]:
    """The page in a new context; complaints fail it, except those with an `expected` piece.

    `script` runs before those of the page.
    """
    async with await browser.new_context(locale=context.pop("locale", "en-US"), **context) as own:
        await own.add_init_script(HISTORY + script)
        page = await own.new_page()
        live = LivePage(page, urlsplit(url).netloc)
        page.on("console", live.note_message)
        page.on("pageerror", lambda error: live.complaints.append(str(error)))
        page.on("request", live.note_request)
        await page.goto(url)
        await page.wait_for_selector("#model:not([hidden])")
        yield live
    unexpected = [c for c in live.complaints if not any(piece in c for piece in expected)]
    assert not unexpected, unexpected


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def microphone_file(recording: Recording, path: Path) -> Path:
    """The recording as a WAVE file that a microphone plays: a browser expects 48 kHz."""
    samples = soxr.resample(recording.samples, 16_000, MICROPHONE_RATE, "VHQ")
    return write_wave(samples, MICROPHONE_RATE, path)


def write_wave(samples: np.ndarray[Any, np.dtype[np.float32]], rate: int, path: Path) -> Path:
    """Mono samples as 16-bit WAVE."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(linear16(samples))
    return path


def page_server(port: int, *flags: str) -> AbstractAsyncContextManager[ReadyServer]:
    """A server of its own with the bundled model and its bridge on `port`."""
    own = ("--model", "mini", "--device", "cpu", "--grpc-port", "0", "--bridge-port", str(port))
    return started("-m", "sori_server", "serve", *own, "--json", *flags)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
