"""Transcripts as bodies of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from sori.v1 import speech_pb2 as pb

from sori_server.domain.transcripts import segments, to_srt, to_txt, to_vtt
from sori_server.transport.bridge.http.recordings import Transcript

PLAIN: Final = "text/plain"

_CAPTIONS: Final = {"srt": (to_srt, PLAIN), "vtt": (to_vtt, "text/vtt")}

CAPTIONS: Final = frozenset(_CAPTIONS)
"""Formats made of captions, which are better cut where the times of words are known."""


def json_answer(body: Mapping[str, Any]) -> web.Response:
    """An answer in JSON."""
    return web.json_response(body)


def captions_answer(transcript: Transcript, kind: str) -> web.Response:
    """An answer of captions."""
    write, content_type = _CAPTIONS[kind]
    return web.Response(text=write(transcript.results), content_type=content_type)


def lines_answer(transcript: Transcript) -> web.Response:
    """An answer of plain text, a line for each utterance."""
    return web.Response(text=to_txt(transcript.results), content_type=PLAIN)


def transcript_fields(transcript: Transcript) -> dict[str, Any]:
    """All that is known of a transcript; times in seconds."""
    inference = transcript.summary.inference_time
    return {
        "text": transcript.text,
        "language": transcript.language,
        "duration": round(transcript.duration, 3),
        "segments": segments(transcript.results),
        "warnings": [warning_fields(warning) for warning in transcript.warnings],
        "inference_seconds": round(inference.seconds + inference.nanos / 1e9, 4),
    }


def warning_fields(warning: pb.Warning) -> dict[str, Any]:
    """A warning: `reason` for programs, `message` for people."""
    reason = pb.WarningReason.Name(warning.reason).removeprefix("WARNING_REASON_")
    return {
        "reason": reason.lower(),
        "message": warning.message,
        "metadata": dict(warning.metadata),
    }
