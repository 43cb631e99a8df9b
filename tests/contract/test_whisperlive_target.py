from __future__ import annotations

import asyncio

import numpy as np
import pytest
from sori_server.benchmark.target import ConversationFailed, Heard, Pcm
from sori_server.benchmark.targets import target_of
from sori_server.benchmark.whisperlive import WhisperLiveTarget
from sori_server.domain.errors import CapacityExhausted
from support.scripted_whisperlive import ScriptedSpeaker, WhisperLiveScript, whisperlive

pytestmark = pytest.mark.contract

QUIET = 0.3
SECOND: Pcm = np.arange(16_000, dtype=np.int16)


async def talk(script: WhisperLiveScript, *, end: bool = True, quiet: float = QUIET) -> list[Heard]:
    """What is heard of a second of audio."""
    heard: list[Heard] = []
    async with (
        asyncio.timeout(10),
        whisperlive(script) as address,
        WhisperLiveTarget(address, quiet=quiet).open("ko") as conversation,
        asyncio.TaskGroup() as tasks,
    ):

        async def speak() -> None:
            await conversation.send(SECOND[:8000])
            await conversation.send(SECOND[8000:])
            if end:
                await conversation.end()

        tasks.create_task(speak())
        heard.extend([each async for each in conversation.events()])
    return heard


async def test_sends_what_its_own_client_sends() -> None:
    speakers: list[ScriptedSpeaker] = []

    async def script(speaker: ScriptedSpeaker) -> None:
        speakers.append(speaker)
        await speaker.start()
        await speaker.hear_all()

    assert await talk(script) == []
    (speaker,) = speakers
    assert speaker.options.pop("uid")
    assert speaker.options == {
        "language": "ko",
        "task": "transcribe",
        "model": "small",
        "use_vad": True,
    }
    np.testing.assert_array_equal(speaker.audio * 32_768, SECOND)


async def test_each_completed_segment_is_one_final() -> None:
    async def script(speaker: ScriptedSpeaker) -> None:
        await speaker.start()
        await speaker.hear(16_000)
        await speaker.segments(" one")
        await speaker.segments(" one.", " two")
        await speaker.segments(" one.", " two", " three")
        await speaker.segments(" one.", " two", " three", last_open=False)
        await speaker.hear_all()

    heard = await talk(script)
    assert [(each.utterance, each.text, each.is_final) for each in heard] == [
        (0, " one", False),
        (0, " one.", True),
        (1, " two", False),
        (1, " two", True),
        (2, " three", False),
        (2, " three", True),
    ]
    assert [(each.start, each.end) for each in heard if each.is_final] == [(0, 1), (1, 2), (2, 3)]


async def test_the_end_waits_until_no_new_text_comes() -> None:
    texts = [" one", " two", " three", " four", " five"]
    too_early: list[bool] = []

    async def script(speaker: ScriptedSpeaker) -> None:
        await speaker.start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(speaker.hear_all())
            for text in texts:
                await asyncio.sleep(0.5)
                await speaker.segments(text)
            too_early.append(speaker.ended)

    assert [each.text for each in await talk(script, quiet=1.5)] == texts
    assert too_early == [False]


async def test_what_is_no_segment_is_left_out() -> None:
    async def script(speaker: ScriptedSpeaker) -> None:
        await speaker.start()
        await speaker.say(language="ko", language_prob=0.9)
        await speaker.say(segments=[])
        await speaker.say(status="WARNING", message="another backend")
        await speaker.segments(" one", last_open=False)
        await speaker.hear_all()

    assert [each.text for each in await talk(script)] == [" one"]


async def test_a_full_server_has_no_room() -> None:
    async def script(speaker: ScriptedSpeaker) -> None:
        await speaker.take_options()
        await speaker.say(status="WAIT", message=3.5)

    async with whisperlive(script) as address:
        with pytest.raises(CapacityExhausted, match=r"3\.5 minutes"):
            async with WhisperLiveTarget(address).open("en"):
                pytest.fail("it is open")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ('{"status": "ERROR", "message": "Failed to load model"}', "Failed to load"),
        ('{"message": "DISCONNECT"}', "too long"),
        ("not JSON", "no JSON object"),
        (b"\xff\xfe", "no JSON object"),
        ("[]", "no JSON object"),
        ('{"segments": 1}', "no list"),
        ('{"segments": [1]}', "cannot be read"),
        ('{"segments": [{"text": "x", "start": "soon", "end": "1"}]}', "cannot be read"),
        ('{"segments": [{"text": "x", "start": "nan", "end": "1"}]}', "nowhere"),
        ('{"segments": [{"start": "0", "end": "1"}]}', "cannot be read"),
    ],
)
async def test_a_server_that_gives_up_or_makes_no_sense_fails(
    message: str | bytes, told: str
) -> None:
    async def script(speaker: ScriptedSpeaker) -> None:
        await speaker.start()
        await speaker.socket.send(message)
        await speaker.hear_all()

    with pytest.RaisesGroup(pytest.RaisesExc(ConversationFailed, match=told)):
        await talk(script, end=False)


async def test_a_connection_that_is_closed_before_the_end_fails() -> None:
    async def script(speaker: ScriptedSpeaker) -> None:
        await speaker.start()
        await speaker.hear(16_000)

    with pytest.RaisesGroup(pytest.RaisesExc(ConversationFailed, match="code 1000")):
        await talk(script, end=False)


async def test_a_server_that_closes_before_it_is_ready_fails() -> None:
    async with whisperlive(ScriptedSpeaker.take_options) as address:
        with pytest.raises(ConversationFailed, match="closed"):
            async with WhisperLiveTarget(address).open("en"):
                pytest.fail("it is open")


async def test_nobody_there_fails() -> None:
    target = target_of("whisperlive://127.0.0.1:1")
    assert target.url == "whisperlive://127.0.0.1:1"
    with pytest.raises(ConversationFailed, match="no connection"):
        async with target.open("en"):
            pytest.fail("it is open")
