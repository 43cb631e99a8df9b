from __future__ import annotations

import asyncio

import pytest
from sori.v1 import speech_pb2 as pb
from sori_client import errors
from sori_client.conveyor import ConveyorClosed
from sori_client.outbox import READ_AHEAD, Outbox

pytestmark = pytest.mark.unit

Sent = bytes | str | int


def told(request: pb.StreamingRecognizeRequest) -> Sent:
    kind = request.WhichOneof("request")
    match kind:
        case "audio":
            return request.audio.data
        case "finalize":
            return request.finalize.request_id
        case "response_ack":
            return request.response_ack.sequence
        case "end_of_audio":
            return f"end {request.end_of_audio.total_bytes}"
    return kind or ""


async def all_of(outbox: Outbox) -> list[Sent]:
    """What it hands out without waiting."""
    sent: list[Sent] = []
    while True:
        try:
            sent.append(told(await asyncio.wait_for(outbox.next(), 0.01)))
        except (TimeoutError, ConveyorClosed):
            return sent


async def started(limit: int = 1000, *, keeps: bool = True) -> Outbox:
    outbox = Outbox(limit, keeps=keeps)
    await outbox.start()
    return outbox


async def test_audio_and_messages_come_out_in_their_order_and_the_end_last() -> None:
    outbox = await started()
    await outbox.put_audio(b"ab")
    await outbox.finalize("one")
    await outbox.put_audio(b"cd")
    await outbox.put_audio(b"ef")
    await outbox.finalize("two")
    await outbox.complete()
    assert await all_of(outbox) == [b"ab", "one", b"cdef", "two", "end 6"]
    for late in (outbox.put_audio(b"g"), outbox.finalize("three"), outbox.keep_alive()):
        with pytest.raises(ConveyorClosed):
            await late


async def test_long_audio_is_cut_into_chunks_a_server_takes() -> None:
    outbox = await started()
    await outbox.put_audio(bytes(100_000))
    await outbox.put_audio(bytes(40_000))
    assert [len(each) for each in await all_of(outbox)] == [65_536, 65_536, 8_928]  # type: ignore[arg-type]


async def test_acknowledgements_are_one_and_the_newest_and_go_first() -> None:
    outbox = await started()
    await outbox.put_audio(b"ab")
    await outbox.keep_alive()
    for sequence in (3, 5, 9):
        await outbox.acknowledge(sequence)
    assert await all_of(outbox) == [9, "keep_alive", b"ab"]


async def test_another_connection_is_sent_everything_from_an_offset_on() -> None:
    outbox = await started()
    await outbox.put_audio(b"abcdefgh")
    assert await all_of(outbox) == [b"abcdefgh"]
    await outbox.release(2)
    await outbox.pause()
    await outbox.put_audio(b"ij")
    await outbox.complete()
    assert await all_of(outbox) == []
    await outbox.start(4, again=True)
    first = await outbox.next()
    assert (first.audio.data, first.audio.byte_offset) == (b"efghij", 4)
    assert await all_of(outbox) == ["end 10"]
    await outbox.start(10, again=True)
    assert await all_of(outbox) == ["end 10"]
    with pytest.raises(errors.ReplayLimitExceeded):
        await outbox.start(1, again=True)
    with pytest.raises(errors.ContractBroken):
        await outbox.start(11, again=True)


async def test_only_the_first_chunk_of_another_connection_has_an_offset() -> None:
    outbox = await started(limit=100_000)
    await outbox.put_audio(bytes(70_000))
    assert not (await outbox.next()).audio.HasField("byte_offset")
    await outbox.start(2_000, again=True)
    assert (await outbox.next()).audio.byte_offset == 2_000
    assert not (await outbox.next()).audio.HasField("byte_offset")


async def test_finalize_without_an_answer_is_sent_again_at_its_place() -> None:
    outbox = await started()
    await outbox.put_audio(b"ab")
    await outbox.finalize("answered")
    await outbox.put_audio(b"cd")
    await outbox.finalize("open")
    await outbox.put_audio(b"ef")
    assert await all_of(outbox) == [b"ab", "answered", b"cd", "open", b"ef"]
    assert await outbox.answered("answered")
    assert not await outbox.answered("answered")
    await outbox.start(0, again=True)
    assert await all_of(outbox) == [b"abcd", "open", b"ef"]
    await outbox.start(4, again=True)
    assert await all_of(outbox) == ["open", b"ef"]
    await outbox.start(5, again=True)  # behind it: the same server, which has it
    assert await all_of(outbox) == [b"f"]
    await outbox.release(5)
    await outbox.start(5, again=True)  # perhaps another one, which has not
    assert await all_of(outbox) == ["open", b"f"]


async def test_with_a_connection_the_source_is_read_a_little_ahead() -> None:
    outbox = await started(limit=10)
    await outbox.put_audio(bytes(READ_AHEAD))
    waiting = asyncio.ensure_future(outbox.put_audio(b"more"))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await outbox.next()
    await asyncio.wait_for(waiting, 5)


async def test_without_a_connection_audio_is_kept_up_to_the_limit() -> None:
    outbox = await started(limit=4 * READ_AHEAD)
    await outbox.pause()
    for _ in range(4):
        await outbox.put_audio(bytes(READ_AHEAD))
    waiting = asyncio.ensure_future(outbox.put_audio(b"more"))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await outbox.start(0, again=True)
    await all_of(outbox)
    await asyncio.wait_for(waiting, 5)


async def test_what_was_sent_is_dropped_beyond_the_limit_and_never_what_was_not() -> None:
    outbox = await started(limit=100)
    for _ in range(5):
        await outbox.put_audio(bytes(100))
    assert sum(map(len, await all_of(outbox))) == 500  # type: ignore[arg-type]
    await outbox.put_audio(bytes(50))
    await outbox.start(450, again=True)
    with pytest.raises(errors.ReplayLimitExceeded):
        await outbox.start(449, again=True)


async def test_what_cannot_be_resumed_is_not_kept() -> None:
    outbox = await started()
    await outbox.put_audio(b"abcd")
    await outbox.finalize("one")
    await all_of(outbox)
    await outbox.stop_keeping()
    await outbox.put_audio(b"ef")
    assert await all_of(outbox) == [b"ef"]
    with pytest.raises(errors.ReplayLimitExceeded):
        await outbox.start(5)
    assert not await outbox.answered("one")


async def test_after_the_end_of_audio_only_acknowledgements_come() -> None:
    outbox = await started()
    await outbox.put_audio(b"ab")
    await outbox.complete()
    assert await all_of(outbox) == [b"ab", "end 2"]
    await outbox.acknowledge(7)
    assert await all_of(outbox) == [7]
    await outbox.stop_keeping()
    with pytest.raises(ConveyorClosed):
        await asyncio.wait_for(outbox.next(), 5)


async def test_closing_wakes_everyone() -> None:
    outbox = await started()
    await outbox.put_audio(bytes(READ_AHEAD))
    await all_of(outbox)
    await outbox.put_audio(bytes(READ_AHEAD))
    full = asyncio.ensure_future(outbox.put_audio(b"more"))
    await outbox.pause()
    reading = asyncio.ensure_future(outbox.next())
    await asyncio.sleep(0.01)
    await outbox.close()
    ends = await asyncio.gather(full, reading, return_exceptions=True)
    assert [type(end) for end in ends] == [ConveyorClosed, ConveyorClosed]
