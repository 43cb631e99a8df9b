"""Every field of a client's messages arrives; what is unset is told from what is zero."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from sori.v1 import speech_pb2 as pb
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import EndpointingConfig, RecognitionConfig, StreamConfig, Task
from sori_server.domain.errors import InvalidConfig, ProtocolViolation
from sori_server.domain.limits import Limits
from sori_server.runtime.door import (
    AudioBytes,
    ClientMessage,
    EndOfAudio,
    FinalizeUtterance,
    KeepAlive,
)
from sori_server.transport.grpc.requests import (
    ENCODINGS,
    TASKS,
    check_page,
    client_message,
    recording_config,
    stream_config,
)

pytestmark = pytest.mark.unit

LIMITS = Limits(max_chunk_bytes=100, max_request_id=4, max_config_bytes=1_000)
RAW = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000)
LEAST = pb.StreamingConfig(recognition=pb.RecognitionConfig(audio_format=RAW))
FULL = pb.StreamingConfig(
    recognition=pb.RecognitionConfig(
        audio_format=pb.AudioFormat(
            encoding=pb.AUDIO_ENCODING_MULAW, sample_rate_hertz=8_000, channel_count=2
        ),
        model="mini",
        language_codes=["ko-KR", "EN_us", "zh-Hant-TW"],
        task=pb.TASK_TRANSLATE,
        features=pb.RecognitionFeatures(word_time_offsets=True),
        decoding=pb.DecodingOptions(beam_size=3),
    ),
    interim_results=True,
    min_interim_interval=Duration(nanos=250_000_000),
    endpointing=pb.EndpointingConfig(
        end_silence=Duration(nanos=750_000_000),
        max_utterance=Duration(seconds=12, nanos=500_000_000),
        min_speech=Duration(nanos=200_000_000),
        prefix_padding=Duration(nanos=125_000_000),
        speech_threshold=0.25,
    ),
    voice_activity_events=True,
    progress_interval=Duration(seconds=2),
    latency_breakdown=True,
)
UNDERSTOOD = StreamConfig(
    recognition=RecognitionConfig(
        audio_format=AudioFormat(AudioEncoding.MULAW, 8_000, 2),
        model="mini",
        languages=("ko", "en", "zh"),
        task=Task.TRANSLATE,
        word_times=True,
        beam_size=3,
    ),
    endpointing=EndpointingConfig(
        end_silence=0.75,
        min_speech=0.2,
        prefix_padding=0.125,
        speech_threshold=0.25,
        max_utterance=12.5,
    ),
    interim_results=True,
    interim_interval=0.25,
    voice_activity_events=True,
    progress_interval=2.0,
    latency_breakdown=True,
)


def refused(message: pb.StreamingConfig) -> InvalidConfig:
    with pytest.raises(InvalidConfig) as refusal:
        stream_config(message, LIMITS)
    return refusal.value


def unset_fields(message: Message, path: str = "") -> list[str]:
    """The fields of our messages below `message` that are not set."""
    given = {field.name for field, _ in message.ListFields()}
    missing = [f"{path}{name}" for name in message.DESCRIPTOR.fields_by_name if name not in given]
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.file == pb.DESCRIPTOR:
            missing += unset_fields(value, f"{path}{field.name}.")
    return missing


# ------------------------------------------------------------------------------------ config


def test_every_field_of_a_config_is_understood() -> None:
    assert unset_fields(FULL) == []
    assert stream_config(FULL, LIMITS) == UNDERSTOOD
    assert recording_config(FULL.recognition, LIMITS) == UNDERSTOOD.recognition


def test_what_is_unset_has_its_default() -> None:
    assert stream_config(LEAST, LIMITS) == StreamConfig()


def zeros(message: pb.StreamingConfig) -> pb.StreamingConfig:
    """A copy with zero in every field that knows zero from unset."""
    copy = pb.StreamingConfig()
    copy.CopyFrom(message)
    for owner in (copy, copy.endpointing):
        for field in owner.DESCRIPTOR.fields:
            if field.message_type is Duration.DESCRIPTOR:
                getattr(owner, field.name).SetInParent()
    copy.endpointing.speech_threshold = 0.0
    return copy


def test_zero_is_not_taken_for_unset() -> None:
    """It is for the ranges to refuse."""
    config = stream_config(zeros(LEAST), LIMITS)
    assert config.endpointing == EndpointingConfig(0.0, 0.0, 0.0, 0.0, 0.0)
    assert config.interim_interval == 0.0
    assert config.progress_interval == 0.0


def test_where_the_contract_says_so_zero_is_unset() -> None:
    zero = pb.StreamingConfig()
    zero.CopyFrom(LEAST)
    zero.recognition.audio_format.channel_count = 0
    zero.recognition.decoding.beam_size = 0
    zero.recognition.task = pb.TASK_UNSPECIFIED
    assert stream_config(zero, LIMITS) == StreamConfig()


@given(st.integers(-(10**6), 10**6), st.integers(-999_999_999, 999_999_999))
def test_durations_are_read_to_the_nanosecond(whole: int, nanos: int) -> None:
    message = pb.StreamingConfig()
    message.CopyFrom(LEAST)
    message.min_interim_interval.CopyFrom(Duration(seconds=whole, nanos=nanos))
    read = stream_config(message, LIMITS).interim_interval
    assert read == pytest.approx(whole + nanos * 1e-9, abs=1e-9)


@pytest.mark.parametrize("audio_format", [pb.AudioFormat(), RAW], ids=["rate", "no rate"])
def test_rate_and_channels_of_wave_are_those_of_its_header(audio_format: pb.AudioFormat) -> None:
    message = pb.RecognitionConfig(audio_format=audio_format)
    message.audio_format.encoding = pb.AUDIO_ENCODING_WAV
    message.audio_format.channel_count = 7
    assert recording_config(message, LIMITS).audio_format == AudioFormat(AudioEncoding.WAV, 0, 0)


@pytest.mark.parametrize(
    ("encoding", "told"), [(0, "AUDIO_ENCODING_UNSPECIFIED"), (99, "value 99")]
)
def test_unknown_encodings_are_refused(encoding: int, told: str) -> None:
    wrong = pb.RecognitionConfig(audio_format=pb.AudioFormat(encoding=encoding))  # type: ignore[arg-type]
    error = refused(pb.StreamingConfig(recognition=wrong))
    assert error.field == "config.recognition.audio_format.encoding"
    assert error.description.startswith(f"{told} is not supported; supported: LINEAR16, ")
    with pytest.raises(InvalidConfig, match=r"^config\.audio_format\.encoding: "):
        recording_config(wrong, LIMITS)


def test_unknown_tasks_are_refused() -> None:
    wrong = pb.RecognitionConfig(audio_format=RAW, task=99)  # type: ignore[arg-type]
    assert refused(pb.StreamingConfig(recognition=wrong)).field == "config.recognition.task"


@pytest.mark.parametrize("tag", ["", "-KR", "12", "e n", "*"])
def test_tags_without_a_language_are_refused(tag: str) -> None:
    wrong = pb.RecognitionConfig(audio_format=RAW, language_codes=["en", tag])
    error = refused(pb.StreamingConfig(recognition=wrong))
    assert error.field == "config.recognition.language_codes[1]"


def test_a_config_has_a_size() -> None:
    least = len(LEAST.SerializeToString())
    stream_config(LEAST, Limits(max_config_bytes=least))
    with pytest.raises(InvalidConfig) as refusal:
        stream_config(LEAST, Limits(max_config_bytes=least - 1))
    assert refusal.value.field == "config"
    assert refusal.value.metadata["limit"] == str(least - 1)
    huge = pb.RecognitionConfig(audio_format=RAW, model="m" * 1_000)
    with pytest.raises(InvalidConfig, match=r"^config: "):
        recording_config(huge, LIMITS)


def test_the_tables_know_every_value_of_the_contract_and_of_the_domain() -> None:
    assert set(ENCODINGS) == set(pb.AudioEncoding.values()) - {pb.AUDIO_ENCODING_UNSPECIFIED}
    assert sorted(ENCODINGS.values(), key=str) == sorted(AudioEncoding, key=str)
    assert set(TASKS) == set(pb.Task.values())
    assert set(TASKS.values()) == set(Task)
    for value, encoding in ENCODINGS.items():
        assert pb.AudioEncoding.Name(value) == f"AUDIO_ENCODING_{encoding.name}"


# ---------------------------------------------------------------------------------- messages


def read(**request: object) -> ClientMessage:
    return client_message(pb.StreamingRecognizeRequest(**request), LIMITS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"audio": pb.AudioChunk(data=b"abc")}, AudioBytes(b"abc")),
        ({"audio": pb.AudioChunk()}, AudioBytes(b"")),
        ({"audio": pb.AudioChunk(data=b"abc", byte_offset=0)}, AudioBytes(b"abc", 0)),
        ({"audio": pb.AudioChunk(byte_offset=2**63 - 1)}, AudioBytes(b"", 2**63 - 1)),
        ({"audio": pb.AudioChunk(data=bytes(100))}, AudioBytes(bytes(100))),
        ({"finalize": pb.Finalize(request_id="1234")}, FinalizeUtterance("1234")),
        ({"finalize": pb.Finalize()}, FinalizeUtterance("")),
        ({"keep_alive": pb.KeepAlive()}, KeepAlive()),
        ({"end_of_audio": pb.EndOfAudio()}, EndOfAudio(None)),
        ({"end_of_audio": pb.EndOfAudio(total_bytes=0)}, EndOfAudio(0)),
        ({"end_of_audio": pb.EndOfAudio(total_bytes=9)}, EndOfAudio(9)),
    ],
)
def test_every_kind_of_message_is_read(request_: dict[str, object], message: object) -> None:
    assert read(**request_) == message


def test_every_kind_of_message_has_a_test() -> None:
    kinds = {field.name for field in pb.StreamingRecognizeRequest.DESCRIPTOR.fields}
    assert kinds == {"config", "audio", "finalize", "keep_alive", "end_of_audio"}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"audio": pb.AudioChunk(data=bytes(101))}, "audio.data"),
        ({"audio": pb.AudioChunk(byte_offset=-1)}, "audio.byte_offset"),
        ({"finalize": pb.Finalize(request_id="12345")}, "finalize.request_id"),
        ({"end_of_audio": pb.EndOfAudio(total_bytes=-1)}, "end_of_audio.total_bytes"),
    ],
)
def test_messages_out_of_bounds_are_refused(request_: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidConfig) as refusal:
        read(**request_)
    assert refusal.value.field == field


@pytest.mark.parametrize(("request_", "field"), [({"config": LEAST}, "config"), ({}, "request")])
def test_messages_out_of_order_are_refused(request_: dict[str, object], field: str) -> None:
    with pytest.raises(ProtocolViolation) as refusal:
        read(**request_)
    assert refusal.value.metadata == {"field": field}


def test_there_is_one_page_of_models() -> None:
    check_page(pb.ListModelsRequest())
    check_page(pb.ListModelsRequest(page_size=1))
    with pytest.raises(InvalidConfig, match=r"^page_size: -1"):
        check_page(pb.ListModelsRequest(page_size=-1))
    with pytest.raises(InvalidConfig, match=r"^page_token: "):
        check_page(pb.ListModelsRequest(page_token="2"))  # noqa: S106
