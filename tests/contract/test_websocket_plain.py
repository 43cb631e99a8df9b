"""The plain protocol over a real socket: samples in, text out, with or without settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sori_server.domain.limits import Limits
from sori_server.engine.fake import POISON_WORD, FakeBehaviour
from support.speech_server import Served, serving
from support.websocket_client import Socket, connected
from support.word_audio import assert_heard, conversation, float32, linear16, speak

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

LIMITS = Limits(idle_timeout=3.0, close_timeout=0.5)
SPOKEN = conversation([range(12), range(12, 20)])
FIELDS = {
    "text",
    "is_final",
    "utterance",
    "start",
    "end",
    "committed_text",
    "tentative_text",
    "language",
    "confidence",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving(FakeBehaviour(unstable_words=1), LIMITS) as served:
        yield served


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_left(served: Served) -> AsyncIterator[None]:
    yield
    await served.until_streams(0)


async def heard(socket: Socket, audio: bytes) -> int | None:
    """Send everything and the end; the close code."""
    await socket.audio(audio)
    await socket.end()
    return await socket.until_closed()


async def test_samples_alone_give_text(served: Served) -> None:
    samples, spoken_so_far = float32(SPOKEN), 4 * 1_600 * (8 + 10)
    async with connected(served.server.bridge_port, "/") as socket:
        await socket.audio(samples[:spoken_so_far])
        await socket.until(lambda answer: not answer["is_final"])
        assert await heard(socket, samples[spoken_so_far:]) == 1000
    assert_heard(socket.finals, range(20))
    assert all(set(answer) == FIELDS for answer in socket.heard)
    for answer in socket.heard:
        assert answer["text"] == answer["committed_text"] + answer["tentative_text"]
        assert answer["start"] < answer["end"] <= len(SPOKEN) / 16_000
    assert [answer["utterance"] for answer in socket.heard if answer["is_final"]] == [0, 1]


async def test_polling_for_answers_with_a_timeout_loses_none(served: Served) -> None:
    """What a client does that sends blocks of 0.1 s and waits 0.1 s for an answer."""
    data, answers = float32(SPOKEN), []
    async with connected(served.server.bridge_port, "/") as socket:
        for start in range(0, len(data), 6_400):
            await socket.websocket.send_bytes(data[start : start + 6_400])
            try:
                answers.append(await socket.websocket.receive_json(timeout=0.005))
            except TimeoutError:
                continue
        await socket.end()
        await socket.until_closed()
    texts = [answer["text"] for answer in answers if answer["is_final"]]
    assert_heard([*texts, *socket.finals], range(20))


async def test_closing_still_gives_the_last_words(served: Served) -> None:
    async with connected(served.server.bridge_port, "/") as socket:
        await socket.audio(float32(speak(range(9))))
        closing = asyncio.create_task(socket.websocket._writer.close())
        assert await socket.until_closed() == 1000
        await closing
    assert_heard(socket.finals, range(9))


async def test_closing_at_once_is_no_error(served: Served) -> None:
    async with connected(served.server.bridge_port, "/") as socket:
        pass
    assert socket.websocket.close_code == 1000


QUERIES = {
    "?encoding=linear16": linear16(SPOKEN),
    "?encoding=linear16&language=en&task=transcribe&preset=captions": linear16(SPOKEN),
    "?language=en,ko": float32(SPOKEN),
    "?interim=false": float32(SPOKEN),
    "?sample_rate=16000&channels=1": float32(SPOKEN),
}


@pytest.mark.parametrize("query", QUERIES)
async def test_the_query_refines(served: Served, query: str) -> None:
    async with connected(served.server.bridge_port, f"/{query}") as socket:
        assert await heard(socket, QUERIES[query]) == 1000
    assert_heard(socket.finals, range(20))
    if "interim" in query:
        assert all(answer["is_final"] for answer in socket.heard)
    if "language=en&" in query:
        assert {answer["language"] for answer in socket.heard} == {"en"}


async def test_a_first_frame_of_text_refines(served: Served) -> None:
    async with connected(served.server.bridge_port, "/?encoding=mulaw") as socket:
        await socket.say({"encoding": "linear16", "sample_rate": 16_000, "interim": False})
        assert await heard(socket, linear16(SPOKEN)) == 1000
    assert_heard(socket.finals, range(20))
    assert all(answer["is_final"] for answer in socket.heard)


@pytest.mark.parametrize("rate", [16_000.0, "16000.0", 16_000])
async def test_settings_may_be_numbers_lists_and_texts(served: Served, rate: object) -> None:
    async with connected(served.server.bridge_port, "/") as socket:
        await socket.say({"sample_rate": rate, "language": ["en", "ko"], "interim": "false"})
        assert await heard(socket, float32(SPOKEN)) == 1000
    assert_heard(socket.finals, range(20))


NO_TEXT = {'{"\\ud800": 1}': "\ud800", '{"language": "\\ud800"}': "language"}


@pytest.mark.parametrize("frame", NO_TEXT)
async def test_halves_of_surrogate_pairs_are_no_text(served: Served, frame: str) -> None:
    async with connected(served.server.bridge_port, "/") as socket:
        await socket.websocket.send_str(frame)
        assert await socket.until_closed() == 4400
    assert socket.heard[0]["error"]["field"] == NO_TEXT[frame]


@pytest.mark.parametrize("depth", [2, 700, 1_100])
async def test_settings_are_no_lists_of_lists(served: Served, depth: int) -> None:
    """Up to which depth JSON can be read, and a list be walked, differs by version of Python."""
    async with connected(served.server.bridge_port, "/") as socket:
        await socket.websocket.send_str(f'{{"language": {"[" * depth}{"]" * depth}}}')
        assert await socket.until_closed() in {4400, 4409}
    error = socket.heard[0]["error"]
    assert (error["code"], error["field"]) in {
        ("INVALID_CONFIG", "language"),
        ("PROTOCOL_VIOLATION", "message"),
    }


async def test_other_rates_are_converted(served: Served) -> None:
    async with connected(served.server.bridge_port, "/?sample_rate=48000") as socket:
        await socket.audio(float32(SPOKEN.repeat(3)))
        await socket.end()
        assert await socket.until_closed() == 1000
    assert socket.heard[-1]["end"] <= len(SPOKEN) / 16_000


NO_SETTINGS = {
    "?encoding=pcm": "encoding",
    "?sample_rate=fast": "sample_rate",
    "?task=sing": "task",
    "?interim=maybe": "interim",
    "?colour=red": "colour",
    "?task=translate&task=transcribe": "task",
}


@pytest.mark.parametrize("query", NO_SETTINGS)
async def test_what_is_no_setting_is_told_before_anything_is_sent(
    served: Served, query: str
) -> None:
    async with connected(served.server.bridge_port, f"/{query}") as socket:
        assert await socket.until_closed() == 4400
    assert_refused(socket, "INVALID_CONFIG", NO_SETTINGS[query])


NOT_SERVED = {
    "?sample_rate=1": (4400, "INVALID_CONFIG", "sample_rate"),
    "?channels=99": (4400, "INVALID_CONFIG", "channels"),
    "?language=xx": (4400, "INVALID_CONFIG", "language"),
    "?preset=none": (4400, "INVALID_CONFIG", "preset"),
    "?model=whisper-99": (4404, "MODEL_NOT_FOUND", "model"),
}


@pytest.mark.parametrize("query", NOT_SERVED)
async def test_settings_the_server_does_not_serve_are_named_as_they_were_given(
    served: Served, query: str
) -> None:
    close_code, code, field = NOT_SERVED[query]
    async with connected(served.server.bridge_port, f"/{query}") as socket:
        await socket.audio(float32(speak([1])))
        assert await socket.until_closed() == close_code
    assert_refused(socket, code, field)


def assert_refused(socket: Socket, code: str, field: str) -> None:
    (answer,) = socket.heard
    assert answer["text"] == ""
    assert (answer["error"]["code"], answer["error"]["field"]) == (code, field)
    assert "config." not in answer["error"]["message"]


LATE = {
    '{"language": "en"}': ("PROTOCOL_VIOLATION", "message"),
    '{"type": "config"}': ("PROTOCOL_VIOLATION", "type"),
    "no json": ("PROTOCOL_VIOLATION", "message"),
}


@pytest.mark.parametrize("frame", LATE)
async def test_frames_that_come_too_late_end_a_stream_after_its_words(
    served: Served, frame: str
) -> None:
    code, field = LATE[frame]
    async with connected(served.server.bridge_port, "/") as socket:
        await socket.audio(float32(SPOKEN))
        await socket.websocket.send_str(frame)
        assert await socket.until_closed() == 4409
    assert_heard(socket.finals, range(20))
    error = socket.heard[-1]["error"]
    assert (error["code"], error["field"]) == (code, field)


async def test_a_setting_that_is_no_value(served: Served) -> None:
    async with connected(served.server.bridge_port, "/") as socket:
        await socket.say({"language": {"en": 1}})
        assert await socket.until_closed() == 4400
    assert socket.heard[0]["error"]["field"] == "language"


async def test_a_warning_is_an_answer_without_text(served: Served) -> None:
    async with connected(served.server.bridge_port, "/") as socket:
        assert await heard(socket, float32(conversation([[1, POISON_WORD, 2], range(6)]))) == 1000
    (warning,) = [answer["warning"] for answer in socket.heard if "warning" in answer]
    assert warning["reason"] == "recognition_failed"
    assert {"start", "end"} <= set(warning["metadata"])
    assert_heard(socket.finals[-1:], range(6))


async def test_nothing_for_too_long_before_the_first_sample(served: Served) -> None:
    async with connected(served.server.bridge_port, "/") as socket:
        assert await socket.until_closed() == 4409
    assert "3 s" in socket.heard[0]["error"]["message"]
