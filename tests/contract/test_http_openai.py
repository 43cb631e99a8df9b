"""OpenAI's routes over a real socket: formats, granularities, events, names of models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from sori_server.domain.presets import PRESETS
from sori_server.engine.fake import POISON_WORD
from support.http_api import HttpApi, form, http_api, wav
from support.speech_server import serving
from support.word_audio import conversation, heard_words

pytestmark = pytest.mark.contract

FILE = wav(conversation([range(8), range(8, 14)]))
SPOKEN = list(range(14))
PATH = "/v1/audio/transcriptions"
TRANSLATIONS = "/v1/audio/translations"


@pytest.fixture
async def api() -> AsyncIterator[HttpApi]:
    async with serving() as served, http_api(served) as api:
        yield api


def filled(**fields: str | list[str]) -> object:
    return form(FILE, "file", **fields)


async def test_json_is_the_text_and_its_seconds(api: HttpApi) -> None:
    answer = await api.post(PATH, filled(model="whisper-1"))
    assert heard_words(answer.json["text"]) == SPOKEN
    assert answer.json["usage"] == {"type": "duration", "seconds": 4}


async def test_text_and_captions_are_plain(api: HttpApi) -> None:
    plain = await api.post(PATH, filled(response_format="text"))
    assert (plain.text.count("\n"), heard_words(plain.text)) == (1, SPOKEN)
    assert (await api.post(PATH, filled(response_format="srt"))).text.startswith("1\n00:00:00,")
    assert (await api.post(PATH, filled(response_format="vtt"))).text.startswith("WEBVTT\n")


async def test_verbose_json_has_every_field_of_a_segment(api: HttpApi) -> None:
    body = (await api.post(PATH, filled(response_format="verbose_json"))).json
    assert (body["task"], body["language"]) == ("transcribe", "english")
    assert body["duration"] == pytest.approx(3.8, abs=0.1)
    assert "words" not in body
    first, second = body["segments"]
    assert (first["id"], second["id"]) == (0, 1)
    assert first["seek"] == pytest.approx(first["start"] * 100, abs=1)
    assert (first["tokens"], first["temperature"], first["no_speech_prob"]) == ([], 0.0, 0.0)
    assert first["avg_logprob"] == 0.0  # the fake model is certain
    assert 0 < first["compression_ratio"] < 3
    assert first["text"] + second["text"] == " " + body["text"]


async def test_granularities_choose_segments_and_words(api: HttpApi) -> None:
    wanted = {"response_format": "verbose_json", "timestamp_granularities[]": ["word"]}
    body = (await api.post(PATH, filled(**wanted))).json
    assert "segments" not in body
    assert heard_words(" ".join(word["word"] for word in body["words"])) == SPOKEN
    wanted["timestamp_granularities[]"] = ["word", "segment"]
    both = (await api.post(PATH, filled(**wanted))).json
    assert (len(both["words"]), len(both["segments"])) == (14, 2)


async def test_events_are_deltas_that_join_to_the_text(api: HttpApi) -> None:
    text = (await api.post(PATH, filled(stream="true"))).text
    events = [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line]
    *deltas, done = events
    assert {delta["type"] for delta in deltas} == {"transcript.text.delta"}
    assert done["type"] == "transcript.text.done"
    assert "".join(delta["delta"] for delta in deltas) == done["text"]
    assert (len(deltas), heard_words(done["text"])) == (2, SPOKEN)


async def test_a_lost_stretch_ends_events_with_an_error(api: HttpApi) -> None:
    file = wav(conversation([range(8), [20, POISON_WORD, 21]]))
    text = (await api.post(PATH, form(file, "file", stream="true"))).text
    events = [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line]
    assert events[0]["type"] == "transcript.text.delta"
    assert (events[-1]["type"], events[-1]["error"]["code"]) == ("error", "RECOGNITION_FAILED")
    assert (await api.post(PATH, form(file, "file"))).status == 500


async def test_translations_are_english(api: HttpApi) -> None:
    body = (await api.post(TRANSLATIONS, filled(response_format="verbose_json"))).json
    assert (body["task"], body["language"]) == ("translate", "english")
    assert len(body["segments"]) == 2


async def test_languages_have_english_names(api: HttpApi) -> None:
    wanted = filled(response_format="verbose_json", language="ko")
    assert (await api.post(PATH, wanted)).json["language"] == "korean"


@pytest.mark.parametrize("name", ["fake", "auto", "whisper-1", "gpt-4o-transcribe"])
async def test_names_of_the_model(api: HttpApi, name: str) -> None:
    assert (await api.post(PATH, filled(model=name))).status == 200
    entry = (await api.get(f"/v1/models/{name}")).json
    assert (entry["id"], entry["object"], entry["languages"]) == ("fake", "model", ["en", "ko"])
    listed = (await api.get("/v1/models")).json
    presets = [{"name": each.name, "description": each.description} for each in PRESETS]
    assert listed == {"object": "list", "data": [entry], "presets": presets}


async def test_another_model_is_not_found(api: HttpApi) -> None:
    for answer in (
        await api.post(PATH, filled(model="gpt-9")),
        await api.get("/v1/models/gpt-9"),
        await api.get("/v1/models/some/body"),
    ):
        error = answer.json["error"]
        assert (answer.status, error["code"], error["param"]) == (404, "MODEL_NOT_FOUND", "model")


async def test_what_openai_has_and_sori_has_not_is_ignored(api: HttpApi) -> None:
    habits = {
        "temperature": "0.2",
        "include[]": ["logprobs"],
        "chunking_strategy[type]": "server_vad",
        "known_speaker_names[]": ["a"],
    }
    assert (await api.post(PATH, filled(**habits))).status == 200
    assert (await api.post(TRANSLATIONS, filled(temperature="0"))).status == 200


BAD: list[tuple[str, dict[str, str | list[str]], str]] = [
    (PATH, {"response_format": "diarized_json"}, "response_format"),
    (PATH, {"response_format": "srt", "stream": "true"}, "response_format"),
    (PATH, {"timestamp_granularities[]": ["word"]}, "timestamp_granularities"),
    (
        PATH,
        {"response_format": "verbose_json", "timestamp_granularities[]": "letter"},
        "timestamp_granularities",
    ),
    (PATH, {"language": "xx"}, "language"),
    (PATH, {"keywords[]": "x" * 601}, "keywords"),
    (PATH, {"preset": "captions"}, "preset"),
    (TRANSLATIONS, {"language": "ko"}, "language"),
    (TRANSLATIONS, {"stream": "true"}, "stream"),
]


async def test_a_bad_field_is_named(api: HttpApi) -> None:
    for path, fields, field in BAD:
        answer = await api.post(path, filled(**fields))
        error = answer.json["error"]
        assert (answer.status, error["param"]) == (400, field), fields
    for path in (PATH, TRANSLATIONS):
        for file in (None, b"", b"no audio" * 20):
            answer = await api.post(path, form(file, "file"))
            assert (answer.status, answer.json["error"]["param"]) == (400, "file")
