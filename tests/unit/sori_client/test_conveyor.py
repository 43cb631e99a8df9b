from __future__ import annotations

import asyncio

import pytest
from sori_client.conveyor import Conveyor, ConveyorClosed

pytestmark = pytest.mark.unit


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_items_come_out_in_order_and_a_full_one_makes_put_wait() -> None:
    conveyor = Conveyor(2, "first")
    await conveyor.put("second")
    third = asyncio.ensure_future(conveyor.put("third"))
    await settle()
    assert not third.done()
    assert await conveyor.get() == "first"
    await third
    assert [await conveyor.get(), await conveyor.get()] == ["second", "third"]


async def test_get_waits_for_an_item() -> None:
    conveyor = Conveyor[int](1)
    got = asyncio.ensure_future(conveyor.get())
    await settle()
    assert not got.done()
    await conveyor.put(7)
    assert await got == 7


async def test_closing_gives_what_is_left_then_ends() -> None:
    conveyor = Conveyor(2, 1, 2)
    await conveyor.close()
    assert [await conveyor.get(), await conveyor.get()] == [1, 2]
    for _ in range(2):
        with pytest.raises(ConveyorClosed):
            await conveyor.get()
    with pytest.raises(ConveyorClosed):
        await conveyor.put(3)


async def test_the_first_end_counts_and_an_error_is_raised_after_the_items() -> None:
    conveyor = Conveyor(2, 1)
    await conveyor.close(OSError("broken"))
    await conveyor.close()
    assert await conveyor.get() == 1
    with pytest.raises(OSError, match="broken"):
        await conveyor.get()
    with pytest.raises(ConveyorClosed):
        await conveyor.put(2)


async def test_closing_wakes_both_sides() -> None:
    full, empty = Conveyor(1, 1), Conveyor[int](1)
    waiting = [asyncio.ensure_future(full.put(2)), asyncio.ensure_future(empty.get())]
    await settle()
    await full.close()
    await empty.close()
    assert [type(end) for end in await asyncio.gather(*waiting, return_exceptions=True)] == [
        ConveyorClosed,
        ConveyorClosed,
    ]
    assert await full.get() == 1


async def test_a_cancelled_put_has_added_nothing() -> None:
    conveyor = Conveyor(1, 1)
    waiting = asyncio.ensure_future(conveyor.put(2))
    await settle()
    waiting.cancel()
    await settle()
    assert await conveyor.get() == 1
    await conveyor.put(3)
    assert await conveyor.get() == 3
