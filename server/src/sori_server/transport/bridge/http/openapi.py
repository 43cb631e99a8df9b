"""The HTTP API as an OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from sori_server import __version__
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.http import schemas
from sori_server.transport.bridge.http.schemas import Schema, ref

_ABOUT: Final = """Speech recognition over HTTP. A file may have {megabytes:g} MiB, in any
container FFmpeg's decoders of WAV, FLAC, Ogg and WebM Opus, MP3 and M4A read.

**Live audio goes over WebSocket.** `/v1/stream` mirrors the gRPC contract: JSON control messages,
binary audio, JSON events, all in [this JSON Schema](/docs/stream-v1.schema.json). A WebSocket at
`/` takes 32-bit float samples, mono, 16 kHz, without any message before, and answers
`{{"text": …, "is_final": …}}`.
"""

_REASONS: Final = {
    "400": "A field is wrong or missing, or the file is no audio; `field` names it.",
    "403": "Pages of this site may not use the server.",
    "404": "No such model.",
    "408": "The body came too slowly; the connection is closed.",
    "413": "The file or the form is too large; the connection is closed.",
    "429": "No room now; `Retry-After` says when to try again.",
    "500": "The file cannot be recognized.",
    "503": "The model is being loaded, or the server is leaving.",
}

_NOT_AUDIO: Final = {
    "error": {
        "type": "invalid_request_error",
        "param": "audio",
        "code": "AUDIO_UNDECODABLE",
        "message": "audio: the audio starts like none of WAV, FLAC, OGG_OPUS, WEBM_OPUS, MP3, M4A",
        "field": "audio",
        "retryable": False,
        "retry_after": None,
        "metadata": {},
    }
}
_HEARD: Final = {
    "text": "seven four two",
    "language": "en",
    "duration": 2.4,
    "segments": [
        {
            "index": 0,
            "start": 0.21,
            "end": 2.1,
            "text": "seven four two",
            "language": "en",
            "language_confidence": 1.0,
            "confidence": 0.93,
        }
    ],
    "warnings": [],
    "inference_seconds": 0.08,
}
_EVENTS: Final = (
    'event: progress\ndata: {"received": 2.4, "final": 0.0, '
    '"received_bytes": 38444, "total_bytes": 38444}\n\n'
    'event: result\ndata: {"index": 0, "start": 0.21, "end": 2.1, "text": "seven four two", …}\n\n'
    'event: done\ndata: {"text": "seven four two", …}\n\n'
)
_DELTAS: Final = (
    'data: {"type": "transcript.text.delta", "delta": "seven four two"}\n\n'
    'data: {"type": "transcript.text.done", "text": "seven four two"}\n\n'
)


def document(limits: Limits) -> Schema:
    """The document, which names every route of the bridge."""
    about = _ABOUT.format(megabytes=limits.max_upload_bytes / 2**20)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sori", "version": __version__, "description": about},
        "paths": {**_files(), **_models(), **_health(), **_pages()},
        "components": {"schemas": schemas.COMPONENTS},
    }


def _files() -> Schema:
    plain = {"text/plain": schemas.TEXT, "text/vtt": schemas.TEXT}
    openai = {
        "application/json": {"anyOf": [ref("VerboseTranscript"), ref("OpenAiTranscript")]},
        **plain,
    }
    transcript = {"application/json": ref("Transcript"), **plain, "text/event-stream": schemas.TEXT}
    examples = {"application/json": _HEARD, "text/event-stream": _EVENTS}
    return {
        "/transcribe": _upload("The text of a file", schemas.TRANSCRIBE_FORM, transcript, examples),
        "/v1/audio/transcriptions": _upload(
            "The text of a file, as OpenAI's API answers it",
            schemas.TRANSCRIPTION_FORM,
            {**openai, "text/event-stream": schemas.TEXT},
            {"text/event-stream": _DELTAS},
        ),
        "/v1/audio/translations": _upload(
            "The text of a file in English, as OpenAI's API answers it",
            schemas.TRANSLATION_FORM,
            openai,
            {},
        ),
    }


def _models() -> Schema:
    name = {
        "name": "model",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    }
    listed = _get("The models that can be named", "Models", "403", "503")
    one = _get("One model", "Model", "403", "404", "503")
    return {
        "/v1/models": {"get": listed},
        "/v1/models/{model}": {"get": {**one, "parameters": [name]}},
    }


def _health() -> Schema:
    ready = _get("Whether a new stream would be served, if there is room", "Status", "403")
    ready["responses"]["503"] = _json("Not yet, or not any more.", "Status")
    return {
        "/healthz": {"get": _get("Whether the process answers", "Status", "403")},
        "/readyz": {"get": ready},
    }


def _pages() -> Schema:
    document_answer = {
        "description": "It.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    schema_answer = {
        "description": "It.",
        "content": {"application/schema+json": {"schema": {"type": "object"}}},
    }
    stream = {
        "summary": "WebSocket: a stream, as in the gRPC contract",
        "responses": {
            "101": {"description": "The WebSocket is open; send `config`."},
            **_errors("400", "403", "503"),
        },
    }
    return {
        "/": {"get": _page("The page; with `Upgrade: websocket`, the plain protocol")},
        "/v1/stream": {"get": stream},
        "/docs/stream-v1.schema.json": {
            "get": {
                "summary": "JSON Schema of the messages of `/v1/stream`",
                "responses": {"200": schema_answer, **_errors("403")},
            }
        },
        "/docs": {"get": _page("This description, to read and to try")},
        "/openapi.json": {
            "get": {
                "summary": "This description",
                "responses": {"200": document_answer, **_errors("403")},
            }
        },
    }


def _upload(
    summary: str, form: Schema, answers: dict[str, Schema], examples: dict[str, Any]
) -> Schema:
    content = {
        kind: {"schema": schema, **({"example": examples[kind]} if kind in examples else {})}
        for kind, schema in answers.items()
    }
    lists = [name for name, field in form["properties"].items() if field.get("type") == "array"]
    encoding = {name: {"style": "form", "explode": True} for name in lists}
    body = {"multipart/form-data": {"schema": form, "encoding": encoding}}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": body},
            "responses": {
                "200": {"description": "The text.", "content": content},
                **_errors(*_REASONS),
            },
        }
    }


def _get(summary: str, component: str, *errors: str) -> Schema:
    return {
        "summary": summary,
        "responses": {"200": _json("It.", component), **_errors(*errors)},
    }


def _page(summary: str) -> Schema:
    html = {"description": "HTML.", "content": {"text/html": {"schema": schemas.TEXT}}}
    return {"summary": summary, "responses": {"200": html, **_errors("403")}}


def _json(description: str, component: str) -> Schema:
    content = {"application/json": {"schema": ref(component)}}
    return {"description": description, "content": content}


def _errors(*statuses: str) -> Schema:
    errors = {status: _json(_REASONS[status], "Error") for status in statuses}
    if "400" in errors:
        errors["400"]["content"]["application/json"]["example"] = _NOT_AUDIO
    return errors
