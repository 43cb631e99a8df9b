"""The plain protocol: samples in, `text` out, settings in the query if there are any."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sori.v1 import speech_pb2 as pb

from sori_server.domain.audio import seconds
from sori_server.domain.errors import ClientError, InvalidConfig, ProtocolViolation, SoriError
from sori_server.domain.events import Result
from sori_server.domain.limits import Limits
from sori_server.transport.bridge import codec
from sori_server.transport.bridge.errors import error_fields, renamed
from sori_server.transport.bridge.fields import FLAGS, Fields, is_text
from sori_server.transport.bridge.to_json import enum_names, message_to_dict
from sori_server.transport.contract import results

SAMPLE_RATE: Final = 16_000
ENCODINGS: Final = {
    name: pb.AudioEncoding.Name(number)
    for number, name in enum_names(pb.AudioEncoding.DESCRIPTOR).items()
}
TASKS: Final = {
    name: pb.Task.Name(number) for number, name in enum_names(pb.Task.DESCRIPTOR).items()
}

NAMES: Final = {
    "config.recognition.audio_format.sample_rate_hertz": "sample_rate",
    "config.recognition.audio_format.channel_count": "channels",
    "config.recognition.audio_format": "encoding",
    "config.recognition.language_codes": "language",
    "config.recognition.task": "task",
    "config.recognition.model": "model",
    "config.preset": "preset",
}
"""Settings by the path in the contract that each becomes."""

SETTINGS: Final = frozenset(NAMES.values()) | {"interim"}


class Plain:
    """A `Dialect` that makes the config from what the query and a first text frame say."""

    def __init__(self, query: Mapping[str, Sequence[str]], limits: Limits) -> None:
        self._settings = {name: list(values) for name, values in query.items()}
        self._limits = limits
        self._open = False
        self.patience = limits.idle_timeout
        """Seconds the first frame may take: a person may be asked for the microphone first."""

    def check(self) -> None:
        """Look at the query before anything is sent.

        Raises:
            InvalidConfig: a setting is unknown or wrong.
        """
        self._config_of(self._settings)

    def opening(self, first: pb.StreamingRecognizeRequest) -> list[pb.StreamingRecognizeRequest]:
        """The config before everything else, unless `first` is one.

        Raises:
            InvalidConfig: a setting of the query is unknown or wrong.
        """
        if first.HasField("config"):
            return [first]
        return [self._config(), first]

    def request_of(self, text: str) -> pb.StreamingRecognizeRequest:
        """The message of a client's text frame: one of version 1, or settings, which come first.

        Raises:
            ClientError: it is none.
        """
        fields = codec.json_object(text, self._limits)
        if "type" in fields:
            if fields["type"] == "config":
                raise ProtocolViolation(
                    "type: settings have none in this protocol, and come before audio",
                    metadata={"field": "type"},
                )
            return codec.request_of(text, self._limits)
        if self._open:
            raise ProtocolViolation(
                "message: settings come before audio, and once", metadata={"field": "message"}
            )
        self._settings |= {name: _written(name, value) for name, value in fields.items()}
        return self._config()

    def event_text(self, response: pb.StreamingRecognizeResponse) -> str | None:
        """Results and warnings; nothing else is told."""
        kind = response.WhichOneof("response")
        if kind == "result":
            return _compact(_answer(results.result(response.result)))
        if kind == "warning":
            return _compact(_silent("warning", message_to_dict(results.warning(response))))
        return None

    def error_text(self, error: SoriError) -> str:
        """The last answer of a stream that failed; fields have the names of this protocol."""
        if isinstance(error, ClientError):
            error = renamed(error, NAMES)
        return json.dumps(_silent("error", error_fields(error)))  # in ASCII, as it may be no text

    def _config(self) -> pb.StreamingRecognizeRequest:
        self._open = True
        return pb.StreamingRecognizeRequest(config=self._config_of(self._settings))

    @staticmethod
    def _config_of(settings: Mapping[str, Sequence[str]]) -> pb.StreamingConfig:
        for name, values in settings.items():
            if name not in SETTINGS:
                known = ", ".join(sorted(SETTINGS))
                raise InvalidConfig(name[:64], f"no setting of this protocol; there are {known}")
            if not all(map(is_text, values)):
                raise InvalidConfig(name, "half of a surrogate pair is not text")
        fields = Fields(settings)
        audio_format = pb.AudioFormat(
            encoding=fields.choice("encoding", ENCODINGS, "AUDIO_ENCODING_FLOAT32"),
            sample_rate_hertz=_whole(fields, "sample_rate", SAMPLE_RATE),
            channel_count=_whole(fields, "channels", 1),
        )
        recognition = pb.RecognitionConfig(
            audio_format=audio_format,
            model=fields.text("model"),
            language_codes=fields.listed("language"),
            task=fields.choice("task", TASKS, "TASK_TRANSCRIBE"),
        )
        return pb.StreamingConfig(
            recognition=recognition,
            interim_results=fields.choice("interim", FLAGS, default=True),
            preset=fields.text("preset"),
        )


def _whole(fields: Fields, name: str, default: int) -> int:
    text = fields.text(name)
    if not text:
        return default
    whole = text.removesuffix(".0")
    if not (whole.isascii() and whole.isdecimal() and len(whole) < 10):
        raise InvalidConfig(name, "must be a whole number")
    return int(whole)


def _written(name: str, value: object) -> list[str]:
    """A setting, or a list of them, as it would be in the query."""
    return [_text(name, item) for item in (value if isinstance(value, list) else [value])]


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise InvalidConfig(name[:64], "must be a string, a number, true or false, or a list of these")


def _answer(result: Result) -> dict[str, Any]:
    return {
        "text": result.text,
        "is_final": result.is_final,
        "utterance": result.utterance_index,
        "start": seconds(result.span.start),
        "end": seconds(result.span.end),
        "committed_text": result.committed_text,
        "tentative_text": result.tentative_text,
        "language": result.language,
        "confidence": round(result.confidence, 6),
    }


def _silent(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """An answer about something else than text."""
    return {"text": "", "is_final": False, name: value}


_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode
