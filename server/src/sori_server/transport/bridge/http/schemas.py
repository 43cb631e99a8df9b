"""What the HTTP API takes and answers, as JSON Schema."""

from __future__ import annotations

from typing import Any, Final

from sori_server.transport.bridge.fields import FLAGS
from sori_server.transport.bridge.http import openai_api, transcribe

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
TEXTS_BY_NAME: Final[Schema] = {"type": "object", "additionalProperties": TEXT}


def described(schema: Schema, text: str) -> Schema:
    """`schema` with a description."""
    return {**schema, "description": text}


def ref(name: str) -> Schema:
    """The component of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def several(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def one_of(*names: str) -> Schema:
    """One of some texts."""
    return {"type": "string", "enum": list(names)}


def fixed(properties: Schema, *optional: str) -> Schema:
    """An object that has all of `properties`, but for those that are optional."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def form(properties: Schema, file: str) -> Schema:
    """A form with a file and fields that may be left out; there are no others."""
    content = {"type": "string", "format": "binary", "minLength": 1}
    return {
        "type": "object",
        "properties": {
            file: described(content, "The recording; its name does not matter."),
            **properties,
        },
        "required": [file],
        "additionalProperties": False,
    }


_FLAG: Final = one_of(*FLAGS)
_TAG: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$"}
_MODEL: Final = described(TEXT, "A name from `/v1/models`, or `auto`.")
_PROMPT: Final = described(
    {"type": "string", "maxLength": 1000}, "Text before the first word: names, the style."
)
_HOTWORDS: Final = described(several(TEXT), "Words to expect.")

TRANSCRIBE_FORM: Final = form(
    {
        "language": described(
            several(_TAG), "BCP-47 tags: none to detect, more to detect among these."
        ),
        "task": one_of(*transcribe.TASKS),
        "preset": described(TEXT, "Name of the settings that count where others are left open."),
        "model": _MODEL,
        "word_timestamps": described(_FLAG, "Fill `words`."),
        "prompt": _PROMPT,
        "hotwords": _HOTWORDS,
        "response_format": one_of(*transcribe.FORMATS),
        "stream": described(_FLAG, "Answer with server-sent events, as the text comes."),
    },
    "audio",
)

_OPENAI_IGNORED: Final = {name: described(TEXT, "Ignored.") for name in sorted(openai_api.IGNORED)}
_OPENAI_FIELDS: Final[Schema] = {
    "model": described(TEXT, "A name from `/v1/models`; names of OpenAI's mean the model here."),
    "prompt": _PROMPT,
    "response_format": one_of(*openai_api.FORMATS),
}
TRANSLATION_FORM: Final = form({**_OPENAI_FIELDS, **_OPENAI_IGNORED}, "file")
TRANSCRIPTION_FORM: Final = form(
    {
        **_OPENAI_FIELDS,
        "language": described(_TAG, "Language spoken; without it, it is detected."),
        "languages[]": described(several(_TAG), "Languages to detect among."),
        "keywords[]": _HOTWORDS,
        "timestamp_granularities[]": described(
            several(one_of(*openai_api.GRANULARITIES)), "With `verbose_json` only."
        ),
        "stream": described(_FLAG, "Answer with server-sent events, as the text comes."),
        **_OPENAI_IGNORED,
    },
    "file",
)

_WORD: Final = fixed({"word": TEXT, "start": SECONDS, "end": SECONDS, "confidence": SHARE})
_SEGMENT: Final = fixed(
    {
        "index": COUNT,
        "start": SECONDS,
        "end": SECONDS,
        "text": TEXT,
        "language": TEXT,
        "language_confidence": SHARE,
        "confidence": SHARE,
        "words": several(ref("Word")),
    },
    "words",
)
_WARNING: Final = fixed({"reason": TEXT, "message": TEXT, "metadata": TEXTS_BY_NAME})
_TRANSCRIPT: Final = fixed(
    {
        "text": TEXT,
        "language": described(TEXT, "That of most of the speech; empty without speech."),
        "duration": SECONDS,
        "segments": several(ref("Segment")),
        "warnings": several(ref("Warning")),
        "inference_seconds": described(SECONDS, "Time in the model."),
    }
)
_USAGE: Final = fixed({"type": one_of("duration"), "seconds": COUNT})
_VERBOSE_SEGMENT: Final = fixed(
    {
        "id": COUNT,
        "seek": COUNT,
        "start": SECONDS,
        "end": SECONDS,
        "text": TEXT,
        "tokens": described(several(COUNT), "Always empty."),
        "temperature": NUMBER,
        "avg_logprob": NUMBER,
        "compression_ratio": NUMBER,
        "no_speech_prob": described(SHARE, "Always 0: silence has no segment."),
    }
)
_VERBOSE: Final = fixed(
    {
        "task": one_of(*transcribe.TASKS),
        "language": described(TEXT, "English name, such as `korean`."),
        "duration": SECONDS,
        "text": TEXT,
        "segments": several(ref("VerboseSegment")),
        "words": several(fixed({"word": TEXT, "start": SECONDS, "end": SECONDS})),
        "usage": ref("Usage"),
    },
    "segments",
    "words",
)
_MODEL_ENTRY: Final = fixed(
    {
        "id": TEXT,
        "object": one_of("model"),
        "created": COUNT,
        "owned_by": TEXT,
        "display_name": TEXT,
        "revision": TEXT,
        "languages": several(TEXT),
        "tasks": several(TEXT),
        "loaded": {"type": "boolean"},
        "interim_model": {"type": ["string", "null"]},
    }
)
_ERROR: Final = fixed(
    {
        "error": fixed(
            {
                "type": one_of("invalid_request_error", "server_error"),
                "code": described(TEXT, "For programs, as in `sori.v1.ErrorReason`."),
                "message": described(TEXT, "For people."),
                "field": described({"type": ["string", "null"]}, "The field that is wrong."),
                "param": described({"type": ["string", "null"]}, "The same, for OpenAI's clients."),
                "retryable": {"type": "boolean"},
                "retry_after": described({"type": ["number", "null"]}, "Seconds."),
                "metadata": TEXTS_BY_NAME,
            }
        )
    }
)

COMPONENTS: Final[dict[str, Schema]] = {
    "Word": _WORD,
    "Segment": _SEGMENT,
    "Warning": _WARNING,
    "Transcript": _TRANSCRIPT,
    "Usage": _USAGE,
    "OpenAiTranscript": fixed({"text": TEXT, "usage": ref("Usage")}),
    "VerboseSegment": _VERBOSE_SEGMENT,
    "VerboseTranscript": _VERBOSE,
    "Model": _MODEL_ENTRY,
    "Models": fixed(
        {
            "object": one_of("list"),
            "data": several(ref("Model")),
            "presets": several(ref("Preset")),
        }
    ),
    "Preset": fixed({"name": TEXT, "description": TEXT}),
    "Status": fixed({"status": one_of("ok", "ready", "not_ready")}),
    "Error": _ERROR,
}
