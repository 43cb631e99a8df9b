from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import pytest
from sori_client.sources.pacing import MonotonicClock, paced

pytestmark = pytest.mark.unit


class FakeClock:
    """Sleeps are too long by `lateness`, as real ones are."""

    def __init__(self, lateness: float = 0.0) -> None:
        self.time = 50.0
        self.lateness = lateness
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, duration: float) -> None:
        self.sleeps.append(duration)
        self.time += duration + self.lateness


async def chunks(*sizes: int) -> AsyncGenerator[bytes, None]:
    for size in sizes:
        yield bytes(size)


async def test_late_wakeups_do_not_add_up() -> None:
    clock = FakeClock(lateness=0.004)
    times = [clock.time - 50.0 async for _ in paced(chunks(*[100] * 1000), 1000, clock)]
    assert times[-1] == pytest.approx(100.0, abs=0.005)
    assert times == pytest.approx([0.1 * (i + 1) for i in range(1000)], abs=0.005)


async def test_after_a_stall_it_catches_up_at_once() -> None:
    clock = FakeClock()
    times = []
    async for chunk in paced(chunks(100, 100, 100, 100), 1000, clock):
        assert len(chunk) == 100
        times.append(clock.time - 50.0)
        if len(times) == 1:
            clock.time += 0.25  # the network was slow
    assert times == pytest.approx([0.1, 0.35, 0.35, 0.4])


async def test_chunks_of_any_size_follow_their_own_length() -> None:
    clock = FakeClock()
    times = [clock.time - 50.0 async for _ in paced(chunks(50, 250, 100), 1000, clock)]
    assert times == pytest.approx([0.05, 0.3, 0.4])


async def test_closing_it_closes_the_source() -> None:
    closed = False

    async def source() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            while True:
                yield b"ab"
        finally:
            closed = True

    generator = paced(source(), 1000, FakeClock())
    await anext(generator)
    await generator.aclose()
    assert closed


async def test_the_real_clock_keeps_real_time() -> None:
    begin = time.monotonic()
    async for _ in paced(chunks(*[10] * 100), 1000, MonotonicClock()):
        pass
    assert 1.0 <= time.monotonic() - begin < 5
