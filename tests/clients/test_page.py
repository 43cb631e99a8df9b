"""The live page in a real Chromium: what is spoken into its microphone stands on it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import grpc
import numpy as np
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, async_playwright
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_server.child_server import ReadyServer
from sori_server.domain.presets import PRESETS
from sori_server.evaluation.alignment import word_edits
from sori_server.evaluation.texts import normalised
from support.live_page import (
    CHROMIUM,
    LivePage,
    chromium,
    free_port,
    microphone_file,
    opened,
    page_server,
    write_wave,
)
from support.raw_client import Stream, config_of
from support.recordings import AUDIO, Recording, read_recording

SPOKEN = read_recording("digits_human")
NO_AUDIO = {"name": "notes.mp3", "mimeType": "audio/mpeg", "buffer": b"no sound" * 100}
SETTINGS = "[limits]\nresume_window = 4.0\n"
"""A tab that is closed may not get to say so: its session waits so long for another connection."""
LOST_CONNECTION = ("WebSocket connection to",)
STUTTER = 2
"""Words that the browser's own microphone costs at most: on a busy machine it drops and repeats
pieces of sound. Every utterance has more."""

pytestmark = [
    pytest.mark.clients,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium"),
]


@dataclass
class Place:
    """A server that can be killed, and a browser that hears `SPOKEN`."""

    port: int
    server: ReadyServer
    settings: Path
    browser: Browser
    _stack: AsyncExitStack

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def kill(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)

    async def serve_again(self) -> None:
        self.server = await self._stack.enter_async_context(serving(self.port, self.settings))

    async def streams(self) -> int:
        """How many streams the server has."""
        async with grpc.aio.insecure_channel(self.server.address) as channel:
            info = await rpc.SpeechServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest())
            return int(info.active_stream_count)

    async def until_no_stream(self) -> None:
        async with asyncio.timeout(10):
            while await self.streams():  # noqa: ASYNC110 - the server does not tell
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    microphone = microphone_file(SPOKEN, tmp_path_factory.mktemp("microphone") / "spoken.wav")
    port = free_port()
    async with AsyncExitStack() as stack, async_playwright() as playwright:
        browser = await stack.enter_async_context(chromium(playwright, microphone))
        settings = tmp_path_factory.mktemp("settings") / "sori.toml"
        settings.write_text(SETTINGS)
        server = await stack.enter_async_context(serving(port, settings))
        yield Place(port, server, settings, browser, stack)


def serving(port: int, settings: Path) -> AbstractAsyncContextManager[ReadyServer]:
    return page_server(port, "--config", str(settings))


async def told_by_grpc(place: Place, recording: Recording) -> list[str]:
    """The finals that gRPC gives."""
    samples = np.clip(np.round(recording.samples * 32_768), -32_768, 32_767).astype("<i2")
    async with Stream(grpc.aio.insecure_channel(place.server.address)) as stream:
        await stream.send(config=config_of(interim_results=True))
        await stream.audio(samples.tobytes())
        await stream.end_of_audio()
        await stream.summary()
        return [text for text in stream.texts if text]


def errors(texts: Sequence[str], recording: Recording = SPOKEN) -> int:
    """Words that are wrong."""
    said = [normalised(each.text, "en") for each in recording.utterances]
    edits = word_edits(said, normalised(" ".join(texts), "en"))
    return sum(each.errors for each in edits)


async def hear_all(live: LivePage) -> list[str]:
    """Listen to all of `SPOKEN`."""
    await live.start()
    await live.until_said(int(SPOKEN.samples.size / 16_000))
    await live.stop()
    return await live.finals()


# ------------------------------------------------------------------ microphone


async def test_what_is_spoken_stands_on_the_page_and_in_the_files(place: Place) -> None:
    """The words are those that gRPC hears, but for what the way through the browser costs."""
    by_grpc = await told_by_grpc(place, SPOKEN)
    async with opened(place.browser, place.url, permissions=["microphone"]) as live:
        finals = await hear_all(live)
        assert errors(finals) <= errors(by_grpc) + STUTTER, (finals, by_grpc)
        check_growth(await live.shown())
        await check_figures(live)
        await check_files(live, finals)


def check_growth(history: Sequence[dict[str, object]]) -> None:
    """Every utterance was tentative first; what was committed never changed."""
    lines = [moment["lines"] for moment in history]
    assert all(isinstance(each, list) for each in lines)
    count = max(map(len, lines))
    for place in range(count):
        own = [each[place] for each in lines if len(each) > place]
        assert not own[0]["final"]
        assert own[-1]["final"]
        for before, after in pairwise(own):
            assert after["text"].startswith(before["committed"]), (before, after)
    assert any(line["committed"] and not line["final"] for each in lines for line in each)


async def check_figures(live: LivePage) -> None:
    """The read-out has numbers, and says them in words."""
    figures = [await live.page.text_content(f"#{name}") for name in READ_OUT]
    assert all(re.fullmatch(r"[\d.]+ (ms|s)", figure or "") for figure in figures), figures
    assert re.match(r"Last final: \d+ ms", await live.page.text_content("#chart-text") or "")
    assert await live.page.locator("#chart rect.model").count()


READ_OUT = ("first-caption", "behind", "final")


async def check_files(live: LivePage, finals: Sequence[str]) -> None:
    """All four files, and the clipboard, have the words on the page."""
    name, txt = await live.saved("txt")
    assert re.fullmatch(r"sori-\d{4}(-\d\d){4}\.txt", name)
    assert txt.splitlines() == finals
    _, srt = await live.saved("srt")
    cues = srt.strip().split("\n\n")
    assert [cue.split("\n")[0] for cue in cues] == [str(k + 1) for k in range(len(cues))]
    assert all(re.match(r"\d\d:\d\d:\d\d,\d{3} --> ", cue.split("\n")[1]) for cue in cues)
    assert [word for cue in cues for word in cue.split("\n")[2].split()] == " ".join(finals).split()
    _, vtt = await live.saved("vtt")
    assert vtt.startswith("WEBVTT\n")
    assert vtt.count(" --> ") == len(cues)
    _, text = await live.saved("json")
    segments = json.loads(text)["segments"]
    assert [each["text"] for each in segments] == finals
    assert all(0 <= each["start"] < each["end"] <= 15 for each in segments)
    await live.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await live.page.click("#copy")
    assert await live.page.evaluate("navigator.clipboard.readText()") == txt


async def test_a_tab_closed_in_mid_word_leaves_nothing_behind(place: Place) -> None:
    async with opened(place.browser, place.url, permissions=["microphone"]) as live:
        await live.start()
        await live.page.wait_for_selector(".caption.live .tentative:not(:empty)")
        assert await place.streams() == 1
        await check_access(live)
        await live.page.close()
        await place.until_no_stream()


async def test_a_microphone_that_is_refused_is_said(place: Place) -> None:
    async with opened(place.browser, place.url) as live:
        await live.page.click("#record")
        await live.page.wait_for_selector("#banner[data-kind=error]")
        assert "not allowed" in (await live.page.text_content("#alert") or "")
        await live.state("idle")


# ----------------------------------------------------------------------- files


async def test_a_file_reads_as_over_grpc(place: Place) -> None:
    recording = read_recording("ko_dialog")
    async with opened(place.browser, place.url, locale="ko-KR") as live:
        assert await live.page.get_attribute("html", "lang") == "ko"
        await live.read(AUDIO / "ko_dialog.flac")
        assert await live.finals() == await told_by_grpc(place, recording)
        assert await live.page.get_attribute(".caption", "lang") == "ko"
        name, _ = await live.saved("vtt")
        assert name == "ko_dialog.vtt"


async def test_everything_can_be_chosen_that_the_server_offers(place: Place) -> None:
    async with opened(place.browser, place.url) as live:
        languages, tasks = await choices(live, "language"), await choices(live, "task")
        assert languages == {"": "Detect", "en": "English", "ko": "Korean"}
        assert tasks == {"transcribe": "Transcribe", "translate": "Translate to English"}
        assert set(await choices(live, "preset")) == {"", *(each.name for each in PRESETS)}
        await live.page.select_option("#task", "translate")
        await live.page.select_option("#preset", "accurate")
        await live.page.click("#in-korean")
        assert await live.page.input_value("#preset") == "accurate"
        assert (await choices(live, "preset"))["accurate"] == "정확하게"
        await live.read(AUDIO / "ko_dialog.flac")
        assert re.search("[a-z]", " ".join(await live.finals()))
        assert await live.page.get_attribute(".caption", "lang") == "en"
        await live.page.reload()
        await live.page.wait_for_selector("#model:not([hidden])")
        assert await live.page.input_value("#task") == "translate"
        assert await live.page.get_attribute("html", "lang") == "ko"


async def choices(live: LivePage, name: str) -> dict[str, str]:
    """What can be chosen, and what it is called."""
    pairs = "options => options.map((option) => [option.value, option.text])"
    return dict(await live.page.eval_on_selector_all(f"#{name} option", pairs))


async def test_a_file_can_be_dropped_and_cancelled(place: Place, tmp_path: Path) -> None:
    long = write_wave(np.tile(SPOKEN.samples, 20), 16_000, tmp_path / "long.wav")
    async with opened(place.browser, place.url) as live:
        await drop(live, long)
        await live.state("file")
        await live.until_finals(1)
        assert await live.page.get_attribute("#progress", "value") != "0"
        await live.page.keyboard.press("Escape")
        await live.state("idle")
        await place.until_no_stream()


async def drop(live: LivePage, file: Path) -> None:
    """Let a file fall on the page: it goes through a picker, since scripts see no disk."""
    await live.page.evaluate(PICKER)
    await live.page.set_input_files("#from", file)
    await live.page.evaluate(DROP)


PICKER = """
document.body.append(Object.assign(document.createElement("input"), { type: "file", id: "from" }));
"""
DROP = """
const dataTransfer = new DataTransfer();
dataTransfer.items.add(document.getElementById("from").files[0]);
document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
"""


async def test_a_file_that_is_no_audio_is_said(place: Place) -> None:
    async with opened(place.browser, place.url) as live:
        await live.page.set_input_files("#file", NO_AUDIO)
        await live.page.wait_for_selector("#banner[data-kind=error]")
        assert "notes.mp3" in (await live.page.text_content("#banner") or "")
        await live.state("idle")


# ------------------------------------------------------------- for everybody


async def test_everything_can_be_done_by_keyboard(place: Place) -> None:
    async with opened(place.browser, place.url, permissions=["microphone"]) as live:
        keyboard = live.page.keyboard
        await keyboard.press("Tab")
        assert await focused(live) == "skip"
        await keyboard.press("Enter")
        await keyboard.press("Tab")
        await keyboard.press("Shift+Tab")
        reached = {await focused(live)}
        assert reached == {"record"}
        await keyboard.press("Space")
        await live.state("live")
        await live.until_finals(1)
        await keyboard.press("Space")
        await live.state("idle")
        await live.page.evaluate("document.activeElement.blur()")
        for _ in range(24):
            await keyboard.press("Tab")
            reached.add(await focused(live))
        assert reached >= CONTROLS, CONTROLS - reached
        await live.page.evaluate("document.activeElement.blur()")
        await keyboard.press("Space")
        await live.state("live")
        await keyboard.press("Space")
        await live.state("idle")


CONTROLS = {
    *("in-english", "in-korean", "theme", "copy", "save-txt", "save-srt", "save-vtt", "save-json"),
    *("clear", "scroll", "device", "language", "task", "preset", "record", "open"),
}


async def focused(live: LivePage) -> str:
    """The id, or else the class, of what has the focus."""
    own = "(document.activeElement.id || document.activeElement.className)"
    return str(await live.page.evaluate(own))


LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "korean": {"locale": "ko-KR"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True},
}


@pytest.mark.parametrize("look", LOOKS)
async def test_nothing_stands_in_the_way_of_anybody(place: Place, look: str) -> None:
    """Axe finds nothing serious, before and with captions, with a banner, and in the panel."""
    async with opened(place.browser, place.url, **LOOKS[look]) as live:
        await check_access(live)
        live.page.on("dialog", lambda dialog: dialog.accept())
        await live.read(AUDIO / "en_ko_mixed.flac")
        await live.page.set_input_files("#file", NO_AUDIO)
        await live.page.wait_for_selector("#banner[data-kind=error]")
        assert await live.finals()  # they stay until there are others
        if look == "phone":
            await live.page.click("#panel-toggle")
        await check_access(live)
        wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert await live.page.evaluate(wide)


async def check_access(live: LivePage) -> None:
    found = (await Axe().run(live.page)).response["violations"]
    serious = [each for each in found if each["impact"] in {"serious", "critical"}]
    assert not serious, [(each["id"], each["nodes"][0]["html"]) for each in serious]


# ------------------------------------------------------- the server goes away


async def test_the_words_go_on_over_a_killed_server(place: Place) -> None:
    """The page says that it waits and that it goes on; no word is lost."""
    by_grpc = await told_by_grpc(place, SPOKEN)
    context = {"permissions": ["microphone"]}
    async with opened(place.browser, place.url, LOST_CONNECTION, **context) as live:
        await live.start()
        await live.until_finals(1)
        place.kill()
        await live.page.wait_for_selector("#banner[data-kind=waiting]")
        assert "connection was lost" in (await live.page.text_content("#alert") or "")
        assert await live.page.text_content("#banner-countdown")
        await place.serve_again()
        await live.page.wait_for_selector("#banner[data-kind=good]", timeout=30_000)
        assert "Connected again" in (await live.page.text_content("#alert") or "")
        await live.until_said(int(SPOKEN.samples.size / 16_000))
        await live.stop()
        finals = await live.finals()
        assert errors(finals) <= errors(by_grpc) + STUTTER, (finals, by_grpc)
