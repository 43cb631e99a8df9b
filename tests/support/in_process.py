"""The two sides of a stream runner, scripted, on the event loop: no socket, no process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import RecognitionConfig, StreamConfig
from sori_server.domain.errors import EngineError, EngineUnavailable, SoriError
from sori_server.domain.events import Event, NumberedEvent, Result
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import Hypothesis, RecognitionRequest, WindowKind
from sori_server.engine.fake import FakeBehaviour, FakeModel, FakeStreamAudio
from sori_server.engine.model import WindowTask
from sori_server.engine.port import EngineLoad, ModelInfo, StreamAudio
from sori_server.runtime.door import AudioBytes, ClientMessage, Door
from sori_server.runtime.runner import StreamRunner
from support.word_audio import Audio, linear16

SETTLED = 0.03
"""Seconds between two looks at whether there is news."""
QUIET_LOOKS = 5
"""Looks without news after which what could go on has gone on."""

Step = ClientMessage | SoriError | asyncio.Event | None
"""A message; an error of `receive`; an event to wait for; None for a half-close."""
Verdict = Callable[[RecognitionRequest], EngineError | Exception | None]


def stream_config(**settings: object) -> StreamConfig:
    """A config for what `word_audio.linear16` makes."""
    raw = RecognitionConfig(AudioFormat(AudioEncoding.LINEAR16))
    return StreamConfig(recognition=raw, **settings)  # type: ignore[arg-type]


def chunks(audio: Audio, frames: int = 1) -> list[AudioBytes]:
    """The audio as messages of this many 100 ms frames."""
    data, size = linear16(audio), frames * 3_200
    return [AudioBytes(data[start : start + size]) for start in range(0, len(data), size)]


class ScriptedDoor:
    """Implements `Door`: gives the steps one by one, then is silent; keeps what it is sent.

    `send` waits for `accepting`, which ends when `accepts` steps were given; `taken`
    counts them.
    """

    def __init__(self, *steps: Step, accepts: int | None = None) -> None:
        self._steps = steps
        self._accepts = accepts
        self.taken = 0
        self.numbered: list[NumberedEvent] = []
        self.accepting = asyncio.Event()
        self.accepting.set()

    async def receive(self) -> ClientMessage | None:
        while self.taken < len(self._steps):
            step = self._steps[self.taken]
            self.taken += 1
            if self.taken == self._accepts:
                self.accepting.clear()
            if isinstance(step, SoriError):
                raise step
            if not isinstance(step, asyncio.Event):
                return step
            await step.wait()
        await asyncio.Event().wait()
        raise AssertionError("silence does not end")

    async def send(self, event: NumberedEvent) -> None:
        await self.accepting.wait()
        self.numbered.append(event)

    @property
    def events(self) -> list[Event]:
        return [numbered.event for numbered in self.numbered]

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    @property
    def finals(self) -> list[Result]:
        return [event for event in self.events if isinstance(event, Result) and event.is_final]

    @property
    def texts(self) -> list[str]:
        return [final.text for final in self.finals]


class ScriptedEngine:
    """Implements `EnginePort` on the event loop: reads word-bearing audio when `gate` is open.

    `verdict` says how a request fails, if it does. Requests are kept in the lists of what
    became of them.
    """

    def __init__(self, verdict: Verdict = lambda _: None) -> None:
        self._verdict = verdict
        self._model = FakeModel(FakeBehaviour())
        self.gate = asyncio.Event()
        self.gate.set()
        self.ready = True
        self.busy = EngineLoad()
        self.failure: EngineUnavailable | None = None
        self.start_error: BaseException | None = None
        self.calls: list[str] = []
        self.asked: list[RecognitionRequest] = []
        self.answered: list[RecognitionRequest] = []
        self.withdrawn: list[RecognitionRequest] = []
        self.streams: list[FakeStreamAudio] = []

    @property
    def model(self) -> ModelInfo:
        return self._model.info

    @property
    def load(self) -> EngineLoad:
        return self.busy

    async def wait_failed(self) -> None:
        await asyncio.Event().wait()

    async def start(self) -> None:
        self.calls.append("start")
        if self.start_error is not None:
            raise self.start_error

    async def close(self) -> None:
        self.calls.append("close")

    def open_stream(self) -> StreamAudio:
        self.streams.append(FakeStreamAudio())
        return self.streams[-1]

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        self.asked.append(request)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.withdrawn.append(request)
            raise
        error = self._verdict(request)
        if error is not None:
            raise error
        self.answered.append(request)
        span = request.bind(audio.received)
        task = WindowTask(audio.window(span.start, span.end), span, (), request.options)
        (outcome,) = self._model.recognize_batch([task])
        assert isinstance(outcome, Hypothesis)
        return outcome

    def of_kind(self, kind: WindowKind) -> list[RecognitionRequest]:
        """The requests of a kind."""
        return [request for request in self.asked if request.kind is kind]


async def settle(door: ScriptedDoor) -> None:
    """Let go on whatever can, until nothing is taken or told any more for a while.

    Audio is heard in a thread: a busy machine may leave it waiting for longer than one look.
    """
    quiet = 0
    for _ in range(100):
        before = (door.taken, len(door.numbered))
        await asyncio.sleep(SETTLED)
        quiet = quiet + 1 if before == (door.taken, len(door.numbered)) else 0
        if quiet == QUIET_LOOKS:
            return


async def ran(
    door: Door,
    engine: ScriptedEngine,
    config: StreamConfig | None = None,
    limits: Limits | None = None,
) -> SoriError | None:
    """Run a stream to its end, which leaves no task behind; the error it ended with."""
    before = asyncio.all_tasks()
    runner = StreamRunner(config or stream_config(), engine, limits or Limits())
    try:
        async with asyncio.timeout(20):
            await runner.run(door)
    except SoriError as error:
        return error
    finally:
        assert asyncio.all_tasks() == before
    return None
