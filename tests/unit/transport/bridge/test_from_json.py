"""What JSON may say of a message, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_server.domain.errors import InvalidConfig
from sori_server.transport.bridge.from_json import dict_to_message

pytestmark = pytest.mark.unit


def config(fields: dict[str, Any]) -> pb.StreamingConfig:
    message = pb.StreamingConfig()
    dict_to_message(fields, message, "config")
    return message


def recognition(**fields: object) -> dict[str, Any]:
    return {"recognition": fields}


def audio_format(**fields: object) -> dict[str, Any]:
    return recognition(audio_format=fields)


def endpointing(**fields: object) -> dict[str, Any]:
    return {"endpointing": fields}


@pytest.mark.parametrize(
    ("seconds", "duration"),
    [
        (0, Duration()),
        (2, Duration(seconds=2)),
        (1.25, Duration(seconds=1, nanos=250_000_000)),
        (0.1 + 0.2, Duration(nanos=300_000_000)),
        (0.999_999_999_9, Duration(seconds=1)),
        (-1.5, Duration(seconds=-1, nanos=-500_000_000)),
        (315_576_000_000, Duration(seconds=315_576_000_000)),
    ],
)
def test_seconds_are_rounded_to_nanoseconds(seconds: float, duration: Duration) -> None:
    assert config(endpointing(end_silence=seconds)).endpointing.end_silence == duration


def test_what_is_there_is_set_even_if_it_is_empty_or_zero() -> None:
    message = config(endpointing(end_silence=0, speech_threshold=0) | recognition())
    assert message.HasField("recognition")
    assert message.endpointing.HasField("end_silence")
    assert message.endpointing.HasField("speech_threshold")
    assert not message.endpointing.HasField("min_speech")


def test_whole_numbers_may_be_written_with_a_point() -> None:
    assert config(audio_format(sample_rate_hertz=16e3)).recognition.audio_format == pb.AudioFormat(
        sample_rate_hertz=16000
    )


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"langauge": "en"}, "langauge", "unknown field; known: endpointing, interim_results"),
        ({"a b": 1}, "'a b'", "unknown field"),
        ({"x" * 5000: 1}, f"'{'x' * 64}…'", "unknown field"),
        ({"\ud800": 1}, r"'\ud800'", "unknown field"),
        (recognition(audio_format={"rate": 1}), "recognition.audio_format.rate", "unknown field"),
        ({"interim_results": 1}, "interim_results", "must be true or false, not a number"),
        ({"interim_results": "true"}, "interim_results", "must be true or false, not a string"),
        ({"preset": 5}, "preset", "must be a string, not a number"),
        ({"preset": True}, "preset", "must be a string, not true or false"),
        ({"preset": None}, "preset", "null means nothing here"),
        ({"preset": "\udc00"}, "preset", "half of a surrogate pair"),
        ({"recognition": None}, "recognition", "null means nothing here"),
        ({"recognition": []}, "recognition", "must be an object, not a list"),
        ({"recognition": "en"}, "recognition", "must be an object, not a string"),
        (recognition(language_codes="en"), "recognition.language_codes", "must be a list"),
        (recognition(language_codes=["en", 1]), "recognition.language_codes[1]", "be a string"),
        (recognition(language_codes=[None]), "recognition.language_codes[0]", "null means"),
        (
            recognition(adaptation={"replacements": [{"search": "a"}, {"search": 2.5}]}),
            "recognition.adaptation.replacements[1].search",
            "must be a string, not a number",
        ),
        (
            recognition(adaptation={"replacements": {}}),
            "recognition.adaptation.replacements",
            "must be a list, not an object",
        ),
        (
            audio_format(encoding="pcm"),
            "recognition.audio_format.encoding",
            "'pcm' is not known; allowed: linear16, float32,",
        ),
        (audio_format(encoding="LINEAR16"), "recognition.audio_format.encoding", "allowed: li"),
        (audio_format(encoding=1), "recognition.audio_format.encoding", "must be a string"),
        (audio_format(encoding="unspecified"), "recognition.audio_format.encoding", "not known"),
        (audio_format(sample_rate_hertz=2**31), "recognition.audio_format.sample_rate_hertz", "to"),
        (audio_format(sample_rate_hertz=1e300), "recognition.audio_format.sample_rate_hertz", "to"),
        (
            audio_format(sample_rate_hertz=16000.5),
            "recognition.audio_format.sample_rate_hertz",
            "must be a whole number",
        ),
        (
            audio_format(sample_rate_hertz=float("inf")),
            "recognition.audio_format.sample_rate_hertz",
            "must be a whole number",
        ),
        (audio_format(channel_count=True), "recognition.audio_format.channel_count", "whole"),
        (audio_format(channel_count="1"), "recognition.audio_format.channel_count", "a string"),
        (endpointing(speech_threshold=1e39), "endpointing.speech_threshold", "out of range"),
        (endpointing(speech_threshold=float("nan")), "endpointing.speech_threshold", "of range"),
        (endpointing(speech_threshold=False), "endpointing.speech_threshold", "a number"),
        (endpointing(end_silence="0.5s"), "endpointing.end_silence", "a number of seconds"),
        (endpointing(end_silence={"seconds": 1}), "endpointing.end_silence", "of seconds"),
        (endpointing(end_silence=1e12), "endpointing.end_silence", "out of range"),
        (endpointing(end_silence=10**400), "endpointing.end_silence", "out of range"),
        (endpointing(end_silence=float("nan")), "endpointing.end_silence", "out of range"),
        (endpointing(end_silence=float("-inf")), "endpointing.end_silence", "out of range"),
    ],
)
def test_what_is_wrong_is_refused_by_its_path(
    fields: dict[str, Any], path: str, message: str
) -> None:
    with pytest.raises(InvalidConfig) as caught:
        config(fields)
    assert caught.value.field == f"config.{path}"
    assert message in str(caught.value)
    assert len(str(caught.value)) < 500


def test_maps_hold_texts() -> None:
    warning = pb.Warning()
    with pytest.raises(InvalidConfig, match="must be a string, not a number") as caught:
        dict_to_message({"metadata": {"a": "b", "c": 1}}, warning, "warning")
    assert caught.value.field == "warning.metadata['c']"
