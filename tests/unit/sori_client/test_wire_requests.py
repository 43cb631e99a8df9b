# ruff: noqa: S106 - tokens that protect nothing

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_client import (
    AudioEncoding,
    AudioFormat,
    ChannelMode,
    Endpointing,
    EndpointingMode,
    InvalidSetting,
    Priority,
    Replacement,
    StreamConfig,
    Task,
)
from sori_client.wire import requests, responses

pytestmark = pytest.mark.unit

FULL = StreamConfig(
    model="mini",
    languages=("ko", "en"),
    task=Task.TRANSLATE,
    language_switching=True,
    word_times=True,
    interim_words=True,
    initial_prompt="A talk about rivers.",
    hotwords=("Sori", "Han River"),
    replacements=(Replacement("sorry", "Sori", case_sensitive=True), Replacement("um", "")),
    channel_mode=ChannelMode.SEPARATE,
    beam_size=3,
    no_speech_threshold=0.25,
    condition_on_previous_text=False,
    preset="meeting",
    interim_results=True,
    interim_interval=0.25,
    single_utterance=True,
    endpointing=Endpointing(
        mode=EndpointingMode.FIXED,
        end_silence=0.7,
        max_utterance=20.0,
        min_speech=0.0,
        prefix_padding=0.1,
        speech_threshold=0.25,
        speech_start_timeout=2.5,
        speech_end_timeout=3.5,
        chunk_duration=4.0,
        overlap_duration=0.5,
    ),
    voice_activity_events=True,
    progress_interval=1.5,
    latency_breakdown=True,
    priority=Priority.BATCH,
)


def test_what_is_not_asked_for_stays_unset() -> None:
    message = requests.config_request(StreamConfig(), AudioFormat()).config
    assert not message.HasField("min_interim_interval")
    assert not message.HasField("progress_interval")
    assert message.endpointing == pb.EndpointingConfig()
    assert message.recognition.decoding == pb.DecodingOptions()
    assert message.recognition.adaptation == pb.Adaptation()
    assert message.preset == ""
    assert message.recognition.task == pb.TASK_TRANSCRIBE
    assert list(message.recognition.language_codes) == []


@pytest.mark.parametrize("config", [FULL, StreamConfig()])
def test_every_setting_survives_the_way_to_the_server_and_back(config: StreamConfig) -> None:
    audio = AudioFormat(AudioEncoding.MULAW, 8_000, 2)
    message = requests.config_request(config, audio).config
    started = responses.session_started(pb.SessionStarted(effective_config=message))
    assert started.config == config
    assert started.audio_format == audio


def test_zero_is_sent_where_it_means_something() -> None:
    message = requests.config_request(FULL, AudioFormat()).config
    assert message.endpointing.HasField("min_speech")
    assert message.endpointing.min_speech == Duration()


def test_every_field_of_the_contract_can_be_set() -> None:
    first = requests.config_request(FULL, AudioFormat())
    message = requests.resumable_request(first, "secret", 7).config
    parts = (
        message,
        message.recognition,
        message.recognition.features,
        message.recognition.adaptation,
        message.recognition.adaptation.replacements[0],
        message.recognition.decoding,
        message.endpointing,
    )
    for part in parts:
        given = {field.name for field, _ in part.ListFields()}
        assert given == set(part.DESCRIPTOR.fields_by_name)


def test_a_first_message_asks_for_a_session_that_can_be_resumed_and_resumes_it() -> None:
    first = requests.config_request(FULL, AudioFormat())
    assert not first.config.HasField("resume")
    asking, going_on = (
        requests.resumable_request(first),
        requests.resumable_request(requests.resumable_request(first), "secret", 7),
    )
    assert asking.config.resume == pb.ResumeOptions(enabled=True)
    wanted = pb.ResumeOptions(enabled=True, resume_token="secret", last_sequence=7)
    assert going_on.config.resume == wanted
    going_on.config.ClearField("resume")
    assert going_on == first


def test_audio_says_where_it_belongs_only_if_asked_to() -> None:
    assert not requests.audio_request(b"ab").audio.HasField("byte_offset")
    assert requests.audio_request(b"ab", 0).audio.HasField("byte_offset")
    assert requests.audio_request(b"ab", 70_000).audio.byte_offset == 70_000


def test_a_config_may_be_logged_without_what_it_expects_to_hear() -> None:
    for text in ("rivers", "Han", "sorry"):
        assert text not in repr(FULL)


@pytest.mark.parametrize("mode", EndpointingMode)
def test_each_mode_has_its_number(mode: EndpointingMode) -> None:
    assert pb.EndpointingMode.Name(requests.MODES[mode]) == f"ENDPOINTING_MODE_{mode.name}"


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1.0, 2.5, 14_400.000000001])
def test_seconds_become_durations_to_the_nanosecond(seconds: float) -> None:
    message = requests.duration(seconds)
    assert message is not None
    assert message.ToNanoseconds() == round(seconds * 1e9)
    assert responses.seconds(message) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    ("config", "what"),
    [
        (StreamConfig(progress_interval=float("nan")), "nan s is no length of time"),
        (StreamConfig(endpointing=Endpointing(end_silence=float("inf"))), "inf s is no length"),
        (StreamConfig(interim_interval=1e20), "1e\\+20 s is no length"),
        (StreamConfig(beam_size=2**40), "cannot be sent"),
        (StreamConfig(initial_prompt="\udcff"), "cannot be sent"),
    ],
)
def test_what_no_message_can_hold_is_an_error_of_the_client(
    config: StreamConfig, what: str
) -> None:
    with pytest.raises(InvalidSetting, match=what):
        requests.config_request(config, AudioFormat())


@pytest.mark.parametrize("encoding", list(AudioEncoding))
def test_each_encoding_has_its_number(encoding: AudioEncoding) -> None:
    message = requests.audio_format(AudioFormat(encoding, 44_100, 2))
    assert pb.AudioEncoding.Name(message.encoding) == f"AUDIO_ENCODING_{encoding.name}"
    assert message.sample_rate_hertz == (0 if encoding.is_container else 44_100)
    assert message.channel_count == 2


def test_each_message_is_of_its_kind() -> None:
    assert requests.audio_request(b"ab").audio.data == b"ab"
    assert requests.finalize_request("id").finalize.request_id == "id"
    assert requests.keep_alive_request().WhichOneof("request") == "keep_alive"
    assert requests.end_of_audio_request(7).end_of_audio.total_bytes == 7
    assert requests.end_of_audio_request(0).end_of_audio.HasField("total_bytes")
