"""A session goes on at another server, or after a restart, with nothing but its token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import numpy as np
import pytest
import pytest_asyncio
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from support.http_api import wav
from support.resuming import Resuming, ResumingStream
from support.speech_server import Served, serving
from support.word_audio import assert_heard, conversation, linear16

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

WORDS = range(40)
SOUND = conversation([WORDS[:10], WORDS[10:20], WORDS[20:30], WORDS[30:]])
AUDIO = linear16(SOUND)
SECOND = 32_000
SECRET = "a secret that both of the servers know"  # noqa: S105
LIMITS = Limits(resume_window=20.0, drain_grace=0.1)
INVALID = ("NOT_FOUND", "RESUME_TOKEN_INVALID")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nodes() -> AsyncIterator[tuple[Served, Served]]:
    behaviour = FakeBehaviour(unstable_words=2)
    async with (
        serving(behaviour, LIMITS, SECRET) as one,
        serving(behaviour, LIMITS, SECRET) as other,
    ):
        yield one, other


async def finish(stream: ResumingStream, data: bytes, start: int) -> None:
    """Send the rest of the audio and wait for the totals."""
    await stream.audio_from(data, start)
    await stream.send(end_of_audio=pb.EndOfAudio(total_bytes=len(data)))
    await stream.until_kind("session_summary")


def assert_in_order(client: Resuming) -> None:
    """Utterances have their numbers once, and their spans do not overlap."""
    finals = [r.result for r in client.responses if r.result.is_final]
    assert [final.utterance_index for final in finals] == list(range(len(finals)))
    for before, after in pairwise(finals):
        assert before.end_offset.ToNanoseconds() <= after.start_offset.ToNanoseconds()


@pytest.mark.parametrize("lost_at", [0.2, 1.2, 2.0, 2.55, 2.9, 3.7, 4.4, 5.5, 6.9])
async def test_a_session_goes_on_at_another_server(
    nodes: tuple[Served, Served], lost_at: float
) -> None:
    client = Resuming(nodes[0], {"interim_results": True})
    lost = round(lost_at * SECOND) // 2 * 2
    async with client.connection() as stream:
        started = await stream.until_started()
        await stream.audio_from(AUDIO, 0, lost)
        await asyncio.sleep(0.1)
    async with client.connection(client.token, served=nodes[1]) as stream:
        again = await stream.until_started()
        assert again.resumed
        assert again.session_id == started.session_id
        assert 0 <= again.next_byte_offset <= lost
        await finish(stream, AUDIO, again.next_byte_offset)
    client.assert_dense()
    assert_heard(client.texts, WORDS)
    assert_in_order(client)


async def test_a_session_goes_on_at_one_server_after_the_other(
    nodes: tuple[Served, Served],
) -> None:
    client, start = Resuming(nodes[0]), 0
    for turn in range(8):
        async with client.connection(client.token, served=nodes[turn % 2]) as stream:
            start = (await stream.until_started()).next_byte_offset
            await stream.audio_from(AUDIO, start, min((turn + 1) * SECOND, len(AUDIO)))
            await asyncio.sleep(0.05)
    async with client.connection(client.token, served=nodes[0]) as stream:
        await finish(stream, AUDIO, (await stream.until_started()).next_byte_offset)
    client.assert_dense()
    assert_heard(client.texts, WORDS)
    assert_in_order(client)


async def test_no_server_asks_for_audio_that_was_committed(nodes: tuple[Served, Served]) -> None:
    client = Resuming(nodes[0])
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0, 5 * SECOND)
        final = await stream.until(lambda response: response.result.utterance_index == 1)
        await stream.until(lambda r: r.HasField("progress") and r.sequence > final.sequence)
    committed = [
        r.progress.committed_byte_offset for r in client.responses if r.HasField("progress")
    ]
    assert committed == sorted(committed)
    async with client.connection(client.token, served=nodes[1]) as stream:
        start = (await stream.until_started()).next_byte_offset
        assert start == committed[-1] > 0
        await finish(stream, AUDIO, start)
    assert_heard(client.texts, WORDS)


@pytest.mark.parametrize("last", [2**53 + 1, 2**63 - 1])
async def test_no_session_had_so_many_responses(nodes: tuple[Served, Served], last: int) -> None:
    """The other server cannot know how many there were, and goes on counting from there."""
    client = Resuming(nodes[0])
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0, SECOND)
        await asyncio.sleep(0.05)
    async with client.connection(client.token, last, served=nodes[1]) as stream:
        ending = await stream.ended()
    assert ending.summary == ("INVALID_ARGUMENT", "INVALID_CONFIG")
    assert list(ending.violations) == ["config.resume.last_sequence"]
    async with client.connection(client.token, 2**53, served=nodes[1]) as stream:
        assert (await stream.until_started()).resumed
        assert stream.last_sequence == 2**53 + 1


async def test_a_token_used_elsewhere_is_refused_there(nodes: tuple[Served, Served]) -> None:
    client = Resuming(nodes[0])
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0, SECOND)
        await asyncio.sleep(0.05)
    used = client.token
    async with client.connection(used, served=nodes[1]) as stream:
        start = (await stream.until_started()).next_byte_offset
        await finish(stream, AUDIO, start)
        await stream.acknowledge()
        async with client.connection(used, served=nodes[1]) as again:
            assert (await again.ended()).summary == INVALID
    assert_heard(client.texts, WORDS)


async def test_a_server_without_the_secret_knows_nothing_of_it(
    nodes: tuple[Served, Served],
) -> None:
    client = Resuming(nodes[0])
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0, SECOND)
        await asyncio.sleep(0.05)
    async with (
        serving(limits=LIMITS) as stranger,
        client.connection(client.token, served=stranger) as stream,
    ):
        assert (await stream.ended()).summary == INVALID
    async with client.connection(client.token) as stream:
        await finish(stream, AUDIO, (await stream.until_started()).next_byte_offset)
    assert_heard(client.texts, WORDS)


async def test_a_token_that_is_too_old_is_refused() -> None:
    limits = Limits(resume_window=0.2)
    async with serving(limits=limits, secret=SECRET) as one:
        client = Resuming(one)
        async with client.connection() as stream:
            await stream.until_started()
    await asyncio.sleep(0.3)
    async with (
        serving(limits=limits, secret=SECRET) as other,
        client.connection(client.token, served=other) as stream,
    ):
        assert (await stream.ended()).summary == INVALID


@pytest.mark.parametrize("kind", ["wav", "container"])
async def test_a_container_is_read_again_from_its_start(
    nodes: tuple[Served, Served], kind: str
) -> None:
    data = wav(SOUND)
    encoding = pb.AudioEncoding.Value(f"AUDIO_ENCODING_{kind.upper()}")
    client = Resuming(nodes[0], {"audio_format": pb.AudioFormat(encoding=encoding)})
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(data, 0, 5 * SECOND)
        await stream.until(lambda response: response.result.is_final)
        await asyncio.sleep(0.05)
    async with client.connection(client.token, served=nodes[1]) as stream:
        assert (await stream.until_started()).next_byte_offset == 0
        await finish(stream, data, 0)
    client.assert_dense()
    assert_heard(client.texts, WORDS)
    assert_in_order(client)


async def test_channels_go_on_each_from_its_own_place(nodes: tuple[Served, Served]) -> None:
    left, right = conversation([range(8), range(8, 30)]), conversation([range(100, 117)])
    length = min(len(left), len(right)) + 1_600 * 16
    both = np.zeros((length, 2), np.float32)
    both[: len(left), 0], both[: len(right), 1] = left[:length], right[:length]
    data = linear16(both.reshape(-1))
    wanted = pb.AudioFormat(
        encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000, channel_count=2
    )
    settings = {"audio_format": wanted, "channel_mode": pb.CHANNEL_MODE_SEPARATE}
    client = Resuming(nodes[0], settings)
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(data, 0, len(data) * 2 // 3 // 4 * 4)
        await stream.until(lambda response: response.result.is_final)
        await asyncio.sleep(0.05)
    async with client.connection(client.token, served=nodes[1]) as stream:
        await finish(stream, data, (await stream.until_started()).next_byte_offset)
    client.assert_dense()
    finals = [r.result for r in client.responses if r.result.is_final]
    texts = {
        tag: [f.alternatives[0].committed_text for f in finals if f.channel_tag == tag]
        for tag in (1, 2)
    }
    assert_heard(texts[1], range(30))
    assert_heard(texts[2], range(100, 117))


async def test_tries_whose_answers_were_lost_spoil_no_server(nodes: tuple[Served, Served]) -> None:
    """The client goes on at one server, and comes back to the other with what it got there."""
    client = Resuming(nodes[0])
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0, SECOND)
        await asyncio.sleep(0.05)
    kept, received = client.token, list(client.responses)
    for node in (*nodes, *nodes, nodes[0], nodes[0]):
        async with client.connection(kept, served=node) as stream:
            await stream.until_started()
        client.responses = list(received)
    for node in (*reversed(nodes), *nodes):
        async with client.connection(client.token, served=node) as stream:
            start = (await stream.until_started()).next_byte_offset
            await stream.audio_from(AUDIO, start, start + SECOND)
            await asyncio.sleep(0.05)
    async with client.connection(client.token, served=nodes[0]) as stream:
        await finish(stream, AUDIO, (await stream.until_started()).next_byte_offset)
    client.assert_dense()
    assert_heard(client.texts, WORDS)


async def test_a_client_may_come_back_to_a_server_that_has_given_it_up() -> None:
    short, long = Limits(resume_window=2.0), LIMITS
    async with (
        serving(limits=short, secret=SECRET) as one,
        serving(limits=long, secret=SECRET) as other,
    ):
        client = Resuming(one)
        for turn, node in enumerate([one, other, one]):
            async with client.connection(client.token, served=node) as stream:
                start = (await stream.until_started()).next_byte_offset
                await stream.audio_from(AUDIO, start, (turn + 1) * SECOND)
                await asyncio.sleep(0.05)
                if node is other:
                    await one.until_streams(0)
        async with client.connection(client.token, served=one) as stream:
            await finish(stream, AUDIO, (await stream.until_started()).next_byte_offset)
    client.assert_dense()
    assert_heard(client.texts, WORDS)
