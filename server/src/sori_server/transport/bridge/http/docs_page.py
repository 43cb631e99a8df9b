"""`/openapi.json`, and `/docs`, which shows it with nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web
from swagger_ui_bundle import swagger_ui_path

from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.http.answers import json_answer
from sori_server.transport.bridge.http.openapi import document
from sori_server.transport.bridge.schema import schema_text

_PARTS: Final = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
"""Files of Swagger UI that the page needs."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sori: HTTP API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script type="module" src="/docs/show.js"></script>
</body>
</html>
"""

_SHOW: Final = """const answer = await fetch("/openapi.json");
const spec = await answer.json();
spec.openapi = "3.0.3"; // Swagger UI 4 can show what is in here, but not under its number
SwaggerUIBundle({ spec, dom_id: "#api", validatorUrl: null });
"""


def docs_routes(context: BridgeContext) -> list[web.RouteDef]:
    """The document, the page, and the files of the page."""
    described = document(context.limits)

    async def openapi(request: web.Request) -> web.Response:  # noqa: ARG001 - aiohttp's shape
        return json_answer(described)

    return [
        web.get("/openapi.json", openapi),
        web.get("/docs/stream-v1.schema.json", _text(schema_text(), "application/schema+json")),
        web.get("/docs", _text(_PAGE, "text/html")),
        web.get("/docs/show.js", _text(_SHOW, "text/javascript")),
        *(web.get(f"/docs/{name}", _file(Path(swagger_ui_path / name))) for name in _PARTS),
    ]


def _text(text: str, content_type: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:  # noqa: ARG001 - aiohttp's shape
        return web.Response(text=text, content_type=content_type)

    return answer


def _file(path: Path) -> Handler:
    async def answer(request: web.Request) -> web.FileResponse:  # noqa: ARG001 - aiohttp's shape
        return web.FileResponse(path)

    return answer
