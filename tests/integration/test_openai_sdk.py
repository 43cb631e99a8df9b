"""OpenAI's Python SDK, unmodified, against the real model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from sori.v1 import speech_pb2 as pb
from support.http_api import HttpApi, http_api
from support.recordings import AUDIO
from support.speech_server import Served, serving, serving_mini

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

RECORDING = AUDIO / "en_dialog.flac"
CONTAINER = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_CONTAINER)


@pytest.fixture
async def api() -> AsyncIterator[HttpApi]:
    """With the fake model."""
    async with serving() as served, http_api(served) as api:
        yield api


async def finals_over_grpc(served: Served, recording: bytes) -> str:
    async with served.stream(audio_format=CONTAINER) as stream:
        await stream.audio(recording)
        await stream.end_of_audio()
        await stream.summary()
        return " ".join(text.strip() for text in stream.texts if text.strip())


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # says the SDK of whisper-1
async def test_every_format_and_the_stream_say_what_grpc_says() -> None:
    async with serving_mini() as served, http_api(served) as api:
        await says_what_grpc_says(served, api)


async def says_what_grpc_says(served: Served, api: HttpApi) -> None:
    expected = await finals_over_grpc(served, RECORDING.read_bytes())
    assert len(expected) > 40
    async with AsyncOpenAI(base_url=f"{api.url}/v1", api_key="none", max_retries=0) as client:
        create = client.audio.transcriptions.create
        plain = await create(model="whisper-1", file=RECORDING)
        assert plain.text == expected
        text = await create(model="whisper-1", file=RECORDING, response_format="text")
        assert text.strip() == expected
        for kind in ("srt", "vtt"):
            captions = await create(model="whisper-1", file=RECORDING, response_format=kind)
            shown = [line for line in captions.splitlines() if line and "-->" not in line]
            words = [word for line in shown for word in line.split() if not word.isdigit()]
            assert " ".join(words).removeprefix("WEBVTT ") == expected
        verbose = await create(
            model="whisper-1",
            file=RECORDING,
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
        assert verbose.text == expected
        assert "".join(segment.text for segment in verbose.segments or []).strip() == expected
        assert " ".join(word.word for word in verbose.words or []) == expected
        assert verbose.language == "english"
        events = [
            event
            async for event in await create(
                model="gpt-4o-transcribe", file=RECORDING, stream=True, language="en"
            )
        ]
        assert events[-1].type == "transcript.text.done"
        assert events[-1].text == expected
        assert "".join(event.delta for event in events[:-1]) == expected
        translated = await client.audio.translations.create(
            model="whisper-1", file=AUDIO / "ko_dialog.flac", response_format="verbose_json"
        )
        assert translated.language == "english"
        assert translated.text


async def test_its_errors_are_what_they_are_elsewhere(api: HttpApi) -> None:
    async with AsyncOpenAI(base_url=f"{api.url}/v1", api_key="none", max_retries=0) as client:
        create = client.audio.transcriptions.create
        with pytest.raises(openai.NotFoundError) as unknown:
            await create(model="gpt-9", file=RECORDING)
        assert (unknown.value.code, unknown.value.param) == ("MODEL_NOT_FOUND", "model")
        with pytest.raises(openai.BadRequestError) as language:
            await create(model="whisper-1", file=RECORDING, language="xx")
        assert language.value.param == "language"
        with pytest.raises(openai.BadRequestError) as audio:
            await create(model="whisper-1", file=b"no audio at all")
        assert (audio.value.code, audio.value.param) == ("AUDIO_UNDECODABLE", "file")
        with pytest.raises(openai.APIStatusError) as large:
            await create(model="whisper-1", file=bytes(25 * 1024 * 1024 + 1))
        assert large.value.status_code == 413
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-9")


async def test_the_blocking_client_works_too(api: HttpApi) -> None:
    def ask() -> tuple[str, list[str], str]:
        with OpenAI(base_url=f"{api.url}/v1", api_key="none", max_retries=0) as client:
            with RECORDING.open("rb") as file:
                text = client.audio.transcriptions.create(model="auto", file=file).text
            names = [model.id for model in client.models.list()]
            return text, names, client.models.retrieve(names[0]).owned_by

    text, names, owner = await asyncio.to_thread(ask)
    assert text
    assert (names, owner) == (["fake"], "sori")
