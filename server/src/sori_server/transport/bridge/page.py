"""The live page and its files, from the package; nothing is from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

import sori_server

WEB: Final = Path(sori_server.__file__).parent / "web"

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What the page may load. Some browsers do not count WebSockets to `'self'`."""

_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}


def page_routes() -> list[web.AbstractRouteDef]:
    """The files of the page; `show_page` is for whoever routes `/`."""
    return [
        web.get("/assets/style.css", _show_style),
        web.static("/assets/app", WEB / "app"),
        web.static("/assets/icons", WEB / "icons"),
        web.static("/assets/client", (WEB / "client").resolve()),
    ]


async def _show_style(request: web.Request) -> web.FileResponse:  # noqa: ARG001 - aiohttp's shape
    return web.FileResponse(WEB / "style.css")


def show_page() -> web.FileResponse:
    """The page."""
    return web.FileResponse(WEB / "index.html", headers=_HEADERS)
