"""`/docs` in a real browser: it shows every route, and asks nobody else for anything."""

from __future__ import annotations

import shutil

import pytest
from playwright.async_api import async_playwright
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.http.openapi import document
from support.http_api import http_api
from support.speech_server import serving

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
]


async def test_it_shows_every_route_and_loads_nothing_from_elsewhere() -> None:
    asked, complaints = [], []
    async with serving() as served, http_api(served) as api, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{api.url}/docs")
        await page.locator(".opblock").first.wait_for()
        shown = await page.locator(".opblock-summary-path").all_inner_texts()
        await page.locator(".opblock-summary").first.click()
        await page.get_by_text("seven four two").first.wait_for()
        await browser.close()
    described = document(Limits())["paths"]
    assert [path.replace("\u200b", "") for path in shown] == list(described)
    assert complaints == []
    assert [url for url in asked if not url.startswith((api.url, "data:"))] == []
