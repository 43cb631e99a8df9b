"""Live passes over tracks through the gateway of this process: the server without sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing

from sori_server.domain.audio import seconds
from sori_server.domain.errors import EngineUnavailable
from sori_server.domain.events import NumberedEvent, Result, SpeechEnded, WindowLost
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Hypothesis, RecognitionRequest
from sori_server.engine.port import EngineLoad, EnginePort, ModelInfo, StreamAudio
from sori_server.evaluation.feeds import Clock, Feed, LockStep, Paced, pieces
from sori_server.evaluation.heard import Display, Heard, HeardWord
from sori_server.evaluation.plan import Pace, Plan
from sori_server.evaluation.references import Track
from sori_server.runtime.door import AudioBytes, ClientMessage, EndOfAudio, FinalizeUtterance
from sori_server.runtime.gateway import Gateway


async def listen(engine: EnginePort, limits: Limits, plan: Plan, track: Track, pace: Pace) -> Heard:
    """Stream one track to the session core and `engine`; what came back.

    Raises:
        SoriError: the stream did not end well.
    """
    counted = CountedEngine(engine)
    heard = Heard(model=engine.model.name)
    clock: Paced | LockStep = Paced() if pace is Pace.PACED else LockStep()
    with Gateway(counted, limits).stream(plan.config_for(track)) as runner:
        feed = clock.feed(pieces(track, plan.finalized_at(track)), runner.settled)
        async with aclosing(feed):
            await runner.run(ListeningDoor(feed, clock, heard))
    heard.latest = clock.latest
    heard.model_calls = counted.calls
    return heard


class ListeningDoor:
    """A client that sends a feed and notes what it is told, and when."""

    def __init__(self, feed: Feed, clock: Clock, heard: Heard) -> None:
        self._feed = feed
        self._clock = clock
        self._heard = heard

    async def receive(self) -> ClientMessage:
        """The next piece or `Finalize`, then the end of audio."""
        async for part in self._feed:
            return FinalizeUtterance("") if part is None else AudioBytes(part)
        return EndOfAudio()

    async def send(self, event: NumberedEvent) -> None:
        """Note results, ends of speech, and losses."""
        match event.event:
            case Result() as result:
                self._heard.displays.append(display(result, self._clock.now()))
            case SpeechEnded(position=position):
                self._heard.speech_ends.append(seconds(position))
            case WindowLost(reason=reason):
                self._heard.warnings.append(reason)


def display(result: Result, at: float) -> Display:
    """A result that came at `at`."""
    latency = result.latency
    return Display(
        at=at,
        utterance=result.utterance_index,
        committed=result.committed_text,
        tentative=result.tentative_text,
        is_final=result.is_final,
        start=seconds(result.span.start),
        end=seconds(result.span.end),
        language=result.language,
        words=tuple(_words(result)) if result.is_final else (),
        endpointing=latency.endpointing if latency else 0.0,
    )


def _words(result: Result) -> Iterator[HeardWord]:
    for word in result.words:
        yield HeardWord(word.text, seconds(word.start), seconds(word.end))


class CountedEngine:
    """An engine that counts the windows it is asked to recognize; else as it is."""

    def __init__(self, engine: EnginePort) -> None:
        self._engine = engine
        self.calls = 0

    @property
    def model(self) -> ModelInfo:
        """The model served."""
        return self._engine.model

    @property
    def ready(self) -> bool:
        """Whether it can recognize now."""
        return self._engine.ready

    @property
    def failure(self) -> EngineUnavailable | None:
        """Why it gave up."""
        return self._engine.failure

    @property
    def load(self) -> EngineLoad:
        """How busy it is."""
        return self._engine.load

    async def wait_failed(self) -> None:
        """Return when it gave up."""
        await self._engine.wait_failed()

    async def start(self) -> None:
        """Load and warm the model."""
        await self._engine.start()

    async def close(self) -> None:
        """Stop workers."""
        await self._engine.close()

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream."""
        return self._engine.open_stream()

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        """Count and recognize one window."""
        self.calls += 1
        return await self._engine.recognize(request, audio)
