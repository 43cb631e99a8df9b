"""The door for audio of this process."""

from collections.abc import AsyncIterator

import pytest
from sori_server.domain.events import NumberedEvent, SessionStarted
from sori_server.runtime.door import AudioBytes, EndOfAudio
from sori_server.transport.pipe.door import PipeDoor

pytestmark = pytest.mark.unit


async def chunks(*items: bytes) -> AsyncIterator[bytes]:
    for item in items:
        yield item


async def ignore(_: NumberedEvent) -> None: ...


async def test_chunks_then_the_end_with_their_length() -> None:
    door = PipeDoor(chunks(b"four", b"seven"), ignore)
    received = [await door.receive() for _ in range(3)]
    assert received == [AudioBytes(b"four"), AudioBytes(b"seven"), EndOfAudio(9)]


async def test_events_are_delivered_in_order() -> None:
    delivered: list[NumberedEvent] = []

    async def deliver(event: NumberedEvent) -> None:
        delivered.append(event)

    door = PipeDoor(chunks(), deliver)
    events = [NumberedEvent(number, SessionStarted("id")) for number in (1, 2)]
    for event in events:
        await door.send(event)
    assert delivered == events
