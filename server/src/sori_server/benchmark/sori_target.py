"""Sori over gRPC, with as little work per message as the protocol allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.duration_pb2 import Duration
from sori.v1 import speech_pb2 as pb
from sori.v1 import speech_pb2_grpc as rpc
from sori_client.final_status import FinalStatus

from sori_server.benchmark.target import Conversation, ConversationFailed, Heard, Pcm, Told
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.errors import CapacityExhausted

CONNECT_TIMEOUT: Final = 10.0
INTERIM_INTERVAL: Final = 0.5

Call = grpc.aio.StreamStreamCall[pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse]


@dataclass(frozen=True, slots=True)
class SoriTarget:
    """A gRPC server of Sori at `address`, without encryption."""

    address: str

    @property
    def url(self) -> str:
        """How a user names it."""
        return f"sori://{self.address}"

    @asynccontextmanager
    async def open(self, language: str) -> AsyncIterator[Conversation]:
        """A conversation with interim results, on a connection of its own.

        Raises:
            ConversationFailed: no connection within `CONNECT_TIMEOUT`.
        """
        options = (("grpc.use_local_subchannel_pool", 1),)
        async with grpc.aio.insecure_channel(self.address, options=options) as channel:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    await channel.channel_ready()
            except TimeoutError:
                raise ConversationFailed(f"{self.url}: no connection") from None
            call = rpc.SpeechServiceStub(channel).StreamingRecognize()
            conversation = SoriConversation(call)
            await conversation.begin(language)
            yield conversation


class SoriConversation:
    """One `StreamingRecognize` call."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._status = FinalStatus(call)
        self._acknowledged: int | None = None

    @property
    def acknowledged(self) -> int | None:
        """Samples received, by the newest `progress` or `session_summary`."""
        return self._acknowledged

    async def begin(self, language: str) -> None:
        """Send the configuration."""
        await self._write(pb.StreamingRecognizeRequest(config=_config(language)))

    async def send(self, samples: Pcm) -> None:
        """Send one audio message."""
        audio = pb.AudioChunk(data=samples.tobytes())
        await self._write(pb.StreamingRecognizeRequest(audio=audio))

    async def end(self) -> None:
        """Send `end_of_audio`."""
        await self._write(pb.StreamingRecognizeRequest(end_of_audio=pb.EndOfAudio()))

    async def events(self) -> AsyncIterator[Heard]:
        """Results until the call ends."""
        while (response := await self._read()) is not None:
            match response.WhichOneof("response"):
                case "result":
                    yield heard(response.result)
                case "progress":
                    self._acknowledged = _samples(response.progress.received_offset)
                case "session_summary":
                    self._acknowledged = _samples(response.session_summary.received_audio)

    async def _write(self, request: pb.StreamingRecognizeRequest) -> None:
        try:
            await self._call.write(request)
        except grpc.aio.AioRpcError as error:
            raise self._failure(error) from error
        except asyncio.InvalidStateError:  # what grpc.aio raises once the call is over
            code, details = await self._call.code(), await self._call.details()
            empty = grpc.aio.Metadata()
            raise self._failure(grpc.aio.AioRpcError(code, empty, empty, details)) from None

    async def _read(self) -> pb.StreamingRecognizeResponse | None:
        try:
            response = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise self._failure(error) from error
        return response if isinstance(response, pb.StreamingRecognizeResponse) else None

    def _failure(self, raised: grpc.aio.AioRpcError) -> CapacityExhausted | ConversationFailed:
        error = self._status.of(raised)
        full = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        kind = CapacityExhausted if full else ConversationFailed
        return kind(f"{error.code().name}: {error.details() or 'the call is over'}")


def heard(result: pb.RecognitionResult) -> Heard:
    """A result of the contract as the benchmark has it."""
    best = result.alternatives[0]
    return Heard(
        utterance=result.utterance_index,
        text=best.committed_text + best.tentative_text,
        is_final=result.is_final,
        start=_seconds(result.start_offset),
        end=_seconds(result.end_offset),
        told=_told(result.latency) if result.HasField("latency") else None,
    )


def _told(latency: pb.LatencyBreakdown) -> Told:
    return Told(
        queue=_seconds(latency.queue),
        total=_seconds(latency.total),
        endpointing=_seconds(latency.endpointing),
        batch_size=latency.batch_size,
    )


def _config(language: str) -> pb.StreamingConfig:
    interval = Duration(nanos=round(INTERIM_INTERVAL * 1e9))
    return pb.StreamingConfig(
        recognition=pb.RecognitionConfig(
            audio_format=pb.AudioFormat(
                encoding=pb.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=SAMPLE_RATE
            ),
            language_codes=[language],
        ),
        interim_results=True,
        min_interim_interval=interval,
        latency_breakdown=True,
    )


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos * 1e-9


def _samples(duration: Duration) -> int:
    return round(_seconds(duration) * SAMPLE_RATE)
