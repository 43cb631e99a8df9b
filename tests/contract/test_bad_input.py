"""What a client is told that does something wrong; and that nobody else notices."""

from __future__ import annotations

import math
import struct
from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from support.raw_client import LINEAR16, Ending, config_of, ending_of
from support.speech_server import Served, serving, undisturbed
from support.word_audio import assert_heard, heard_words, linear16, speak

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

LIMITS = Limits(config_timeout=2.0, max_recording_bytes=2 * 1024 * 1024)
SPOKEN = range(10)
AUDIO = linear16(speak(SPOKEN))
CONTAINER = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_CONTAINER)
LONG_PROMPT = pb.Adaptation(initial_prompt="p" * 100_000)
MANY_HOTWORDS = pb.Adaptation(hotwords=["word"] * 10_000)
BAD_CONFIG = ("INVALID_ARGUMENT", "INVALID_CONFIG")
BAD_AUDIO = ("INVALID_ARGUMENT", "AUDIO_UNDECODABLE")
OUT_OF_ORDER = ("FAILED_PRECONDITION", "PROTOCOL_VIOLATION")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(limits=LIMITS) as served:
        yield served


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def another_stream(served: Served) -> AsyncIterator[None]:
    """Every test runs while another stream is open, which must get all its words."""
    async with undisturbed(served):
        yield
    await served.until_streams(0)


def lasting(length: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(length * 1e9))
    return duration


def assert_names(ending: Ending, field: str) -> None:
    """The status names the field in message, BadRequest and ErrorInfo alike."""
    assert ending.info.domain == "sori.v1"
    assert ending.message.startswith(f"{field}: ")
    assert ending.message == f"{field}: {ending.violations[field]}"
    assert ending.metadata["field"] == field


# ------------------------------------------------------------------- messages out of order


async def test_audio_before_config_is_refused(served: Served) -> None:
    async with served.silent_stream() as stream:
        await stream.audio(AUDIO)
        ending = await stream.ended()
    assert ending.summary == OUT_OF_ORDER
    assert ending.info.domain == "sori.v1"
    assert ending.metadata == {"field": "config"}
    assert ending.message == "config: must be the first message, got audio"
    assert stream.responses == []


async def test_an_empty_stream_is_refused(served: Served) -> None:
    async with served.silent_stream() as stream:
        await stream.half_close()
        ending = await stream.ended()
    assert ending.summary == OUT_OF_ORDER
    assert ending.message == "config: must be the first message, got nothing"


async def test_a_first_message_of_unknown_kind_is_refused(served: Served) -> None:
    async with served.silent_stream() as stream:
        await stream.send()
        ending = await stream.ended()
    assert ending.summary == OUT_OF_ORDER
    assert ending.message == "config: must be the first message, got an unknown kind"


async def test_a_stream_that_sends_no_config_is_ended(served: Served) -> None:
    async with served.silent_stream() as stream:
        ending = await stream.ended()
    assert ending.summary == OUT_OF_ORDER
    assert ending.message == "config: not received within 2 s"


async def test_a_second_config_ends_the_stream_after_its_words(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(AUDIO)
        await stream.send(config=config_of())
        ending = await stream.ended()
    assert ending.summary == OUT_OF_ORDER
    assert ending.metadata == {"field": "config"}
    assert "sent twice" in ending.message
    assert_heard(stream.texts, SPOKEN)
    assert "session_summary" not in stream.kinds


async def test_a_message_of_unknown_kind_ends_the_stream_after_its_words(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(AUDIO)
        await stream.send()
        ending = await stream.ended()
    assert ending.summary == OUT_OF_ORDER
    assert ending.metadata == {"field": "request"}
    assert_heard(stream.texts, SPOKEN)


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
async def test_bytes_that_are_no_message_are_refused(served: Served, first: bool) -> None:
    async with served.channel() as channel:
        call = channel.stream_stream("/sori.v1.SpeechService/StreamingRecognize")()
        if not first:
            await call.write(pb.StreamingRecognizeRequest(config=config_of()).SerializeToString())
        await call.write(b"\xff\xff\xff\xff not a message")
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            async for _ in call:
                pass
    ending = ending_of(failure.value)
    assert ending.summary == OUT_OF_ORDER
    assert ending.metadata == {"field": "request"}


# ------------------------------------------------------------------------------- config


@pytest.mark.parametrize(
    ("field", "wrong", "says"),
    [
        ("audio_format.encoding", {"encoding": 0}, "AUDIO_ENCODING_UNSPECIFIED"),
        ("audio_format.encoding", {"encoding": 99}, "value 99"),
        ("audio_format.sample_rate_hertz", {"sample_rate_hertz": 0}, "8000 Hz and 48000 Hz"),
        ("audio_format.sample_rate_hertz", {"sample_rate_hertz": 7_999}, "7999 Hz"),
        ("audio_format.sample_rate_hertz", {"sample_rate_hertz": 48_001}, "48001 Hz"),
        ("audio_format.sample_rate_hertz", {"sample_rate_hertz": -16_000}, "-16000 Hz"),
        ("audio_format.channel_count", {"channel_count": 9}, "9 is not within 1 and 8"),
        ("audio_format.channel_count", {"channel_count": -1}, "-1 is not within 1 and 8"),
    ],
)
async def test_audio_formats_it_cannot_read_are_refused(
    served: Served, field: str, wrong: dict[str, int], says: str
) -> None:
    audio_format = pb.AudioFormat()
    audio_format.CopyFrom(LINEAR16)
    audio_format.MergeFrom(pb.AudioFormat(**wrong))
    for name, value in wrong.items():
        setattr(audio_format, name, value)
    async with served.stream(audio_format=audio_format) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, f"config.recognition.{field}")
    assert says in ending.message
    assert stream.responses == []


async def test_a_config_without_a_format_is_refused(served: Served) -> None:
    async with served.stream(pb.StreamingConfig()) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, "config.recognition.audio_format.encoding")
    assert "LINEAR16, FLOAT32, MULAW, ALAW, WAV" in ending.message


@pytest.mark.parametrize(
    ("field", "settings", "says"),
    [
        ("task", {"task": 7}, "value 7"),
        ("language_codes[1]", {"language_codes": ["en", "de"]}, "'de'"),
        ("language_codes[0]", {"language_codes": ["e1"]}, "BCP-47"),
        ("language_codes[0]", {"language_codes": [""]}, "BCP-47"),
        ("language_codes[0]", {"language_codes": ["-"]}, "BCP-47"),
        ("language_codes", {"language_codes": ["en"] * 17}, "at most 16"),
        ("language_codes[0]", {"language_codes": ["en-"]}, "'en-' is not a BCP-47 tag"),
        ("language_codes[0]", {"language_codes": ["nb-NO"]}, "'nb-NO' is not a language of"),
        ("channel_mode", {"channel_mode": 9}, "value 9"),
        (
            "audio_format.channel_count",
            {"audio_format": CONTAINER, "channel_mode": pb.CHANNEL_MODE_SEPARATE},
            "0 is not within 1 and 8",
        ),
        (
            "decoding.no_speech_threshold",
            {"decoding": pb.DecodingOptions(no_speech_threshold=math.nan)},
            "nan is not within 0 and 1",
        ),
        ("adaptation.initial_prompt", {"adaptation": LONG_PROMPT}, "100000 characters, at most"),
        ("adaptation.hotwords", {"adaptation": MANY_HOTWORDS}, "10000 hotwords, at most 100"),
        (
            "adaptation.replacements[1].search",
            {
                "adaptation": pb.Adaptation(
                    replacements=[pb.Replacement(search="a"), pb.Replacement()]
                )
            },
            "has no word to look for",
        ),
        ("decoding.beam_size", {"decoding": pb.DecodingOptions(beam_size=11)}, "1 and 10"),
        ("decoding.beam_size", {"decoding": pb.DecodingOptions(beam_size=-1)}, "1 and 10"),
    ],
)
async def test_recognition_settings_out_of_range_are_refused(
    served: Served, field: str, settings: dict[str, object], says: str
) -> None:
    async with served.stream(**settings) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, f"config.recognition.{field}")
    assert says in ending.message


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("min_interim_interval", 0.05, "0.1 s and 10 s"),
        ("min_interim_interval", 11, "0.1 s and 10 s"),
        ("min_interim_interval", -1, "0.1 s and 10 s"),
        ("progress_interval", 0.01, "0.1 s and 3600 s"),
        ("progress_interval", 0, "0.1 s and 3600 s"),
        ("progress_interval", -1, "0.1 s and 3600 s"),
        ("endpointing.end_silence", 0, "0.1 s and 10 s"),
        ("endpointing.end_silence", 1e9, "0.1 s and 10 s"),
        ("endpointing.max_utterance", 1.9, "2 s and 28 s"),
        ("endpointing.max_utterance", 28.1, "2 s and 28 s"),
        ("endpointing.min_speech", -0.1, "0 s and 2 s"),
        ("endpointing.min_speech", 2.1, "0 s and 2 s"),
        ("endpointing.prefix_padding", -0.1, "0 s and 2 s"),
        ("endpointing.prefix_padding", 2.1, "0 s and 2 s"),
        ("endpointing.speech_start_timeout", 0.4, "0.5 s and 3600 s"),
        ("endpointing.speech_end_timeout", 3601, "0.5 s and 3600 s"),
    ],
)
async def test_durations_out_of_range_are_refused(
    served: Served, field: str, value: float, says: str
) -> None:
    config = config_of()
    *path, name = field.split(".")
    message = getattr(config, path[0]) if path else config
    getattr(message, name).CopyFrom(lasting(value))
    async with served.stream(config) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, f"config.{field}")
    assert says in ending.message


FIXED, CLIENT = pb.ENDPOINTING_MODE_FIXED, pb.ENDPOINTING_MODE_CLIENT


@pytest.mark.parametrize(
    ("field", "settings", "says"),
    [
        ("chunk_duration", {"chunk_duration": 5}, "means nothing in mode VAD"),
        ("overlap_duration", {"mode": CLIENT, "overlap_duration": 1}, "it is for FIXED"),
        ("end_silence", {"mode": CLIENT, "end_silence": 0.5}, "it is for VAD or FIXED"),
        ("max_utterance", {"mode": FIXED, "max_utterance": 9}, "it is for VAD or CLIENT"),
        ("chunk_duration", {"mode": FIXED, "chunk_duration": 0.9}, "1 s and 28 s"),
        ("chunk_duration", {"mode": FIXED, "chunk_duration": 29}, "1 s and 28 s"),
        (
            "overlap_duration",
            {"mode": FIXED, "chunk_duration": 4, "overlap_duration": 2.1},
            "0 s and 2 s",
        ),
        (
            "overlap_duration",
            {"mode": FIXED, "chunk_duration": 26, "overlap_duration": 5},
            "0 s and 2.8 s",
        ),
        ("mode", {"mode": 9}, "value 9"),
    ],
)
async def test_contradictory_endpointing_is_refused(
    served: Served, field: str, settings: dict[str, float], says: str
) -> None:
    values = {name: value if name == "mode" else lasting(value) for name, value in settings.items()}
    endpointing = pb.EndpointingConfig(**values)  # type: ignore[arg-type]
    async with served.stream(endpointing=endpointing) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, f"config.endpointing.{field}")
    assert says in ending.message


@pytest.mark.parametrize("field", ["single_utterance", "endpointing.speech_end_timeout"])
async def test_what_ends_a_stream_needs_one_channel(served: Served, field: str) -> None:
    config = config_of(channel_mode=pb.CHANNEL_MODE_SEPARATE)
    if field == "single_utterance":
        config.single_utterance = True
    else:
        config.endpointing.speech_end_timeout.CopyFrom(lasting(1))
    async with served.stream(config) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, f"config.{field}")


async def test_an_unknown_preset_is_refused_with_those_there_are(served: Served) -> None:
    async with served.stream(config_of(preset="turbo")) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, "config.preset")
    assert "voice-command, captions, meeting, low-latency, accurate" in ending.message


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5, float("nan"), float("inf")])
async def test_speech_thresholds_that_decide_nothing_are_refused(
    served: Served, threshold: float
) -> None:
    config = config_of(endpointing=pb.EndpointingConfig(speech_threshold=threshold))
    async with served.stream(config) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, "config.endpointing.speech_threshold")


async def test_an_unknown_model_is_not_found(served: Served) -> None:
    async with served.stream(model="whisper-nine") as stream:
        ending = await stream.ended()
    assert ending.summary == ("NOT_FOUND", "MODEL_NOT_FOUND")
    assert ending.metadata == {
        "field": "config.recognition.model",
        "model": "whisper-nine",
        "served": "fake",
    }
    assert ending.resource is not None
    assert (ending.resource.resource_type, ending.resource.resource_name) == (
        "model",
        "whisper-nine",
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "m" * 100_000},
        {"language_codes": ["x" * 100_000]},
        {"language_codes": ["e"] * 99_999},
    ],
    ids=["model", "language", "languages"],
)
async def test_a_huge_config_is_refused_and_not_read_back(
    served: Served, settings: dict[str, object]
) -> None:
    async with served.stream(**settings) as stream:
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, "config")
    assert f"at most {LIMITS.max_config_bytes}" in ending.message


@pytest.mark.parametrize("length", [200, 4_000])
@pytest.mark.parametrize("field", ["model", "language_codes"])
async def test_a_long_name_is_quoted_in_part(served: Served, field: str, length: int) -> None:
    name = "x" * length
    async with served.stream(**{field: name if field == "model" else [name]}) as stream:
        ending = await stream.ended()
    assert ending.code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
    assert len(ending.message) < 300
    assert "x" * 20 in ending.message


# -------------------------------------------------------------------------------- audio


async def test_audio_that_ends_in_a_sample_is_an_error_after_its_words(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(AUDIO + b"\x00", chunk=3_201)
        await stream.end_of_audio()
        ending = await stream.ended()
    assert ending.summary == BAD_AUDIO
    assert_names(ending, "audio.data")
    assert ending.metadata["trailing_bytes"] == "1"
    assert ending.metadata["frame_bytes"] == "2"
    assert_heard(stream.texts, SPOKEN)
    assert "session_summary" not in stream.kinds


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
async def test_samples_that_are_no_numbers_cost_only_their_own_word(
    served: Served, bad: float
) -> None:
    audio_format = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=16_000)
    samples = speak(range(20))
    samples[17_000] = bad
    async with served.stream(audio_format=audio_format) as stream:
        await stream.audio(samples.tobytes(), chunk=6_400)
        await stream.end_of_audio()
        await stream.summary()
    warnings = [r.warning for r in stream.responses if r.HasField("warning")]
    assert [warning.reason for warning in warnings] == [pb.WARNING_REASON_AUDIO_NOT_FINITE]
    heard = [word for text in stream.texts for word in heard_words(text)]
    assert heard == [*range(10), -1, *range(11, 20)]


async def test_float_samples_beyond_full_scale_are_clipped(served: Served) -> None:
    audio_format = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_FLOAT32, sample_rate_hertz=16_000)
    async with served.stream(audio_format=audio_format) as stream:
        await stream.audio(np.full(16_000, -1e30, np.float32).tobytes())
        await stream.end_of_audio()
        await stream.summary()
    assert len(stream.finals) == 1


def wave(tag: int, bits: int, rate: int = 16_000, channels: int = 1) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)
    return b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00" + form + b"data\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"ID3\x04 this is music" * 10, "the audio is MP3, WAV was announced"),
        (b"RIFF\x00\x00\x00\x00AVI " + bytes(100), "RIFF WAVE"),
        (wave(0x1234, 16), "0x1234"),
        (wave(0x55, 16) + bytes(1_000), "damaged throughout"),
        (wave(1, 16, rate=200_000) + bytes(64_000), "200000 Hz"),
        (wave(1, 16, channels=9), "9 channels"),
        (b"RIFF\x00\x00\x00\x00WAVEjunk\xff\xff\xff\x7f", "no samples in the first"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "inside its header"),
    ],
)
async def test_wave_files_it_cannot_read_are_refused(
    served: Served, data: bytes, says: str
) -> None:
    audio_format = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_WAV)
    async with served.stream(audio_format=audio_format) as stream:
        await stream.audio(data)
        await stream.end_of_audio()
        ending = await stream.ended()
    assert ending.summary == BAD_AUDIO
    assert_names(ending, "audio.data")
    assert says in ending.message


# -------------------------------------------------------------------------- sizes, counts


async def test_a_chunk_over_the_limit_is_refused_after_the_words_before_it(
    served: Served,
) -> None:
    most = LIMITS.max_chunk_bytes
    async with served.stream() as stream:
        await stream.audio(AUDIO)
        await stream.send(audio=pb.AudioChunk(data=bytes(most)))
        await stream.send(audio=pb.AudioChunk(data=bytes(most + 1)))
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, "audio.data")
    assert ending.metadata["limit"] == str(most)
    assert f"at most {most}" in ending.message
    assert_heard(stream.texts, SPOKEN)


async def test_a_message_over_the_limit_of_grpc_is_refused(served: Served) -> None:
    async with served.stream() as stream:
        await stream.send(audio=pb.AudioChunk(data=bytes(LIMITS.max_recording_bytes)))
        ending = await stream.ended()
    assert ending.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(LIMITS.max_recording_bytes) in ending.message


@pytest.mark.parametrize("total", [0, len(AUDIO) - 1, len(AUDIO) + 1, 2**62])
async def test_a_wrong_total_is_told_after_the_words(served: Served, total: int) -> None:
    async with served.stream() as stream:
        await stream.audio(AUDIO)
        await stream.end_of_audio(total)
        ending = await stream.ended()
    assert ending.summary == ("DATA_LOSS", "AUDIO_GAP")
    assert ending.metadata == {
        "received_bytes": str(len(AUDIO)),
        "announced_bytes": str(total),
    }
    assert str(total) in ending.message
    assert str(len(AUDIO)) in ending.message
    assert_heard(stream.texts, SPOKEN)


async def test_a_negative_total_is_refused_after_the_words(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(AUDIO)
        await stream.end_of_audio(-1)
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, "end_of_audio.total_bytes")
    assert_heard(stream.texts, SPOKEN)


async def test_a_negative_offset_is_refused_after_the_words_before_it(served: Served) -> None:
    async with served.stream() as stream:
        await stream.audio(AUDIO)
        await stream.send(audio=pb.AudioChunk(data=b"", byte_offset=-1))
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, "audio.byte_offset")
    assert_heard(stream.texts, SPOKEN)


async def test_an_offset_ahead_is_a_gap(served: Served) -> None:
    async with served.stream() as stream:
        await stream.send(audio=pb.AudioChunk(data=AUDIO, byte_offset=1))
        ending = await stream.ended()
    assert ending.summary == ("DATA_LOSS", "AUDIO_GAP")
    assert ending.metadata == {"received_bytes": "0", "announced_bytes": "1"}
    assert ending.message == "audio.byte_offset: 0 bytes were received, 1 were announced"


async def test_a_request_id_over_the_limit_is_refused_after_the_words(served: Served) -> None:
    most = LIMITS.max_request_id
    async with served.stream() as stream:
        await stream.audio(AUDIO)
        await stream.finalize("i" * most)
        await stream.finalize("i" * (most + 1))
        ending = await stream.ended()
    assert ending.summary == BAD_CONFIG
    assert_names(ending, "finalize.request_id")
    assert f"at most {most}" in ending.message
    assert_heard(stream.texts, SPOKEN)
    assert stream.kinds.count("finalized") == 1
