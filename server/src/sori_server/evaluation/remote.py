"""Live passes over tracks through a server elsewhere, as any client has them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from sori_client import AudioFormat, Client
from sori_client.config import Endpointing, EndpointingMode, StreamConfig
from sori_client.types import (
    Event,
    Result,
    ServerWarning,
    SessionStarted,
    SpeechEvent,
    SpeechEventType,
)

from sori_server.evaluation.feeds import Paced, pieces
from sori_server.evaluation.heard import Display, Heard, HeardWord
from sori_server.evaluation.plan import Plan
from sori_server.evaluation.references import Track


async def listen(plan: Plan, track: Track) -> Heard:
    """Stream one track to the server of the plan at the pace of speech; what came back.

    Raises:
        SoriClientError: the stream did not end well.
    """
    heard, clock = Heard(), Paced()
    async with Client(plan.address) as client:
        source = PacedSource(clock, track, plan.finalized_at(track))
        stream = client.stream(source, client_config(plan, track))
        source.finalize = stream.finalize
        async with stream as events:
            async for event in events:
                note(heard, event, clock.now())
    heard.latest = clock.latest
    return heard


def client_config(plan: Plan, track: Track) -> StreamConfig:
    """The settings of the plan for a track; what the plan does not say is left to the server."""
    recognition = plan.config_for(track).recognition
    mode = None if plan.mode is None else EndpointingMode(plan.mode.value)
    return StreamConfig(
        preset=plan.preset,
        languages=recognition.languages,
        language_switching=recognition.language_switching,
        word_times=True,
        interim_results=True,
        endpointing=Endpointing(mode=mode),
        voice_activity_events=True,
        latency_breakdown=True,
    )


class PacedSource:
    """A track as a source of the client; `finalize` is called between two pieces."""

    format = AudioFormat()

    def __init__(self, clock: Paced, track: Track, finalized_at: list[float]) -> None:
        self._clock = clock
        self._parts = pieces(track, finalized_at)
        self.finalize: Callable[[], Awaitable[None]]

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The audio on time."""
        async with aclosing(self._clock.feed(self._parts)) as feed:
            async for part in feed:
                if part is None:
                    await self.finalize()
                else:
                    yield part


def note(heard: Heard, event: Event, at: float) -> None:
    """Keep what an event says, `at` seconds after the first sample."""
    match event:
        case Result():
            heard.displays.append(_display(event, at))
        case SpeechEvent(type=SpeechEventType.SPEECH_ENDED, offset=offset):
            heard.speech_ends.append(offset)
        case ServerWarning(reason=reason):
            heard.warnings.append(reason)
        case SessionStarted(model=model):
            heard.model = model.name


def _display(result: Result, at: float) -> Display:
    words = (HeardWord(word.text, word.start, word.end) for word in result.words)
    return Display(
        at=at,
        utterance=result.utterance_index,
        committed=result.committed_text,
        tentative=result.tentative_text,
        is_final=result.is_final,
        start=result.start,
        end=result.end,
        language=result.language,
        words=tuple(words) if result.is_final else (),
        endpointing=result.latency.endpointing if result.latency else 0.0,
    )
