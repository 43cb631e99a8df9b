"""Drives one session: a reader, a writer and a task for each window under recognition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sori_server.domain.audio import samples, seconds
from sori_server.domain.checkpoint import Checkpoint
from sori_server.domain.config import StreamConfig
from sori_server.domain.errors import (
    CapacityExhausted,
    ClientError,
    EngineError,
    EngineUnavailable,
    IdleTimeout,
    ServerDraining,
    SessionTooLong,
    SlowReader,
    SoriError,
)
from sori_server.domain.events import FinalReason, NumberedEvent, Pacing, SessionSummary
from sori_server.domain.limits import Limits
from sori_server.domain.recognition import RecognitionRequest
from sori_server.engine.port import EnginePort
from sori_server.runtime.door import (
    AudioBytes,
    ClientMessage,
    Door,
    EndOfAudio,
    FinalizeUtterance,
)
from sori_server.runtime.ears import Ears
from sori_server.runtime.ingest import Ingest, Judged
from sori_server.runtime.origin import Origin
from sori_server.runtime.overload import Overload
from sori_server.runtime.resume_point import ResumePoint, resume_point
from sori_server.session.core import Session
from sori_server.session.state import State


class StreamRunner:
    """One stream from its config to its last event.

    Whatever ends the stream early (bad input, idleness, a drain), the words received
    until then are recognized and sent before the error is raised. Only a lost or
    unreading client gets nothing more.
    """

    def __init__(
        self,
        config: StreamConfig,
        engine: EnginePort,
        limits: Limits,
        ears: Ears | None = None,
        origin: Origin | None = None,
    ) -> None:
        """Streams of one gateway share their `ears`. Without an `origin` the session is new."""
        self.config = config
        origin = origin or Origin()
        self.session_id = origin.session_id
        self._engine = engine
        self._limits = limits
        wanted = config.recognition
        count = wanted.channels_apart
        self.checkpoint = origin.checkpoint or Checkpoint.start(count)
        start = self.resume_point(self.checkpoint)
        self._audios = [engine.open_stream() for _ in range(count)]
        for audio in self._audios:
            audio.start_at(start.sample)
        self._ingest = Ingest(
            wanted.audio_format,
            wanted.channel_mode,
            self._audios,
            limits,
            ears or Ears(),
            config.priority,
        )
        self._ingest.start_at(start)
        frame = self._audios[0].vad_frame
        self._session = Session(config, frame, count, self.checkpoint, start.sample)
        self._session.begin(self.session_id)
        self._windows: dict[int, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._tasks: asyncio.TaskGroup
        self._sending = False
        self._stopped = False
        self._patience: asyncio.Timeout | None = None
        self._error: SoriError | None = None
        self._told_pacing = Pacing.OK
        self._overload = Overload(config, limits, engine)

    def resume_point(self, checkpoint: Checkpoint) -> ResumePoint:
        """Where a session like this one goes on from `checkpoint`."""
        return resume_point(checkpoint, self.config.recognition.audio_format)

    @property
    def received_audio(self) -> float:
        """Seconds of audio received on each channel."""
        return seconds(self._session.received)

    @property
    def received_bytes(self) -> int:
        """Bytes received, in the client's encoding."""
        return self._ingest.received_bytes

    @property
    def next_byte_offset(self) -> int:
        """Where the next audio message goes on, in bytes of everything the client sends."""
        return self._ingest.taken_bytes

    async def run(self, door: Door) -> None:
        """Serve the stream until everything was sent.

        Raises:
            SoriError: why the stream ended early; the words before it were sent.
        """
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._read(door))
                self._tasks.create_task(self._write(door))
        except* SlowReader as slow:
            self._error = SlowReader(str(slow.exceptions[0]))
        finally:
            await self._ingest.aclose()
        if self._error is not None:
            raise self._error

    @property
    def pacing(self) -> Pacing:
        """How fast the client may send."""
        if self._engine_behind() or self._client_behind():
            return Pacing.PAUSE
        behind = self._windows and self._behind > self._limits.max_buffered_audio / 2
        return Pacing.SLOW_DOWN if behind else Pacing.OK

    @property
    def credit(self) -> float:
        """Seconds of audio that are taken before no more is read for a while."""
        if self.pacing is Pacing.PAUSE:
            return 0.0
        return max(self._limits.max_buffered_audio - self._behind, 0.0)

    async def settled(self) -> None:
        """Return when every window asked for was answered and every event was sent."""
        while self._windows or self._sending or self._session.waiting_events:
            self._changed.clear()
            await self._changed.wait()

    def go_away(self, time_left: float) -> None:
        """Tell the client that the server leaves in `time_left` seconds."""
        if self._session.state is State.OPEN:
            self._session.go_away(time_left)
            self._changed.set()

    def report_progress(self) -> None:
        """Tell the client how far the session has come."""
        self._session.report_progress()
        self._changed.set()

    def flush(self) -> None:
        """End the stream for the client, if it has not: what was received becomes final."""
        if self._session.state is State.OPEN:
            wait = self._limits.retry_delay
            self._stop(ServerDraining("the server is shutting down", retry_after=wait))

    # ------------------------------------------------------------------ reader

    async def _read(self, door: Door) -> None:
        """Take the client's messages until the end of audio, until one is bad or until `_stop`."""
        end = EndOfAudio()
        try:
            end = await self._read_messages(door)
        except (ClientError, CapacityExhausted) as error:
            self._fail(error)
        if self.listening:
            await self._read_rest(end)
        self._warn()
        reason = FinalReason.SERVER if self._stopped else FinalReason.END_OF_AUDIO
        self._session.end_of_audio(reason, cut_short=self._stopped or self._error is not None)
        self._follow_up()

    async def _read_rest(self, end: EndOfAudio) -> None:
        """Take what the decoder still holds, and ask whether that was all."""
        try:
            await self._hear_all(self._ingest.close())
            if self._error is None and self.listening:
                self._ingest.check_complete(end)
        except (ClientError, CapacityExhausted) as error:
            self._fail(error)

    async def _read_messages(self, door: Door) -> EndOfAudio:
        """Take messages; how the audio ended."""
        await self._room()
        while self.listening and not self._stopped:
            message = await self._receive(door)
            if isinstance(message, EndOfAudio):
                return message
            if message is None:
                # A killed client looks like a half-close for a moment; its cancellation
                # arrives at the next wait.
                await asyncio.sleep(self._limits.half_close_grace)
                break
            await self._take(message)
            await self._room()
        return EndOfAudio()

    async def _receive(self, door: Door) -> ClientMessage | None:
        timeout = self._limits.idle_timeout
        try:
            async with asyncio.timeout(timeout) as self._patience:
                return await door.receive()
        except TimeoutError:
            if self._stopped:
                return None
            raise IdleTimeout(
                f"no message for {timeout:g} s", metadata={"idle_timeout": f"{timeout:g}"}
            ) from None
        finally:
            self._patience = None

    async def _take(self, message: ClientMessage) -> None:
        match message:
            case AudioBytes():
                await self._hear_all(self._ingest.accept(message))
            case FinalizeUtterance(request_id):
                self._session.finalize(request_id)
                self._follow_up()
            case _:
                pass

    @property
    def listening(self) -> bool:
        """Whether the session wants more audio: it may have ended by itself."""
        return self._session.state is State.OPEN

    async def _hear_all(self, judged: AsyncGenerator[Judged, None]) -> None:
        """Take audio as there is room for it, unless the session ends by itself before."""
        async with aclosing(judged):
            async for count, probabilities in judged:
                self._hear(count, probabilities)
                if not self.listening:
                    return
                await self._room()

    def _hear(self, count: int, probabilities: Sequence[Sequence[float]]) -> None:
        limit = self._limits.max_session_duration
        received = self._session.received
        allowed = min(count, samples(limit) - received)
        frame = self._audios[0].vad_frame
        judged = (received + allowed) // frame - received // frame
        self._session.receive_audio(allowed, [channel[:judged] for channel in probabilities])
        self._warn()
        thinned = self._overload.thinned(self._session.received)
        if thinned is not None:
            self._session.warn(thinned)
        self._follow_up()
        if allowed < count and self.listening:
            raise SessionTooLong(
                f"a stream may send {limit:g} s of audio",
                metadata={"max_session_duration": f"{limit:g}"},
            )

    def _warn(self) -> None:
        for warning in self._ingest.warnings():
            self._session.warn(warning)

    async def _room(self) -> None:
        """Wait while the engine or the client is too far behind to take more audio."""
        self._tell_pacing()
        while not self._stopped and (self._engine_behind() or self._client_behind()):
            self._changed.clear()
            await self._changed.wait()

    def _engine_behind(self) -> bool:
        """Whether windows in work have to end before more audio is taken.

        Without any, only more audio can end the utterance. A stream has its share of the
        windows that may wait, so that no stream's backlog costs another one its finals.
        """
        return len(self._windows) >= self._limits.windows_per_stream or (
            bool(self._windows) and self._behind >= self._limits.max_buffered_audio
        )

    @property
    def _behind(self) -> float:
        """Seconds of audio without final text."""
        return seconds(max(self._session.received - self._session.final_position, 0))

    def _tell_pacing(self) -> None:
        """Tell the client when it may send faster or should send more slowly."""
        pacing = self.pacing
        if pacing is not self._told_pacing:
            self._told_pacing = pacing
            self._session.report_progress()
            self._changed.set()

    def _client_behind(self) -> bool:
        return self._session.pending_events >= self._limits.max_pending_events

    def _stop(self, error: SoriError) -> None:
        """Read no more messages; the stream ends with `error` when its words are out."""
        self._fail(error)
        self._stopped = True
        self._changed.set()
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    def _fail(self, error: SoriError) -> None:
        """Remember the first error: it is raised when the stream's words are out."""
        if self._error is None:
            self._error = error

    # ------------------------------------------------------------ recognition

    def _follow_up(self) -> None:
        """Carry out what the session asks for after an input."""
        for request_id in self._session.withdrawn():
            self._windows.pop(request_id).cancel()
        for request in self._session.requests():
            task = self._tasks.create_task(self._recognize(request))
            self._windows[request.request_id] = task
        for audio, position in zip(self._audios, self._session.needed_from, strict=True):
            audio.discard(position)
        self._tell_pacing()
        self._changed.set()

    async def _recognize(self, request: RecognitionRequest) -> None:
        clock = asyncio.get_running_loop().time
        asked = clock()
        try:
            audio = self._audios[request.channel]
            with self._overload.watching(request, self._session.warn):
                hypothesis = await self._engine.recognize(request, audio)
        except EngineError as error:
            if isinstance(error, EngineUnavailable):
                wait = self._limits.retry_delay
                self._stop(EngineUnavailable(str(error), retry_after=wait))
            self._session.receive_failure(request.request_id, error.reason)
        else:
            self._session.receive_hypothesis(request.request_id, hypothesis, clock() - asked)
        self._windows.pop(request.request_id, None)
        self._follow_up()

    # ------------------------------------------------------------------ writer

    async def _write(self, door: Door) -> None:
        """Send events until the session has said everything."""
        while True:
            event = self._session.next_event()
            if event is not None:
                await self._send(door, event)
            elif self._session.state is State.CLOSED:
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    async def _send(self, door: Door, event: NumberedEvent) -> None:
        if self._error is not None and isinstance(event.event, SessionSummary):
            return
        timeout = self._limits.write_timeout
        self._sending = True
        try:
            async with asyncio.timeout(timeout):
                await door.send(event)
        except TimeoutError:
            raise SlowReader(f"a response was not accepted for {timeout:g} s") from None
        finally:
            self._sending = False
        self._changed.set()
