"""Every route of the HTTP API."""

from __future__ import annotations

from aiohttp import web

from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.http.docs_page import docs_routes
from sori_server.transport.bridge.http.health import Health
from sori_server.transport.bridge.http.models import Models
from sori_server.transport.bridge.http.openai_api import OpenAiAudio
from sori_server.transport.bridge.http.transcribe import Transcription
from sori_server.transport.bridge.http.uploads import Uploads


def routes(context: BridgeContext, uploads: Uploads) -> list[web.AbstractRouteDef]:
    """The API, its description, and health."""
    audio, models, health = OpenAiAudio(context, uploads), Models(context), Health(context)
    return [
        web.post("/transcribe", Transcription(context, uploads).answer),
        web.post("/v1/audio/transcriptions", audio.transcription),
        web.post("/v1/audio/translations", audio.translation),
        web.get("/v1/models", models.all),
        web.get("/v1/models/{model:.+}", models.one),
        web.get("/healthz", health.alive),
        web.get("/readyz", health.ready),
        *docs_routes(context),
    ]
