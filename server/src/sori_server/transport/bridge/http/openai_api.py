"""OpenAI's `POST /v1/audio/transcriptions` and `/translations`, for its unmodified clients."""

from __future__ import annotations

import math
from typing import Final

from aiohttp import web
from sori.v1 import speech_pb2 as pb

from sori_server.domain.errors import InvalidConfig, SoriError
from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.errors import error_fields
from sori_server.transport.bridge.fields import Fields, chosen
from sori_server.transport.bridge.http.answers import (
    CAPTIONS,
    PLAIN,
    captions_answer,
    json_answer,
)
from sori_server.transport.bridge.http.model_names import served_name
from sori_server.transport.bridge.http.recordings import Transcript, Wanted, recognize
from sori_server.transport.bridge.http.sse import EventAnswer
from sori_server.transport.bridge.http.uploads import Form, FormKind, Uploads
from sori_server.transport.bridge.http.verbose import verbose_fields
from sori_server.transport.contract.results import result

FORMATS: Final = {name: name for name in ("json", "text", "srt", "vtt", "verbose_json")}
GRANULARITIES: Final = {"segment": "segment", "word": "word"}

NAMES: Final = {
    "audio": "file",
    "config.recognition.audio_format": "file",
    "config.recognition.language_codes": "language",
    "config.recognition.task": "model",
    "config.recognition.model": "model",
    "config.recognition.adaptation.initial_prompt": "prompt",
    "config.recognition.adaptation.hotwords": "keywords",
}
"""Fields of the form by the path in the contract that each becomes."""

IGNORED: Final = frozenset(
    {"chunking_strategy", "include", "known_speaker_names", "known_speaker_references"}
    | {"temperature"}
)
"""Fields of OpenAI's that clients send by habit and that do nothing here."""

TRANSLATION: Final = FormKind("file", frozenset({"model", "prompt", "response_format"}), IGNORED)
TRANSCRIPTION: Final = FormKind(
    "file",
    TRANSLATION.fields | {"keywords", "language", "languages", "stream", "timestamp_granularities"},
    IGNORED,
)


class OpenAiAudio:
    """Answers what OpenAI's clients ask about files."""

    def __init__(self, context: BridgeContext, uploads: Uploads) -> None:
        self._context = context
        self._uploads = uploads

    async def transcription(self, request: web.Request) -> web.StreamResponse:
        """The text of the file in the language spoken.

        Raises:
            SoriError: why there is none.
        """
        async with self._uploads.receive(request, TRANSCRIPTION) as form:
            kind, marks = _kind(form.fields), _granularities(form.fields)
            wanted = self._wanted(form.fields, pb.TASK_TRANSCRIBE, words="word" in marks)
            if form.fields.flag("stream"):
                if kind not in ("json", "text"):
                    raise InvalidConfig("response_format", "events are of format json")
                return await self._events(request, form, wanted)
            return _written(await self._complete(form, wanted), wanted, kind, marks)

    async def translation(self, request: web.Request) -> web.StreamResponse:
        """The text of the file in English.

        Raises:
            SoriError: why there is none.
        """
        async with self._uploads.receive(request, TRANSLATION) as form:
            kind = _kind(form.fields)
            wanted = self._wanted(form.fields, pb.TASK_TRANSLATE)
            return _written(await self._complete(form, wanted), wanted, kind, ["segment"])

    def _wanted(self, fields: Fields, task: pb.Task, *, words: bool = False) -> Wanted:
        longest = self._context.limits.max_prompt_characters
        return Wanted(
            languages=tuple(fields.texts("language") + fields.texts("languages")),
            task=task,
            model=served_name(fields.text("model")),
            word_times=words or _kind(fields) in CAPTIONS,
            prompt=fields.text("prompt")[-longest:],  # as much as counts, as at OpenAI
            hotwords=tuple(fields.texts("keywords")),
        )

    async def _complete(self, form: Form, wanted: Wanted) -> Transcript:
        transcript = await recognize(self._context, form, wanted, NAMES)
        transcript.check_complete()
        return transcript

    async def _events(self, request: web.Request, form: Form, wanted: Wanted) -> web.StreamResponse:
        """Deltas that join to the text, then all of it; or an error, which ends them."""
        events = EventAnswer(request, self._context.limits)

        async def tell(response: pb.StreamingRecognizeResponse) -> None:
            text = result(response.result).text.strip() if response.result.is_final else ""
            if text:
                delta = f" {text}" if events.begun else text
                await events.send({"type": "transcript.text.delta", "delta": delta})

        try:
            transcript = await recognize(self._context, form, wanted, NAMES, tell)
            transcript.check_complete()
        except SoriError as error:
            if not events.begun:
                raise
            await events.send({"type": "error", "error": error_fields(error)})
        else:
            await events.send({"type": "transcript.text.done", "text": transcript.text})
        return await events.end()


def _kind(fields: Fields) -> str:
    return fields.choice("response_format", FORMATS, "json")


def _granularities(fields: Fields) -> list[str]:
    name = "timestamp_granularities"
    given = [chosen(name, value, GRANULARITIES) for value in fields.texts(name)]
    if given and _kind(fields) != "verbose_json":
        raise InvalidConfig(name, "means something with response_format verbose_json only")
    return given or ["segment"]


def _written(
    transcript: Transcript, wanted: Wanted, kind: str, granularities: list[str]
) -> web.Response:
    if kind in CAPTIONS:
        return captions_answer(transcript, kind)
    if kind == "text":
        return web.Response(text=f"{transcript.text}\n", content_type=PLAIN)
    usage = {"type": "duration", "seconds": math.ceil(transcript.duration)}
    if kind == "verbose_json":
        fields = verbose_fields(transcript, wanted.task, granularities)
        return json_answer({**fields, "usage": usage})
    return json_answer({"text": transcript.text, "usage": usage})
