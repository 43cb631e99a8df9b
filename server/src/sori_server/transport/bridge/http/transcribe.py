"""`POST /transcribe`: a file in, its text out, at once or as it comes."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from sori.v1 import speech_pb2 as pb

from sori_server.domain.audio import seconds
from sori_server.domain.errors import InvalidConfig, SoriError
from sori_server.domain.transcripts import segments
from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.errors import error_fields
from sori_server.transport.bridge.fields import Fields
from sori_server.transport.bridge.http.answers import (
    CAPTIONS,
    captions_answer,
    json_answer,
    lines_answer,
    transcript_fields,
    warning_fields,
)
from sori_server.transport.bridge.http.recordings import Transcript, Wanted, recognize
from sori_server.transport.bridge.http.sse import EventAnswer
from sori_server.transport.bridge.http.uploads import Form, FormKind, Uploads
from sori_server.transport.contract.results import position, result, warning

FORMATS: Final = {name: name for name in ("json", "text", "srt", "vtt")}
TASKS: Final = {"transcribe": pb.TASK_TRANSCRIBE, "translate": pb.TASK_TRANSLATE}

NAMES: Final = {
    "audio": "audio",
    "config.recognition.audio_format": "audio",
    "config.recognition.language_codes": "language",
    "config.recognition.task": "task",
    "config.recognition.model": "model",
    "config.recognition.adaptation.initial_prompt": "prompt",
    "config.recognition.adaptation.hotwords": "hotwords",
    "config.preset": "preset",
}
"""Fields of the form by the path in the contract that each becomes."""

FORM: Final = FormKind(
    "audio",
    frozenset(NAMES.values()) - {"audio"} | {"word_timestamps", "response_format", "stream"},
)


class Transcription:
    """Answers `POST /transcribe`."""

    def __init__(self, context: BridgeContext, uploads: Uploads) -> None:
        self._context = context
        self._uploads = uploads

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The text of the file, in the format that is wanted.

        Raises:
            SoriError: why there is none.
        """
        async with self._uploads.receive(request, FORM) as form:
            kind = form.fields.choice("response_format", FORMATS, "json")
            wanted = _wanted(form.fields, kind)
            if form.fields.flag("stream"):
                if kind != "json":
                    raise InvalidConfig("response_format", "events are in JSON: leave it out")
                return await self._events(request, form, wanted)
            transcript = await recognize(self._context, form, wanted, NAMES)
            if kind != "json":  # which has `warnings`
                transcript.check_complete()
        return _written(transcript, kind)

    async def _events(self, request: web.Request, form: Form, wanted: Wanted) -> web.StreamResponse:
        events = EventAnswer(request, self._context.limits)
        progress = _Progress(events, form.size)
        try:
            transcript = await recognize(self._context, form, wanted, NAMES, progress.tell)
        except SoriError as error:
            if not events.begun:
                raise
            await events.send({"error": error_fields(error)}, "error")
        else:
            await events.send(transcript_fields(transcript), "done")
        return await events.end()


class _Progress:
    """Tells responses as events."""

    def __init__(self, events: EventAnswer, size: int) -> None:
        self._events = events
        self._size = size

    async def tell(self, response: pb.StreamingRecognizeResponse) -> None:
        match response.WhichOneof("response"):
            case "progress":
                await self._events.send(self._progress(response.progress), "progress")
            case "warning":
                await self._events.send(warning_fields(warning(response)), "warning")
            case "result" if response.result.is_final:
                for segment in segments([result(response.result)]):
                    await self._events.send(segment, "result")
            case _:
                pass

    def _progress(self, progress: pb.Progress) -> dict[str, Any]:
        """How far it is."""
        return {
            "received": round(seconds(position(progress.received_offset)), 3),
            "final": round(seconds(position(progress.final_offset)), 3),
            "received_bytes": progress.acknowledged_byte_offset,
            "total_bytes": self._size,
        }


def _wanted(fields: Fields, kind: str) -> Wanted:
    return Wanted(
        languages=tuple(fields.listed("language")),
        task=fields.choice("task", TASKS, pb.TASK_TRANSCRIBE),
        preset=fields.text("preset"),
        model=fields.text("model"),
        word_times=fields.flag("word_timestamps") or kind in CAPTIONS,
        prompt=fields.text("prompt"),
        hotwords=tuple(fields.texts("hotwords")),
    )


def _written(transcript: Transcript, kind: str) -> web.Response:
    if kind == "json":
        return json_answer(transcript_fields(transcript))
    if kind == "text":
        return lines_answer(transcript)
    return captions_answer(transcript, kind)
