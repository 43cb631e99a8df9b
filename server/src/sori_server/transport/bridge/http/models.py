"""`GET /v1/models`: OpenAI's list, with what Sori knows of each model."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sori.v1 import speech_pb2 as pb

from sori_server.domain.errors import LONGEST_QUOTE, ModelNotFound, quoted
from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.http.answers import json_answer
from sori_server.transport.bridge.http.model_names import ALIASES


class Models:
    """Answers which models there are."""

    def __init__(self, context: BridgeContext) -> None:
        self._backend = context.backend

    async def all(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's shape
        """Every model, and the presets that a stream or a file may name.

        Raises:
            ModelLoading: it is not known yet.
        """
        models = [model_fields(model) for model in await self._backend.models()]
        info = await self._backend.server_info()
        presets = [{"name": each.name, "description": each.description} for each in info.presets]
        return json_answer({"object": "list", "data": models, "presets": presets})

    async def one(self, request: web.Request) -> web.Response:
        """The model of a name, or the one that an alias stands for.

        Raises:
            ModelNotFound: there is none.
            ModelLoading: it is not known yet.
        """
        name = request.match_info["model"]
        models = await self._backend.models()
        for model in models:
            if model.name == name or name in ALIASES:
                return json_answer(model_fields(model))
        raise ModelNotFound(
            f"model: {quoted(name)} is not served here",
            metadata={
                "field": "model",
                "model": name[:LONGEST_QUOTE],
                "served": ", ".join(model.name for model in models),
            },
        )


def model_fields(model: pb.Model) -> dict[str, Any]:
    """A model as OpenAI's clients read it, and more. When it was made is not known: 0."""
    tasks = [pb.Task.Name(task).removeprefix("TASK_").lower() for task in model.tasks]
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": "sori",
        "display_name": model.display_name,
        "revision": model.revision,
        "languages": list(model.language_codes),
        "tasks": tasks,
        "loaded": model.loaded,
        "interim_model": model.interim_model or None,
    }
