"""Any sequence of messages: only documented statuses come back, and the server lives on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.fake import POISON_WORD, FakeBehaviour
from support.raw_client import Ending, Stream, config_of
from support.speech_server import Served, serving, undisturbed
from support.word_audio import assert_heard, float32, linear16, silence, speak

pytestmark = [pytest.mark.contract, pytest.mark.timeout(240)]

DOCUMENTED = {
    ("OK", ""),
    ("INVALID_ARGUMENT", "INVALID_CONFIG"),
    ("INVALID_ARGUMENT", "AUDIO_UNDECODABLE"),
    ("FAILED_PRECONDITION", "PROTOCOL_VIOLATION"),
    ("NOT_FOUND", "MODEL_NOT_FOUND"),
    ("DATA_LOSS", "AUDIO_GAP"),
    ("OUT_OF_RANGE", "SESSION_DURATION_EXCEEDED"),
}
LIMITS = Limits(max_session_duration=6.0, max_chunk_bytes=40_000, max_request_id=8)


@dataclass(frozen=True)
class HalfClose:
    """The client says that it sends no more."""


def mostly(
    usual: st.SearchStrategy[Any], unusual: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Seven times out of eight the usual."""
    return st.integers(0, 7).flatmap(lambda n: usual if n else unusual)


durations = st.builds(
    Duration,
    seconds=st.sampled_from([0, 0, 0, 1, 2, -1, 3_000]),
    nanos=st.sampled_from([0, 200_000_000, 500_000_000]),
)
endpointings = st.builds(
    pb.EndpointingConfig,
    end_silence=st.none() | durations,
    max_utterance=st.none() | durations,
    min_speech=st.none() | durations,
    prefix_padding=st.none() | durations,
    speech_threshold=st.none() | st.floats(width=32),
)
formats = st.builds(
    pb.AudioFormat,
    encoding=st.integers(0, 6),
    sample_rate_hertz=st.sampled_from([16_000, 8_000, 48_000, 0, 44_100]),
    channel_count=st.sampled_from([0, 1, 2, 9]),
)
wild_configs = st.builds(
    config_of,
    audio_format=formats,
    model=st.sampled_from(["", "", "fake", "none"]),
    language_codes=st.lists(st.sampled_from(["en", "ko-KR", "de", "", "\U0001f600"]), max_size=2),
    task=st.integers(0, 3),
    interim_results=st.booleans(),
    min_interim_interval=st.none() | durations,
    progress_interval=st.none() | durations,
    endpointing=endpointings,
    voice_activity_events=st.booleans(),
    latency_breakdown=st.booleans(),
    priority=st.integers(0, 3),
)
good_configs = st.builds(
    config_of,
    interim_results=st.booleans(),
    voice_activity_events=st.booleans(),
    progress_interval=st.none() | st.just(Duration(seconds=1)),
)
sound = st.one_of(
    st.lists(st.integers(0, 99), max_size=12).map(lambda words: linear16(speak(words))),
    st.integers(0, 12).map(lambda frames: linear16(silence(frames))),
    st.just(linear16(speak([POISON_WORD]))),
    st.just(float32(speak([1, 2, 3]))),
)
offsets = st.sampled_from([0, 3_200, 9, -1, 2**60])
chunks = mostly(
    st.builds(pb.AudioChunk, data=sound),
    st.builds(pb.AudioChunk, data=sound | st.binary(max_size=99), byte_offset=offsets),
)
messages = st.one_of(
    chunks.map(lambda chunk: pb.StreamingRecognizeRequest(audio=chunk)),
    st.sampled_from(["", "one", "one too long"]).map(
        lambda name: pb.StreamingRecognizeRequest(finalize=pb.Finalize(request_id=name))
    ),
    st.just(pb.StreamingRecognizeRequest(keep_alive=pb.KeepAlive())),
)
rare = st.one_of(
    (good_configs | wild_configs).map(lambda config: pb.StreamingRecognizeRequest(config=config)),
    st.sampled_from([None, 0, 6_400, -1]).map(
        lambda total: pb.StreamingRecognizeRequest(end_of_audio=pb.EndOfAudio(total_bytes=total))
    ),
    st.just(pb.StreamingRecognizeRequest()),
    st.just(HalfClose()),
)
first = mostly(good_configs, wild_configs).map(
    lambda config: pb.StreamingRecognizeRequest(config=config)
)
histories = mostly(
    st.builds(lambda config, rest: [config, *rest], first, st.lists(mostly(messages, rare))),
    st.lists(messages | rare, max_size=4),
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """One loop for all examples: Hypothesis calls plain functions."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def served(loop: asyncio.Runner) -> Iterator[Served]:
    server = serving(FakeBehaviour(unstable_words=2), LIMITS)
    yield loop.run(server.__aenter__())
    loop.run(server.__aexit__(None, None, None))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories)
def test_any_history_ends_with_a_documented_status(
    loop: asyncio.Runner, served: Served, history: list[Message | HalfClose]
) -> None:
    ending = loop.run(plays(served, history))
    assert ending.summary in DOCUMENTED, ending


async def plays(served: Served, history: list[Message | HalfClose]) -> Ending:
    """How a stream ended that was sent all this; nothing of it is left."""
    async with served.silent_stream() as stream:
        for step in history:
            if isinstance(step, HalfClose):
                break
            await stream.write(step)  # type: ignore[arg-type]
        await stream.half_close()
        ending = await stream.ended()
    event(ending.info.reason or ending.code.name)
    check_responses(stream)
    await served.until_streams(0)
    return ending


def check_responses(stream: Stream) -> None:
    """What holds for the responses of every stream, however it ended."""
    assert [r.sequence for r in stream.responses] == [*range(1, len(stream.responses) + 1)]
    assert stream.kinds[:1] in ([], ["session_started"])
    assert stream.ending is not None
    ended_well = stream.ending.summary == ("OK", "")
    assert stream.kinds.count("session_summary") == (1 if ended_well else 0)
    assert [final.utterance_index for final in stream.finals] == sorted(
        {final.utterance_index for final in stream.finals}
    )
    ends = [0.0]
    for final in stream.finals:
        assert final.start_offset.ToTimedelta().total_seconds() >= ends[-1]
        ends.append(final.end_offset.ToTimedelta().total_seconds())
    committed: dict[int, str] = {}
    for result in stream.results:
        text = result.alternatives[0].committed_text
        assert text.startswith(committed.get(result.utterance_index, ""))
        committed[result.utterance_index] = text


def test_the_server_serves_as_before(loop: asyncio.Runner, served: Served) -> None:
    async def speaks() -> Stream:
        async with undisturbed(served, range(100, 120)), served.stream() as stream:
            await stream.audio(linear16(speak(range(30))))
            await stream.end_of_audio(96_000)
            await stream.summary()
        return stream

    assert_heard(loop.run(speaks()).texts, range(30))
