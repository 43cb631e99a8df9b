"""Every field of a client's messages arrives; what is unset is told from what is zero."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from sori.v1 import speech_pb2 as pb
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import (
    Adaptation,
    ChannelMode,
    EndpointingConfig,
    EndpointingMode,
    Priority,
    RecognitionConfig,
    Replacement,
    ResumeConfig,
    StreamConfig,
    Task,
)
from sori_server.domain.errors import InvalidConfig, ProtocolViolation
from sori_server.domain.limits import Limits
from sori_server.domain.presets import preset_named
from sori_server.runtime.door import (
    AudioBytes,
    ClientMessage,
    EndOfAudio,
    FinalizeUtterance,
    KeepAlive,
    ResponsesReceived,
)
from sori_server.transport.contract.requests import (
    CHANNEL_MODES,
    ENCODINGS,
    MODES,
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
        features=pb.RecognitionFeatures(word_time_offsets=True, interim_word_time_offsets=True),
        language_switching=True,
        adaptation=pb.Adaptation(
            hotwords=["Sori", "Han River"],
            initial_prompt="A talk about rivers.",
            replacements=[
                pb.Replacement(search="sorry", replace="Sori", case_sensitive=True),
                pb.Replacement(search="um"),
            ],
        ),
        channel_mode=pb.CHANNEL_MODE_SEPARATE,
        decoding=pb.DecodingOptions(
            beam_size=3, no_speech_threshold=0.75, condition_on_previous_text=False
        ),
    ),
    interim_results=True,
    min_interim_interval=Duration(nanos=250_000_000),
    endpointing=pb.EndpointingConfig(
        mode=pb.ENDPOINTING_MODE_VAD,
        end_silence=Duration(nanos=750_000_000),
        max_utterance=Duration(seconds=12, nanos=500_000_000),
        min_speech=Duration(nanos=200_000_000),
        prefix_padding=Duration(nanos=125_000_000),
        speech_threshold=0.25,
        speech_start_timeout=Duration(seconds=3),
        speech_end_timeout=Duration(seconds=4),
    ),
    single_utterance=True,
    voice_activity_events=True,
    progress_interval=Duration(seconds=2),
    latency_breakdown=True,
    preset="meeting",
    priority=pb.PRIORITY_BATCH,
    resume=pb.ResumeOptions(
        enabled=True,
        window=Duration(seconds=9),
        resume_token="abc",  # noqa: S106
        last_sequence=7,
    ),
)
UNDERSTOOD = StreamConfig(
    recognition=RecognitionConfig(
        audio_format=AudioFormat(AudioEncoding.MULAW, 8_000, 2),
        model="mini",
        languages=("ko", "en", "zh"),
        task=Task.TRANSLATE,
        language_tags=("ko-KR", "EN_us", "zh-Hant-TW"),
        language_switching=True,
        word_times=True,
        interim_words=True,
        adaptation=Adaptation(
            initial_prompt="A talk about rivers.",
            hotwords=("Sori", "Han River"),
            replacements=(
                Replacement("sorry", "Sori", case_sensitive=True),
                Replacement("um", ""),
            ),
        ),
        channel_mode=ChannelMode.SEPARATE,
        beam_size=3,
        no_speech_threshold=0.75,
        condition_on_previous_text=False,
    ),
    endpointing=EndpointingConfig(
        end_silence=0.75,
        min_speech=0.2,
        prefix_padding=0.125,
        speech_threshold=0.25,
        max_utterance=12.5,
        speech_start_timeout=3.0,
        speech_end_timeout=4.0,
        chunk_duration=10.0,
        overlap_duration=1.0,
    ),
    preset="meeting",
    single_utterance=True,
    interim_results=True,
    interim_interval=0.25,
    voice_activity_events=True,
    progress_interval=2.0,
    latency_breakdown=True,
    priority=Priority.BATCH,
    resume=ResumeConfig(True, 9.0, "abc", 7),
)
ONLY_FIXED = ("chunk_duration", "overlap_duration")


def refused(message: pb.StreamingConfig) -> InvalidConfig:
    with pytest.raises(InvalidConfig) as refusal:
        stream_config(message, LIMITS)
    return refusal.value


def unset_fields(message: Message, path: str = "") -> set[str]:
    """The fields of our messages below `message` that are not set; of lists, their first."""
    given = {field.name for field, _ in message.ListFields()}
    missing = {f"{path}{name}" for name in message.DESCRIPTOR.fields_by_name if name not in given}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.file == pb.DESCRIPTOR:
            first = value[0] if field.is_repeated else value
            missing |= unset_fields(first, f"{path}{field.name}.")
    return missing


def with_fields(message: pb.StreamingConfig = LEAST, **fields: object) -> pb.StreamingConfig:
    """A copy with further fields, of the endpointing where it has them."""
    copy = pb.StreamingConfig()
    copy.CopyFrom(message)
    own = pb.StreamingConfig.DESCRIPTOR.fields_by_name
    for name, value in fields.items():
        part = pb.StreamingConfig if name in own else pb.EndpointingConfig
        added = part(**{name: value})  # type: ignore[arg-type]
        (copy if name in own else copy.endpointing).MergeFrom(added)  # type: ignore[arg-type]
    return copy


# ------------------------------------------------------------------------------------ config


def test_every_field_of_a_config_is_understood() -> None:
    assert unset_fields(FULL) == {f"endpointing.{name}" for name in ONLY_FIXED}
    assert stream_config(FULL, LIMITS) == UNDERSTOOD
    assert recording_config(FULL.recognition, LIMITS) == UNDERSTOOD.recognition


def test_what_is_unset_has_its_default() -> None:
    assert stream_config(LEAST, LIMITS) == StreamConfig()


def zeros(message: pb.StreamingConfig) -> pb.StreamingConfig:
    """A copy with zero in every field that knows zero from unset and fits the mode."""
    copy = pb.StreamingConfig()
    copy.CopyFrom(message)
    for owner in (copy, copy.endpointing):
        for field in owner.DESCRIPTOR.fields:
            if field.message_type is Duration.DESCRIPTOR and field.name not in ONLY_FIXED:
                getattr(owner, field.name).SetInParent()
    copy.endpointing.speech_threshold = 0.0
    copy.recognition.decoding.no_speech_threshold = 0.0
    return copy


def test_zero_is_not_taken_for_unset() -> None:
    """It is for the ranges to refuse."""
    config = stream_config(zeros(LEAST), LIMITS)
    assert config.endpointing == EndpointingConfig(
        end_silence=0.0,
        min_speech=0.0,
        prefix_padding=0.0,
        speech_threshold=0.0,
        max_utterance=0.0,
        speech_start_timeout=0.0,
        speech_end_timeout=0.0,
    )
    assert config.interim_interval == 0.0
    assert config.progress_interval == 0.0
    assert config.recognition.no_speech_threshold == 0.0


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


CONTAINERS = [encoding for encoding in AudioEncoding if encoding.is_container]


@pytest.mark.parametrize("encoding", CONTAINERS)
def test_a_container_says_rate_and_channels_itself(encoding: AudioEncoding) -> None:
    number = pb.AudioEncoding.Value(f"AUDIO_ENCODING_{encoding.name}")
    message = pb.RecognitionConfig(audio_format=RAW)
    message.audio_format.encoding = number
    message.audio_format.channel_count = 7
    assert recording_config(message, LIMITS).audio_format == AudioFormat(encoding, 0, 0)
    message.channel_mode = pb.CHANNEL_MODE_SEPARATE
    assert recording_config(message, LIMITS).audio_format == AudioFormat(encoding, 0, 7)


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


@pytest.mark.parametrize("field", ["task", "channel_mode"])
def test_unknown_values_are_refused(field: str) -> None:
    wrong = pb.RecognitionConfig(audio_format=RAW, **{field: 99})  # type: ignore[arg-type]
    error = refused(pb.StreamingConfig(recognition=wrong))
    assert str(error) == f"config.recognition.{field}: value 99 is not known to this server"


def test_an_unknown_mode_is_refused() -> None:
    assert refused(with_fields(mode=99)).field == "config.endpointing.mode"


def test_an_unknown_priority_is_refused() -> None:
    error = refused(pb.StreamingConfig(recognition=LEAST.recognition, priority=9))  # type: ignore[arg-type]
    assert error.field == "config.priority"


def test_a_stream_is_live_unless_said() -> None:
    for number in (pb.PRIORITY_UNSPECIFIED, pb.PRIORITY_LIVE):
        config = pb.StreamingConfig(recognition=LEAST.recognition, priority=number)
        assert stream_config(config, LIMITS).priority is Priority.LIVE


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


def test_a_prompt_or_hotwords_too_large_are_told_as_such() -> None:
    for adaptation, field, says in (
        (pb.Adaptation(initial_prompt="p" * 100_000), "initial_prompt", "100000 characters"),
        (pb.Adaptation(hotwords=["word"] * 10_000), "hotwords", "10000 hotwords, at most 100"),
        (pb.Adaptation(hotwords=["w" * 2_000]), "hotwords", "2000 characters in all, at most 600"),
    ):
        message = pb.RecognitionConfig(audio_format=RAW, adaptation=adaptation)
        error = refused(pb.StreamingConfig(recognition=message))
        assert error.field == f"config.recognition.adaptation.{field}"
        assert says in error.description
        with pytest.raises(InvalidConfig, match=rf"^config\.adaptation\.{field}: "):
            recording_config(message, LIMITS)


def test_the_tables_know_every_value_of_the_contract_and_of_the_domain() -> None:
    assert set(ENCODINGS) == set(pb.AudioEncoding.values()) - {pb.AUDIO_ENCODING_UNSPECIFIED}
    assert sorted(ENCODINGS.values(), key=str) == sorted(AudioEncoding, key=str)
    assert set(TASKS) == set(pb.Task.values())
    assert set(TASKS.values()) == set(Task)
    assert set(CHANNEL_MODES) == set(pb.ChannelMode.values())
    assert set(CHANNEL_MODES.values()) == set(ChannelMode)
    assert set(MODES) == set(pb.EndpointingMode.values()) - {pb.ENDPOINTING_MODE_UNSPECIFIED}
    assert set(MODES.values()) == set(EndpointingMode)
    for value, encoding in ENCODINGS.items():
        assert pb.AudioEncoding.Name(value) == f"AUDIO_ENCODING_{encoding.name}"


# ---------------------------------------------------------------------------------- resume


def with_resume(**fields: object) -> pb.StreamingConfig:
    return with_fields(resume=pb.ResumeOptions(**fields))  # type: ignore[arg-type]


def test_a_token_asks_for_a_session_that_can_be_resumed() -> None:
    config = stream_config(with_resume(resume_token="abc", last_sequence=3), LIMITS)  # noqa: S106
    assert config.resume == ResumeConfig(True, LIMITS.resume_window, "abc", 3)


def test_a_window_is_at_most_what_the_server_allows() -> None:
    for asked, got in ((5, 5.0), (3600, LIMITS.resume_window)):
        message = with_resume(enabled=True, window=Duration(seconds=asked))
        assert stream_config(message, LIMITS).resume.window == got


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"enabled": True, "window": Duration()}, "window"),
        ({"enabled": True, "window": Duration(seconds=-1)}, "window"),
        ({"resume_token": "abc", "last_sequence": -1}, "last_sequence"),
        ({"enabled": True, "last_sequence": 1}, "last_sequence"),
    ],
)
def test_resume_options_that_mean_nothing_are_refused(
    fields: dict[str, object], field: str
) -> None:
    assert refused(with_resume(**fields)).field == f"config.resume.{field}"


def test_a_token_is_not_told_by_the_settings() -> None:
    assert "abc" not in repr(ResumeConfig(True, 1.0, "abc"))


# ----------------------------------------------------------------------- presets and modes


def test_what_is_unset_is_what_the_preset_says() -> None:
    config = stream_config(with_fields(preset="meeting"), LIMITS)
    assert config.preset == "meeting"
    assert config.endpointing.mode is EndpointingMode.FIXED
    assert config.endpointing.chunk_duration == 10.0
    assert config.endpointing.overlap_duration == 1.0
    assert config.recognition.beam_size == 5


def test_what_the_client_sets_wins_over_its_preset() -> None:
    message = with_fields(preset="voice-command", chunk_duration=Duration(seconds=3))
    message.recognition.decoding.beam_size = 4
    config = stream_config(message, LIMITS)
    assert config.endpointing.chunk_duration == 3.0
    assert config.endpointing.overlap_duration == 0.2
    assert config.recognition.beam_size == 4


def test_a_client_s_preset_wins_over_the_server_s_which_wins_over_the_defaults() -> None:
    server = preset_named("voice-command", "preset")
    assert stream_config(LEAST, LIMITS, server).preset == "voice-command"
    assert stream_config(LEAST, LIMITS, server).recognition.beam_size == 1
    assert recording_config(LEAST.recognition, LIMITS, server).beam_size == 1
    own = stream_config(with_fields(preset="captions"), LIMITS, server)
    assert (own.preset, own.endpointing.chunk_duration) == ("captions", 5.0)
    assert own.recognition.beam_size == StreamConfig().recognition.beam_size


def test_an_unknown_preset_is_told_those_there_are() -> None:
    error = refused(with_fields(preset="turbo"))
    assert error.field == "config.preset"
    assert error.description == (
        "'turbo' is no preset; there are voice-command, captions, meeting, low-latency, accurate"
    )


def test_the_overlap_of_a_preset_shrinks_with_the_chunk_of_the_client() -> None:
    message = with_fields(preset="meeting", chunk_duration=Duration(seconds=1))
    assert stream_config(message, LIMITS).endpointing.overlap_duration == 0.5


def test_a_preset_s_beam_is_no_wider_than_the_server_bears() -> None:
    config = stream_config(with_fields(preset="accurate"), Limits(max_beam_size=2))
    assert config.recognition.beam_size == 2


@pytest.mark.parametrize(
    ("mode", "field", "says"),
    [
        ("VAD", "chunk_duration", "means nothing in mode VAD; it is for FIXED"),
        ("VAD", "overlap_duration", "means nothing in mode VAD; it is for FIXED"),
        ("CLIENT", "chunk_duration", "means nothing in mode CLIENT; it is for FIXED"),
        ("CLIENT", "end_silence", "means nothing in mode CLIENT; it is for VAD or FIXED"),
        ("FIXED", "max_utterance", "means nothing in mode FIXED; it is for VAD or CLIENT"),
    ],
)
def test_a_setting_that_contradicts_the_mode_is_refused(mode: str, field: str, says: str) -> None:
    number = pb.EndpointingMode.Value(f"ENDPOINTING_MODE_{mode}")
    message = with_fields(**{"mode": number, field: Duration(seconds=2)})
    error = refused(message)
    assert (error.field, error.description) == (f"config.endpointing.{field}", says)


def test_a_mode_of_a_preset_counts_when_the_client_names_none() -> None:
    error = refused(with_fields(preset="captions", max_utterance=Duration(seconds=9)))
    assert error.field == "config.endpointing.max_utterance"
    vad = pb.ENDPOINTING_MODE_VAD
    own = stream_config(
        with_fields(preset="captions", mode=vad, max_utterance=Duration(seconds=9)), LIMITS
    )
    assert (own.endpointing.mode, own.endpointing.max_utterance) == (EndpointingMode.VAD, 9.0)


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
        ({"response_ack": pb.ResponseAck()}, ResponsesReceived(0)),
        ({"response_ack": pb.ResponseAck(sequence=2**63 - 1)}, ResponsesReceived(2**63 - 1)),
        ({"end_of_audio": pb.EndOfAudio()}, EndOfAudio(None)),
        ({"end_of_audio": pb.EndOfAudio(total_bytes=0)}, EndOfAudio(0)),
        ({"end_of_audio": pb.EndOfAudio(total_bytes=9)}, EndOfAudio(9)),
    ],
)
def test_every_kind_of_message_is_read(request_: dict[str, object], message: object) -> None:
    assert read(**request_) == message


def test_every_kind_of_message_has_a_test() -> None:
    kinds = {field.name for field in pb.StreamingRecognizeRequest.DESCRIPTOR.fields}
    assert kinds == {"config", "audio", "finalize", "keep_alive", "response_ack", "end_of_audio"}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"audio": pb.AudioChunk(data=bytes(101))}, "audio.data"),
        ({"audio": pb.AudioChunk(byte_offset=-1)}, "audio.byte_offset"),
        ({"finalize": pb.Finalize(request_id="12345")}, "finalize.request_id"),
        ({"response_ack": pb.ResponseAck(sequence=-1)}, "response_ack.sequence"),
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
