"""Hostile protobuf by what it is: streams of clients, recordings, answers of servers."""

from __future__ import annotations

import functools
from typing import Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from sori.v1 import speech_pb2 as pb
from support.fuzz_heads import wave_file
from support.fuzz_targets import AGAIN, ELSEWHERE, NEWEST, packed
from support.raw_client import LINEAR16, config_of
from support.word_audio import linear16, silence, speak

MOST: Final = 2**63 - 1
WORDS: Final = linear16(speak(range(3)))
RAW: Final = pb.RecognitionConfig(audio_format=LINEAR16)
NOT_UTF8: Final = b"\x0a\x06\x0a\x04\x12\x02\xff\xff"
"""A config whose model is no text."""


def request(**kind: object) -> bytes:
    """A message of a streaming client."""
    return pb.StreamingRecognizeRequest(**kind).SerializeToString()  # type: ignore[arg-type]


def resuming(token: str = "", last: int = 0, **settings: object) -> bytes:
    """A config of a session that can be resumed, or is."""
    options = pb.ResumeOptions(enabled=True, resume_token=token, last_sequence=last)
    return request(config=config_of(resume=options, **settings))


def audio(data: bytes = WORDS, offset: int | None = None) -> bytes:
    """A run of audio."""
    return request(audio=pb.AudioChunk(data=data, byte_offset=offset))


def finalize(name: str = "") -> bytes:
    """The end of an utterance."""
    return request(finalize=pb.Finalize(request_id=name))


def end(total: int | None = None) -> bytes:
    """The end of audio."""
    return request(end_of_audio=pb.EndOfAudio(total_bytes=total))


def ack(sequence: int) -> bytes:
    """An acknowledgement."""
    return request(response_ack=pb.ResponseAck(sequence=sequence))


CONFIG: Final = request(config=config_of(interim_results=True))
ALL: Final = request(
    config=config_of(
        model="fake",
        language_codes=["en-US", "ko"],
        language_switching=True,
        task=pb.TASK_TRANSLATE,
        channel_mode=pb.CHANNEL_MODE_MIX,
        features=pb.RecognitionFeatures(word_time_offsets=True, interim_word_time_offsets=True),
        adaptation=pb.Adaptation(
            hotwords=["Sori"],
            initial_prompt="rivers",
            replacements=[pb.Replacement(search="um", replace="", case_sensitive=True)],
        ),
        decoding=pb.DecodingOptions(beam_size=3, no_speech_threshold=0.5),
        interim_results=True,
        voice_activity_events=True,
        single_utterance=True,
        latency_breakdown=True,
        preset="captions",
        priority=pb.PRIORITY_BATCH,
        min_interim_interval=Duration(nanos=200_000_000),
        progress_interval=Duration(nanos=200_000_000),
        endpointing=pb.EndpointingConfig(
            mode=pb.ENDPOINTING_MODE_FIXED,
            chunk_duration=Duration(seconds=2),
            overlap_duration=Duration(nanos=500_000_000),
            speech_threshold=0.25,
        ),
        resume=pb.ResumeOptions(enabled=True, window=Duration(seconds=9)),
    )
)
"""Every setting there is."""
FAR: Final = Duration(seconds=MOST, nanos=2**31 - 1)
BEFORE: Final = Duration(seconds=-(2**63), nanos=-(2**31))
STEREO: Final = pb.AudioFormat(
    encoding=pb.AUDIO_ENCODING_MULAW, sample_rate_hertz=8_000, channel_count=2
)
WAVE: Final = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_WAV)


def streams() -> dict[str, bytes]:
    """What clients of `StreamingRecognize` send."""
    histories = _ordinary() | _resumed() | _numbers() | _durations()
    return {name: packed(messages) for name, messages in histories.items()}


def _ordinary() -> dict[str, list[bytes]]:
    return {
        "nothing": [],
        "words": [CONFIG, audio(), finalize("one"), request(keep_alive=pb.KeepAlive()), end()],
        "every setting": [ALL, audio(WORDS, 0), audio(WORDS, len(WORDS)), end(2 * len(WORDS))],
        "audio first": [audio()],
        "no kind": [CONFIG, request()],
        "no message": [b"\xff\xff"],
        "no message later": [CONFIG, audio(), b"\xff\xff"],
        "a cut message": [CONFIG, audio()[:-1]],
        "a cut config": [ALL[:-5]],
        "no text": [NOT_UTF8],
        "config twice": [CONFIG, audio(), CONFIG],
        "two kinds in one": [CONFIG + audio()],
        "unknown fields": [CONFIG + b"\xfa\x3f\x01x" + b"\x98\x3f\x01", end()],
        "a group that never ends": [CONFIG, b"\x0b" * 40],
        "an odd byte": [CONFIG, audio(WORDS + b"\0"), end()],
        "samples cut everywhere": [
            CONFIG,
            *(audio(WORDS[n : n + 1], n) for n in range(5)),
            end(),
        ],
        "two channels": [
            request(config=config_of(audio_format=STEREO, channel_mode=2)),
            audio(),
            end(),
        ],
        "wave": [request(config=config_of(audio_format=WAVE)), audio(wave_file()), end()],
    }


def _resumed() -> dict[str, list[bytes]]:
    return {
        "resumed": [
            resuming(interim_results=True),
            audio(WORDS, 0),
            ack(1),
            AGAIN,
            resuming(NEWEST, 1),
            audio(WORDS, 0),
            end(),
        ],
        "resumed elsewhere": [
            resuming(),
            audio(WORDS + linear16(silence(8)), 0),
            ELSEWHERE,
            resuming(NEWEST, 2),
            audio(WORDS, 0),
            end(),
            AGAIN,
            resuming(NEWEST, 3),
        ],
        "resumed with other channels": [
            resuming(),
            ELSEWHERE,
            resuming(NEWEST, 1, audio_format=STEREO, channel_mode=2),
        ],
        "a forged token": [resuming("A" * 120, 1)],
    }


def _numbers() -> dict[str, list[bytes]]:
    history: dict[str, list[bytes]] = {}
    for name, number in {"the most": MOST, "the least": -(2**63), "2**53": 2**53}.items():
        history |= {
            f"an offset of {name}": [CONFIG, audio(WORDS, number)],
            f"a total of {name}": [CONFIG, audio(), end(number)],
            f"{name} acknowledged": [resuming(), ack(number)],
            f"{name} acknowledged for nothing": [CONFIG, ack(number), end()],
            f"resumed from {name}": [resuming(), AGAIN, resuming(NEWEST, number)],
            f"resumed elsewhere from {name}": [
                resuming(),
                ELSEWHERE,
                resuming(NEWEST, number),
                end(),
            ],
        }
    return history


def _durations() -> dict[str, list[bytes]]:
    history: dict[str, list[bytes]] = {}
    for name, length in {"endless": FAR, "negative": BEFORE}.items():
        history |= {
            f"{name} interim interval": [request(config=config_of(min_interim_interval=length))],
            f"{name} window": [
                request(config=config_of(resume=pb.ResumeOptions(enabled=True, window=length)))
            ],
            f"{name} silence": [
                request(config=config_of(endpointing=pb.EndpointingConfig(end_silence=length)))
            ],
        }
    return history


def recordings() -> dict[str, bytes]:
    files: dict[str, Message] = {
        "words": pb.RecognizeRequest(config=RAW, audio=WORDS),
        "nothing": pb.RecognizeRequest(),
        "no audio": pb.RecognizeRequest(config=RAW),
        "an odd byte": pb.RecognizeRequest(config=RAW, audio=WORDS + b"\0"),
        "wave": pb.RecognizeRequest(
            config=pb.RecognitionConfig(
                audio_format=pb.AudioFormat(encoding=pb.AUDIO_ENCODING_CONTAINER)
            ),
            audio=wave_file(),
        ),
        "every setting": pb.RecognizeRequest(
            config=pb.StreamingRecognizeRequest.FromString(ALL).config.recognition, audio=WORDS
        ),
        "no such format": pb.RecognizeRequest(
            config=pb.RecognitionConfig(
                audio_format=pb.AudioFormat(
                    encoding=2**31 - 1,  # type: ignore[arg-type]
                    sample_rate_hertz=-(2**31),
                )
            )
        ),
    }
    found = {name: message.SerializeToString() for name, message in files.items()}
    return found | {"no message": b"\xff", "cut": found["every setting"][:40]}


def huge_streams() -> dict[str, bytes]:
    prompt = pb.Adaptation(initial_prompt="p" * 60_000)
    words = pb.Adaptation(hotwords=["word"] * 10_000)
    return {
        "a prompt": packed([request(config=config_of(adaptation=prompt))]),
        "10**4 hotwords": packed([request(config=config_of(adaptation=words))]),
        "a long name": packed([CONFIG, finalize("n" * 60_000)]),
        "2000 messages": packed([CONFIG, *[request(keep_alive=pb.KeepAlive())] * 2_000, end()]),
        "a deep group": packed([CONFIG, b"\x0b" * 60_000]),
    }


def responses() -> dict[str, bytes]:
    packed_info, status = AnyMessage(), status_pb2.Status(code=9, message="why")
    packed_info.Pack(error_details_pb2.ErrorInfo(reason="AUDIO_GAP", domain="sori.v1"))
    status.details.append(packed_info)
    started = pb.SessionStarted(session_id="one", resume_token="two")  # noqa: S106
    started.effective_config.CopyFrom(pb.StreamingRecognizeRequest.FromString(ALL).config)
    answer = functools.partial(pb.StreamingRecognizeResponse, sequence=MOST)
    word = pb.WordInfo(word="so", start_offset=BEFORE, end_offset=FAR, confidence=float("nan"))
    reading = pb.RecognitionAlternative(committed_text="so", words=[word])
    messages: dict[str, Message] = {
        "a status": status,
        "a session": answer(session_started=started),
        "a result": answer(result=pb.RecognitionResult(alternatives=[reading], end_offset=FAR)),
        "a result without a reading": answer(result=pb.RecognitionResult(is_final=True)),
        "an unknown event": answer(
            speech_event=pb.SpeechEvent(type=99)  # type: ignore[arg-type]
        ),
        "an unknown warning": answer(warning=pb.Warning(reason=-1)),  # type: ignore[arg-type]
        "progress": answer(progress=pb.Progress(acknowledged_byte_offset=-1, credit=BEFORE)),
        "a farewell": answer(go_away=pb.GoAway(time_left=FAR)),
        "totals": answer(session_summary=pb.SessionSummary(received_audio=FAR)),
        "no kind": answer(),
    }
    found = {name: message.SerializeToString() for name, message in messages.items()}
    return found | {
        "no message": b"\xff",
        "details that are none": found["a status"][:-3] + b"\xff\xff\xff",
    }
