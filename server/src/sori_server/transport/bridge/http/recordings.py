"""A file as a stream whose text nobody waits for, and what becomes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sori.v1 import speech_pb2 as pb

from sori_server.domain.audio import seconds
from sori_server.domain.errors import ClientError, RecognitionFailed
from sori_server.domain.events import Result
from sori_server.transport.bridge.context import BridgeContext
from sori_server.transport.bridge.errors import renamed
from sori_server.transport.bridge.http.uploads import PIECE, Form
from sori_server.transport.contract import results
from sori_server.transport.contract.durations import duration

PROGRESS_INTERVAL: Final = 5.0
"""Seconds of audio between two reports of progress."""

Listener = Callable[[pb.StreamingRecognizeResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants to be done with its file."""

    languages: tuple[str, ...] = ()
    task: pb.Task = pb.TASK_TRANSCRIBE
    preset: str = ""
    model: str = ""
    word_times: bool = False
    prompt: str = ""
    hotwords: tuple[str, ...] = ()

    def config(self) -> pb.StreamingConfig:
        """The stream that does it."""
        recognition = pb.RecognitionConfig(
            audio_format=pb.AudioFormat(encoding=pb.AUDIO_ENCODING_CONTAINER),
            model=self.model,
            language_codes=self.languages,
            task=self.task,
            features=pb.RecognitionFeatures(word_time_offsets=self.word_times),
            adaptation=pb.Adaptation(initial_prompt=self.prompt, hotwords=self.hotwords),
        )
        return pb.StreamingConfig(
            recognition=recognition,
            preset=self.preset,
            priority=pb.PRIORITY_BATCH,
            progress_interval=duration(PROGRESS_INTERVAL),
        )


@dataclass(slots=True)
class Transcript:
    """The final results of a file, what went wrong on the way, and totals."""

    results: list[Result] = field(default_factory=list)
    warnings: list[pb.Warning] = field(default_factory=list)
    summary: pb.SessionSummary = field(default_factory=pb.SessionSummary)

    @property
    def text(self) -> str:
        """All of the text, utterances separated by spaces."""
        return " ".join(text for result in self.results if (text := result.text.strip()))

    @property
    def language(self) -> str:
        """The tag of the language that most of the speech is in; empty without speech."""
        spoken: Counter[str] = Counter()
        for result in self.results:
            spoken[result.language] += len(result.span)
        return spoken.most_common(1)[0][0] if spoken else ""

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return seconds(results.position(self.summary.received_audio))

    def take(self, response: pb.StreamingRecognizeResponse) -> None:
        """Keep what `response` tells for good."""
        match response.WhichOneof("response"):
            case "result" if response.result.is_final:
                self.results.append(results.result(response.result))
            case "warning":
                self.warnings.append(results.warning(response))
            case "session_summary":
                self.summary = response.session_summary
            case _:
                pass

    def check_complete(self) -> None:
        """Ask at the end whether the text is that of the whole file.

        Raises:
            RecognitionFailed: a stretch of it could not be recognized.
        """
        for warning in self.warnings:
            if warning.reason == pb.WARNING_REASON_RECOGNITION_FAILED:
                raise RecognitionFailed(warning.message, metadata=dict(warning.metadata))


class _FileLink:
    """A `MessageLink` that sends a file and keeps what it is told."""

    def __init__(
        self, form: Form, config: pb.StreamingConfig, piece: int, listener: Listener | None
    ) -> None:
        self.transcript = Transcript()
        self._listener = listener
        self._messages = _messages(form, config, piece)

    async def read(self) -> pb.StreamingRecognizeRequest | None:
        """The config, the file in pieces, the end of audio; then nothing."""
        return await anext(self._messages, None)

    async def write(self, response: pb.StreamingRecognizeResponse) -> None:
        """Keep it, and tell whoever listens."""
        self.transcript.take(response)
        if self._listener is not None:
            await self._listener(response)


async def _messages(
    form: Form, config: pb.StreamingConfig, piece_bytes: int
) -> AsyncIterator[pb.StreamingRecognizeRequest]:
    yield pb.StreamingRecognizeRequest(config=config)
    while piece := await form.read(piece_bytes):
        yield pb.StreamingRecognizeRequest(audio=pb.AudioChunk(data=piece))
    yield pb.StreamingRecognizeRequest(end_of_audio=pb.EndOfAudio(total_bytes=form.size))


async def recognize(
    context: BridgeContext,
    form: Form,
    wanted: Wanted,
    names: Mapping[str, str],
    listener: Listener | None = None,
) -> Transcript:
    """The text of a file; `listener` is told each response as it comes.

    `names` are the form's fields by the path in the contract that each became.

    Raises:
        SoriError: why there is no text; errors of the client name the field of the form.
    """
    piece = min(PIECE, context.limits.max_chunk_bytes)
    link = _FileLink(form, wanted.config(), piece, listener)
    try:
        await context.backend.stream(link)
    except ClientError as error:
        raise renamed(error, names) from error
    return link.transcript
