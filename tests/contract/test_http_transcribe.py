"""`POST /transcribe` over a real socket: answers, formats, events, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from sori_server.engine.fake import POISON_WORD, FakeBehaviour
from support.containers import FLAC, encoded_pcm
from support.http_api import HttpApi, form, http_api, nothing_left, unnamed_files, wav
from support.speech_server import serving
from support.word_audio import assert_heard, conversation, heard_words, linear16

pytestmark = pytest.mark.contract

WORDS = [range(8), range(8, 14)]
SPOKEN = list(range(14))
FILE = wav(conversation(WORDS))


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.name.startswith("aiohttp.server")] == []


@pytest.fixture
async def api() -> AsyncIterator[HttpApi]:
    async with serving() as served, http_api(served) as api:
        yield api


async def test_a_file_becomes_text_segments_and_totals(api: HttpApi) -> None:
    answer = await api.post("/transcribe", form(FILE))
    assert answer.status == 200
    body = answer.json
    assert heard_words(body["text"]) == SPOKEN
    assert body["language"] == "en"
    assert body["duration"] == pytest.approx(len(conversation(WORDS)) / 16_000, abs=1e-3)
    assert body["warnings"] == []
    assert body["inference_seconds"] > 0
    first, second = body["segments"]
    assert [first["index"], second["index"]] == [0, 1]
    assert 0 <= first["start"] < first["end"] <= second["start"] < second["end"] <= body["duration"]
    assert "words" not in first
    assert first["confidence"] == first["language_confidence"] == 1.0


async def test_any_container_is_read(api: HttpApi) -> None:
    pcm = np.frombuffer(linear16(conversation(WORDS)), "<i2").reshape(-1, 1)
    answer = await api.post("/transcribe", form(encoded_pcm(FLAC, [pcm], 16_000)))
    assert heard_words(answer.json["text"]) == SPOKEN


async def test_words_have_times_when_they_are_wanted(api: HttpApi) -> None:
    answer = await api.post("/transcribe", form(FILE, word_timestamps="true"))
    words = [word for segment in answer.json["segments"] for word in segment["words"]]
    assert heard_words(" ".join(word["word"] for word in words)) == SPOKEN
    assert words[0]["start"] == pytest.approx(0.8, abs=0.05)
    assert words[-1]["end"] == pytest.approx(3.0, abs=0.05)


async def test_formats_are_files_as_the_command_line_writes_them(api: HttpApi) -> None:
    text = await api.post("/transcribe", form(FILE, response_format="text"))
    assert text.headers["Content-Type"].startswith("text/plain")
    assert_heard(text.text.splitlines(), SPOKEN)
    assert len(text.text.splitlines()) == 2
    srt = await api.post("/transcribe", form(FILE, response_format="srt"))
    assert srt.text.startswith("1\n00:00:00,8")
    vtt = await api.post("/transcribe", form(FILE, response_format="vtt"))
    assert vtt.headers["Content-Type"].startswith("text/vtt")
    assert vtt.text.startswith("WEBVTT\n\n00:00:00.8")


async def test_settings_reach_the_engine(api: HttpApi) -> None:
    wanted = form(
        FILE,
        language=["ko-KR"],
        task="translate",
        model="fake",
        preset="",
        prompt="names",
        hotwords=["a", "b"],
    )
    answer = await api.post("/transcribe", wanted)
    assert answer.status == 200
    assert answer.json["language"] == "ko-KR"


def events_of(text: str) -> list[tuple[str, dict[str, object]]]:
    events = []
    for block in text.strip().split("\n\n"):
        kind, data = block.split("\n")
        events.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


async def test_events_tell_progress_and_finals_and_then_all(api: HttpApi) -> None:
    answer = await api.post("/transcribe", form(FILE, stream="true"))
    assert answer.headers["Content-Type"] == "text/event-stream"
    events = events_of(answer.text)
    results = [data for kind, data in events if kind == "result"]
    kind, done = events[-1]
    assert kind == "done"
    assert done["segments"] == results
    assert_heard([str(result["text"]) for result in results], SPOKEN)
    progress = [data for kind, data in events if kind == "progress"]
    assert progress[-1]["total_bytes"] == len(FILE)
    assert all(data["final"] <= data["received"] <= done["duration"] for data in progress)


BAD_FIELDS: list[tuple[dict[str, str | list[str]], int, str]] = [
    ({"language": "xx"}, 400, "language"),
    ({"language": "not a tag"}, 400, "language"),
    ({"language": ["en"] * 17}, 400, "language"),
    ({"task": "sing"}, 400, "task"),
    ({"preset": "none"}, 400, "preset"),
    ({"model": "large-v9"}, 404, "model"),
    ({"model": ["a", "b"]}, 400, "model"),
    ({"word_timestamps": "maybe"}, 400, "word_timestamps"),
    ({"response_format": "pdf"}, 400, "response_format"),
    ({"stream": "true", "response_format": "srt"}, 400, "response_format"),
    ({"prompt": "x" * 1001}, 400, "prompt"),
    ({"hotwords": ["x"] * 50 + ["y" * 600]}, 400, "hotwords"),
    ({"langauge": "en"}, 400, "langauge"),
    ({"audio": "a second one"}, 400, "audio"),
]


async def test_a_bad_field_is_named(api: HttpApi) -> None:
    for fields, status, field in BAD_FIELDS:
        answer = await api.post("/transcribe", form(FILE, **fields))
        error = answer.json["error"]
        assert (answer.status, error["field"], error["param"]) == (status, field, field), fields
        assert error["type"] == "invalid_request_error"
        assert error["message"].startswith(f"{field}: ")
        assert "config." not in error["message"]


BAD_FILES = [
    (None, "INVALID_CONFIG"),
    (b"", "AUDIO_UNDECODABLE"),
    (b"not audio, in spite of its name" * 100, "AUDIO_UNDECODABLE"),
    (b"x", "AUDIO_UNDECODABLE"),
    (FILE[:30], "AUDIO_UNDECODABLE"),
    (b"fLaC" + bytes(5_000), "AUDIO_UNDECODABLE"),
]


async def test_a_file_that_is_none_is_refused(api: HttpApi) -> None:
    for file, code in BAD_FILES:
        for stream in ("false", "true"):
            answer = await api.post("/transcribe", form(file, stream=stream))
            error = answer.json["error"]
            assert (answer.status, error["code"], error["field"]) == (400, code, "audio"), file


async def test_silence_has_no_text(api: HttpApi) -> None:
    answer = await api.post("/transcribe", form(wav(np.zeros(32_000, np.float32))))
    body = answer.json
    assert (body["text"], body["segments"], body["language"]) == ("", [], "")
    assert body["duration"] == 2.0


async def test_a_lost_stretch_is_a_warning_where_there_is_room_for_one(api: HttpApi) -> None:
    file = wav(conversation([range(8), [20, POISON_WORD, 21]]))
    kept = (await api.post("/transcribe", form(file))).json
    assert heard_words(kept["text"])[:8] == list(range(8))
    assert [each["reason"] for each in kept["warnings"]] == ["recognition_failed"]
    lost = await api.post("/transcribe", form(file, response_format="text"))
    assert (lost.status, lost.json["error"]["code"]) == (500, "RECOGNITION_FAILED")
    assert float(lost.json["error"]["metadata"]["start"]) > 1
    events = events_of((await api.post("/transcribe", form(file, stream="true"))).text)
    done = events[-1][1]
    (warning,) = done["warnings"]  # type: ignore[misc]
    assert warning["reason"] == "recognition_failed"
    assert ("warning", warning) in events
    assert heard_words(str(done["text"]))[:8] == list(range(8))


async def test_a_client_that_leaves_leaves_nothing() -> None:
    slow = FakeBehaviour(batch_cost=60.0)
    async with serving(slow) as served, http_api(served) as api, nothing_left():
        before = unnamed_files()
        asking = asyncio.create_task(api.post("/transcribe", form(FILE)))
        await served.until_streams(1)
        assert unnamed_files() > before
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await served.until_streams(0)


async def test_events_to_a_client_that_leaves_end_its_stream() -> None:
    words = [range(start, start + 4) for start in range(0, 400, 4)]
    behaviour = FakeBehaviour(batch_cost=2.0)
    async with serving(behaviour) as served, http_api(served) as api:
        data = form(wav(conversation(words)), stream="true")
        async with api.session.post(f"{api.url}/transcribe", data=data) as response:
            assert await response.content.readline()
            assert served.gateway.active_streams == 1
        await served.until_streams(0)


async def test_a_server_that_leaves_says_so() -> None:
    async with serving() as served, http_api(served) as api:
        await served.gateway.drain()
        answer = await api.post("/transcribe", form(FILE))
        assert (answer.status, answer.json["error"]["code"]) == (503, "SERVER_DRAINING")
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await api.get("/readyz")).status == 503
        assert (await api.get("/healthz")).status == 200
