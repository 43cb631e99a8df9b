"""Audio of many streams is heard together, in order, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from sori_server.domain.config import Priority
from sori_server.engine.fake import FakeStreamAudio
from sori_server.engine.port import FloatArray
from sori_server.runtime.ears import Ears, Heard

pytestmark = pytest.mark.unit

SPOKEN = np.full(1_600, 3 / 32_768, np.float32)
SILENT = np.zeros(1_600, np.float32)
LONG = np.full(16_000, 3 / 32_768, np.float32)


class Held(FakeStreamAudio):
    """Accepts nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def accept(self, samples: FloatArray) -> list[float]:
        self.entered.set()
        assert self.let_go.wait(10)
        return super().accept(samples)


class Broken(FakeStreamAudio):
    def accept(self, samples: FloatArray) -> list[float]:
        raise MemoryError("no room")


class Noted(FakeStreamAudio):
    """Writes down who was heard, and in which thread."""

    def __init__(self, name: int, notes: list[tuple[int, int]]) -> None:
        super().__init__()
        self._name, self._notes = name, notes

    def accept(self, samples: FloatArray) -> list[float]:
        self._notes.append((self._name, threading.get_ident()))
        return super().accept(samples)


async def test_each_stream_gets_its_own_probabilities() -> None:
    ears = Ears()
    heard = await asyncio.gather(
        *(ears.hear([FakeStreamAudio()], [samples]) for samples in (SPOKEN, SILENT, SPOKEN))
    )
    assert heard == [([1.0] * 3,), ([0.0] * 3,), ([1.0] * 3,)]


async def test_channels_of_a_stream_stay_in_their_order() -> None:
    heard = await Ears().hear([FakeStreamAudio(), FakeStreamAudio()], [SILENT, SPOKEN])
    assert heard == ([0.0] * 3, [1.0] * 3)


async def test_streams_are_heard_in_order_and_not_on_the_event_loop() -> None:
    ears = Ears()
    notes: list[tuple[int, int]] = []
    for _ in range(2):
        await asyncio.gather(*(ears.hear([Noted(name, notes)], [SPOKEN]) for name in range(20)))
    assert [name for name, _ in notes] == [*range(20), *range(20)]
    assert threading.get_ident() not in {thread for _, thread in notes}


async def test_one_stream_that_fails_harms_no_other() -> None:
    ears = Ears()
    good, bad, also_good = await asyncio.gather(
        ears.hear([FakeStreamAudio()], [SPOKEN]),
        ears.hear([Broken()], [SPOKEN]),
        ears.hear([FakeStreamAudio()], [SPOKEN]),
        return_exceptions=True,
    )
    assert good == also_good == ([1.0] * 3,)
    assert isinstance(bad, MemoryError)


async def test_who_leaves_while_audio_is_heard_leaves_the_others_their_answers() -> None:
    ears, held, waiting = Ears(), Held(), FakeStreamAudio()
    leaver = asyncio.create_task(ears.hear([held], [LONG]))
    await asyncio.to_thread(held.entered.wait)
    gone = asyncio.create_task(ears.hear([waiting], [SPOKEN]))
    stays = asyncio.create_task(ears.hear([FakeStreamAudio()], [SPOKEN]))
    await asyncio.sleep(0)
    leaver.cancel()
    gone.cancel()
    await asyncio.wait([leaver, gone])
    held.let_go.set()
    assert await stays == ([1.0] * 3,)
    assert waiting.received == 0


async def test_much_audio_of_many_is_heard_in_several_turns() -> None:
    """Who came first has the answer while the last still waits."""
    ears, held = Ears(), Held()
    early = [asyncio.create_task(ears.hear([FakeStreamAudio()], [LONG])) for _ in range(6)]
    late = asyncio.create_task(ears.hear([held], [LONG]))
    assert [len(probabilities) for (probabilities,) in await asyncio.gather(*early[:4])] == [31] * 4
    await asyncio.to_thread(held.entered.wait)
    assert not late.done()
    held.let_go.set()
    assert await late == ([1.0] * 31,)


async def test_streams_of_people_are_heard_before_files_and_a_file_in_each_turn() -> None:
    ears, held = Ears(), Held()
    notes: list[tuple[int, int]] = []

    def hear(name: int, priority: Priority) -> asyncio.Task[Heard]:
        return asyncio.create_task(ears.hear([Noted(name, notes)], [LONG], priority))

    first = asyncio.create_task(ears.hear([held], [SPOKEN]))
    await asyncio.to_thread(held.entered.wait)
    tasks = [hear(name, Priority.BATCH) for name in (20, 21)]
    tasks += [hear(name, Priority.LIVE) for name in range(6)]
    await asyncio.sleep(0)
    held.let_go.set()
    await asyncio.gather(first, *tasks)
    assert [name for name, _ in notes] == [0, 1, 2, 3, 20, 4, 5, 21]


async def test_files_alone_are_heard_together() -> None:
    ears, held = Ears(), Held()
    first = asyncio.create_task(ears.hear([held], [SPOKEN], Priority.BATCH))
    await asyncio.to_thread(held.entered.wait)
    others = [
        asyncio.create_task(ears.hear([FakeStreamAudio()], [LONG], Priority.BATCH))
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    held.let_go.set()
    assert await asyncio.gather(first, *others) == [([1.0] * 3,), *[([1.0] * 31,)] * 3]


async def test_ears_serve_again_after_nobody_has_spoken() -> None:
    ears, audio = Ears(), FakeStreamAudio()
    for _ in range(3):
        await ears.hear([audio], [SPOKEN])
    assert audio.received == 4_800
