"""A session outlives its connection: no word is lost, none comes twice, nobody else gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori_server.domain.limits import Limits
from sori_server.engine.fake import FakeBehaviour
from sori_server.runtime.resumable import MESSAGE_BYTES
from support.raw_client import PATIENCE, Ending
from support.resuming import Resuming, ResumingStream
from support.speech_server import Served, serving
from support.word_audio import assert_heard, conversation, linear16

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

WORDS = range(30)
AUDIO = linear16(conversation([WORDS[:10], WORDS[10:20], WORDS[20:]]))
SECOND = 32_000
LIMITS = Limits(resume_window=5.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(FakeBehaviour(unstable_words=2), LIMITS) as served:
        yield served


async def finish(stream: ResumingStream, start: int) -> None:
    """Send the rest of the audio and wait for the totals."""
    await stream.audio_from(AUDIO, start)
    await stream.send(end_of_audio=pb.EndOfAudio(total_bytes=len(AUDIO)))
    await stream.until_kind("session_summary")


async def refusal(client: Resuming, **how: object) -> Ending:
    """How a connection ends that is refused."""
    async with client.connection(**how) as stream:  # type: ignore[arg-type]
        return await stream.ended()


# --------------------------------------------------------------------------- the same server


@pytest.mark.parametrize("lost_at", [0.05, 0.4, 1.0, 1.85, 2.5, 3.2])
async def test_a_session_goes_on_after_its_connection_was_lost(
    served: Served, lost_at: float
) -> None:
    client = Resuming(served, {"interim_results": True})
    lost = round(lost_at * SECOND) // 2 * 2
    async with client.connection() as stream:
        started = await stream.until_started()
        await stream.audio_from(AUDIO, 0, lost)
        await asyncio.sleep(0.1)
    assert not started.resumed
    assert client.token
    async with client.connection(client.token) as stream:
        again = await stream.until_started()
        assert (again.session_id, again.resumed) == (started.session_id, True)
        assert again.next_byte_offset <= lost
        await finish(stream, again.next_byte_offset)
    client.assert_dense()
    assert_heard(client.texts, WORDS)


async def test_finals_made_while_nobody_was_there_are_delivered_once() -> None:
    async with serving(FakeBehaviour(batch_cost=2.0)) as served:
        client = Resuming(served)
        async with client.connection() as stream:
            await stream.until_started()
            await stream.audio_from(AUDIO, 0)
            await stream.send(end_of_audio=pb.EndOfAudio())
            (session,) = served.gateway.sessions._streams.values()
            async with asyncio.timeout(PATIENCE):
                while session.runner.listening:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        assert not client.texts
        await served.until_streams(0)
        async with client.connection(client.token) as stream:
            assert (await stream.until_started()).next_byte_offset == len(AUDIO)
            await stream.send(end_of_audio=pb.EndOfAudio())
            await stream.summary()
    client.assert_dense()
    assert_heard(client.texts, WORDS)


async def test_a_lost_summary_comes_again(served: Served) -> None:
    client = Resuming(served)
    async with client.connection() as stream:
        await finish(stream, 0)
    before = client.last_sequence
    del client.responses[-3:]
    async with client.connection(client.token) as stream:
        await stream.summary()
    assert client.responses[-1].HasField("session_summary")
    assert client.last_sequence <= before + 1
    client.assert_dense()
    assert_heard(client.texts, WORDS)


async def test_what_was_acknowledged_does_not_come_again(served: Served) -> None:
    client = Resuming(served)
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0)
        await stream.until(lambda response: response.result.utterance_index == 1)
        await stream.acknowledge()
        await asyncio.sleep(0.05)
    async with client.connection(client.token) as stream:
        again = await stream.until_started()
        await finish(stream, again.next_byte_offset)
    client.assert_dense()
    assert_heard(client.texts, WORDS)


async def test_the_second_connection_wins(served: Served) -> None:
    client = Resuming(served)
    async with client.connection() as first:
        await first.until_started()
        await first.audio_from(AUDIO, 0, SECOND)
        await asyncio.sleep(0.05)
        other = Resuming(served, responses=list(first.responses))
        async with other.connection(first.token) as second:
            again = await second.until_started()
            ending = await first.ended()
            await finish(second, again.next_byte_offset)
    assert ending.summary == ("ABORTED", "SESSION_SUPERSEDED")
    other.assert_dense()
    assert_heard(other.texts, WORDS)


async def test_audio_sent_again_is_not_heard_twice(served: Served) -> None:
    client = Resuming(served)
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0, SECOND)
        await asyncio.sleep(0.05)
    async with client.connection(client.token) as stream:
        await finish(stream, 0)
    assert_heard(client.texts, WORDS)


async def test_a_gap_is_refused_with_both_places(served: Served) -> None:
    client = Resuming(served)
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0, SECOND)
        await asyncio.sleep(0.05)
    async with client.connection(client.token) as stream:
        start = (await stream.until_started()).next_byte_offset
        await stream.audio_from(AUDIO, start + 320)
        ending = await stream.ended()
    assert ending.summary == ("DATA_LOSS", "AUDIO_GAP")
    assert ending.metadata == {
        "received_bytes": str(start),
        "announced_bytes": str(start + 320),
    }


async def test_an_end_of_stream_is_a_lost_connection(served: Served) -> None:
    client = Resuming(served)
    async with client.connection() as stream:
        await stream.until_started()
        await stream.half_close()
        ending = await stream.ended()
    assert ending.summary == ("FAILED_PRECONDITION", "PROTOCOL_VIOLATION")
    assert ending.metadata == {"field": "end_of_audio"}
    async with client.connection(client.token) as stream:
        await finish(stream, 0)
    assert_heard(client.texts, WORDS)


# -------------------------------------------------------------------------------------- drain


async def test_a_server_that_leaves_gives_a_token_to_go_on_elsewhere() -> None:
    secret = "a secret that both of the servers know"  # noqa: S105
    limits = Limits(drain_grace=0.5)
    async with serving(limits=limits, secret=secret) as one:
        client = Resuming(one)
        async with client.connection() as stream:
            await stream.audio_from(AUDIO, 0, 3 * SECOND)
            await stream.until(lambda response: response.result.is_final)
            drain = asyncio.create_task(one.gateway.drain())
            leaving = (await stream.until_kind("go_away")).go_away
        async with (
            serving(limits=limits, secret=secret) as other,
            client.connection(leaving.resume_token, served=other) as stream,
        ):
            await finish(stream, (await stream.until_started()).next_byte_offset)
        await drain
    client.assert_dense()
    assert_heard(client.texts, WORDS)


async def test_a_session_whose_client_is_away_is_flushed_and_kept_in_a_drain() -> None:
    async with serving(limits=Limits(drain_grace=3.0)) as served:
        client = await lost_session(served)
        drain = asyncio.create_task(served.gateway.drain())
        await asyncio.sleep(0.1)
        async with client.connection(client.token) as stream:
            start = (await stream.until_started()).next_byte_offset
            await stream.audio_from(AUDIO, start, 2 * SECOND)
            ending = await stream.ended()
        await drain
    assert ending.summary == ("UNAVAILABLE", "SERVER_DRAINING")
    client.assert_dense()
    assert_heard(client.texts, WORDS[:10])


# -------------------------------------------------------------------------------- bad tokens


async def lost_session(served: Served, authorization: str = "") -> Resuming:
    """A client whose connection was lost."""
    client = Resuming(served, authorization=authorization)
    async with client.connection() as stream:
        await stream.until_started()
        await stream.audio_from(AUDIO, 0, SECOND)
        await asyncio.sleep(0.02)
    return client


INVALID = ("NOT_FOUND", "RESUME_TOKEN_INVALID")


async def test_a_token_is_good_for_one_resume(served: Served) -> None:
    client = await lost_session(served)
    used = client.token
    async with client.connection(used) as stream:
        await stream.until_started()
        await stream.acknowledge()
        await stream.finalize("read")
        await stream.until_kind("finalized")
        assert (await refusal(client, token=used)).summary == INVALID
        await finish(stream, (await stream.until_started()).next_byte_offset)
    assert_heard(client.texts, WORDS)


async def test_a_token_whose_answer_was_lost_is_good_until_one_arrives(served: Served) -> None:
    client = await lost_session(served)
    used, received = client.token, list(client.responses)
    async with client.connection(used) as stream:
        await stream.until_started()
    for _ in range(3):
        client.responses = list(received)
        async with client.connection(used) as stream:
            await stream.until_started()
    client.responses = received
    async with client.connection(used) as stream:
        await finish(stream, (await stream.until_started()).next_byte_offset)
    client.assert_dense()
    assert_heard(client.texts, WORDS)


@pytest.mark.parametrize(
    "forged", ["x", "{0:.40}AAAA{0:.40}", "é", "{0}{0}", "{0:.60}", "{0}A" + 1_000 * "A"]
)
async def test_a_forged_token_is_refused(served: Served, forged: str) -> None:
    client = await lost_session(served)
    ending = await refusal(client, token=forged.format(client.token))
    assert ending.summary == INVALID
    async with client.connection(client.token) as stream:
        await finish(stream, (await stream.until_started()).next_byte_offset)
    assert_heard(client.texts, WORDS)


@pytest.mark.parametrize("other", ["", "Bearer other"])
async def test_a_token_of_somebody_else_is_refused(served: Served, other: str) -> None:
    client = await lost_session(served, "Bearer mine")
    thief = Resuming(served, authorization=other, responses=list(client.responses))
    assert (await refusal(thief, token=client.token)).summary == INVALID
    async with client.connection(client.token) as stream:
        await finish(stream, (await stream.until_started()).next_byte_offset)
    assert_heard(client.texts, WORDS)


async def test_all_refusals_of_tokens_read_the_same(served: Served) -> None:
    client = await lost_session(served)
    thief = Resuming(served, authorization="other", responses=list(client.responses))
    endings = [
        await refusal(client, token="x"),  # noqa: S106
        await refusal(thief, token=client.token),
    ]
    assert endings[0] == endings[1]


@pytest.mark.parametrize("sequence", [10**6, 2**63 - 1])
async def test_responses_from_the_future_are_refused(served: Served, sequence: int) -> None:
    client = await lost_session(served)
    ending = await refusal(client, token=client.token, last_sequence=sequence)
    assert ending.summary == ("INVALID_ARGUMENT", "INVALID_CONFIG")
    assert list(ending.violations) == ["config.resume.last_sequence"]
    async with client.connection(client.token) as stream:
        await finish(stream, (await stream.until_started()).next_byte_offset)
    assert_heard(client.texts, WORDS)


async def test_an_acknowledgement_from_the_future_ends_the_session(served: Served) -> None:
    async with Resuming(served).connection() as stream:
        await stream.until_started()
        await stream.acknowledge(10**6)
        ending = await stream.ended()
    assert ending.summary == ("FAILED_PRECONDITION", "PROTOCOL_VIOLATION")
    assert ending.metadata == {"field": "response_ack.sequence", "last_sequence": "1"}


# ------------------------------------------------------------------------------------ bounds


async def test_a_session_is_given_up_when_its_window_ends() -> None:
    async with serving(limits=Limits(resume_window=2.0)) as served:
        client = await lost_session(served)
        assert served.gateway.active_streams == 1
        await served.until_streams(0)
        assert (await refusal(client, token=client.token)).summary == INVALID


async def test_a_reader_that_does_not_acknowledge_is_detached_and_loses_nothing() -> None:
    limits = Limits(max_unacknowledged=6, write_timeout=1.0)
    async with serving(limits=limits) as served:
        client = Resuming(served, {"progress_interval": Duration(nanos=100_000_000)})
        async with client.connection() as stream:
            await stream.audio_from(AUDIO, 0)
            ending = await stream.ended()
        assert ending.summary == ("ABORTED", "SLOW_READER")
        assert ending.metadata == {"max_unacknowledged_responses": "6"}
        while not client.responses[-1].HasField("session_summary"):
            async with client.connection(client.token) as stream:
                again = await stream.until_started()
                await stream.audio_from(AUDIO, again.next_byte_offset)
                await stream.send(end_of_audio=pb.EndOfAudio())
                await stream.ended()
    client.assert_dense()
    assert_heard(client.texts, WORDS)


async def test_few_messages_are_held_for_a_reader_that_does_not_acknowledge() -> None:
    limits = Limits(max_unacknowledged=4, write_timeout=0.5, max_chunk_bytes=6_400)
    async with serving(limits=limits) as served:
        client = Resuming(served)
        async with client.connection() as stream:
            await stream.until_started()
            (session,) = served.gateway.sessions._streams.values()
            connection = session._connection
            assert connection is not None
            for number in range(3_000):
                await stream.finalize(str(number))
                assert len(connection.held) <= 6_400 // MESSAGE_BYTES
                if stream.ending is not None:
                    break
            ending = await stream.ended()
        assert ending.summary == ("ABORTED", "SLOW_READER")


async def test_a_reader_that_acknowledges_is_never_in_the_way_of_its_own_audio() -> None:
    limits = Limits(max_unacknowledged=6, write_timeout=5.0)
    async with serving(limits=limits) as served:
        client = Resuming(served, {"progress_interval": Duration(nanos=100_000_000)})
        async with client.connection() as stream:

            async def acknowledge() -> None:
                while stream.ending is None:
                    if stream.responses:
                        await stream.acknowledge()
                    await asyncio.sleep(0.02)

            acknowledging = asyncio.create_task(acknowledge())
            await finish(stream, 0)
            await acknowledging
    assert_heard(client.texts, WORDS)
