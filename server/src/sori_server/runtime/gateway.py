"""Admits streams, counts them, and drains them before the server leaves."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final, Self

from sori_server.domain.config import Priority, RecognitionConfig, StreamConfig
from sori_server.domain.errors import (
    CapacityExhausted,
    EngineUnavailable,
    InvalidConfig,
    ModelLoading,
    ResumeTokenInvalid,
    ServerDraining,
    SessionTooLong,
)
from sori_server.domain.language import tag_for
from sori_server.domain.limits import Limits
from sori_server.domain.presets import NO_PRESET, Preset
from sori_server.engine.port import EnginePort, ModelInfo
from sori_server.runtime.admission import Admission, Reading
from sori_server.runtime.ears import Ears
from sori_server.runtime.origin import Origin
from sori_server.runtime.registry import SessionRegistry
from sori_server.runtime.resumable import Connection, ResumableStream
from sori_server.runtime.resume_tokens import ResumeTokens, new_secret
from sori_server.runtime.runner import StreamRunner
from sori_server.runtime.validation import check_recognition, check_stream

READING_INTERVAL: Final = 5.0
"""Seconds between two readings of the load while streams are open."""

_log = logging.getLogger(__name__)


class Gateway:
    """What every door opens into: one engine, its streams, and their limits.

    An async context for the sessions that outlive their connections; without any it need not
    be entered.
    """

    def __init__(
        self,
        engine: EnginePort,
        limits: Limits,
        preset: Preset = NO_PRESET,
        resume_secret: bytes = b"",
    ) -> None:
        """Servers with the same `resume_secret` go on with each other's sessions."""
        self._engine = engine
        self._tokens = ResumeTokens(resume_secret or new_secret(), time.time)
        self.sessions = SessionRegistry(limits)
        self._limits = limits
        self._preset = preset
        self._admission = Admission(limits)
        self._watching = False
        self._ears = Ears()
        self._runners: set[StreamRunner] = set()
        self._recordings = 0
        self._receiving = 0
        self._audio = 0.0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        await self.sessions.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.sessions.__aexit__(*exc_info)
        self._ears.close()

    @property
    def limits(self) -> Limits:
        """The bounds of this server."""
        return self._limits

    @property
    def preset(self) -> Preset:
        """What settings that a client leaves unset stand for."""
        return self._preset

    @property
    def model(self) -> ModelInfo:
        """The model served.

        Raises:
            ModelLoading: it is not known yet.
        """
        try:
            return self._engine.model
        except ModelLoading as error:
            raise ModelLoading(str(error), retry_after=self._limits.retry_delay) from None

    @property
    def ready(self) -> bool:
        """Whether a new stream would be served now, if there is room."""
        return self._engine.ready and not self._draining

    @property
    def draining(self) -> bool:
        """Whether the server is leaving."""
        return self._draining

    @property
    def failure(self) -> EngineUnavailable | None:
        """Why no stream will ever be served again; None while one may be."""
        return self._engine.failure

    async def wait_failed(self) -> None:
        """Return when there is a `failure`."""
        await self._engine.wait_failed()

    @property
    def active_streams(self) -> int:
        """Streams open now, recordings included."""
        return len(self._runners)

    @property
    def live_streams(self) -> int:
        """Streams open now of which `Limits.max_streams` may be."""
        return len(self._runners) - self._batch_runners

    @property
    def batch_streams(self) -> int:
        """Streams open now, and recordings on their way, of which `max_batch_streams` may be."""
        return self._receiving + self._batch_runners

    @property
    def _batch_runners(self) -> int:
        return sum(runner.config.priority is Priority.BATCH for runner in self._runners)

    @contextmanager
    def stream(self, config: StreamConfig) -> Iterator[StreamRunner]:
        """A runner for a new stream, counted until the context ends.

        Raises:
            InvalidConfig, ModelNotFound: the settings cannot be met.
            ServerDraining, EngineUnavailable, ModelLoading, CapacityExhausted: not now.
        """
        self._admit(config.priority)
        check_stream(config, self._engine.model, self._limits)
        effective = self._effective(config)
        with self._count(StreamRunner(effective, self._engine, self._limits, self._ears)) as runner:
            yield runner

    def resumable(
        self, config: StreamConfig, authorization: str = ""
    ) -> tuple[ResumableStream, Connection]:
        """A session that can be resumed, new or resumed, and this connection of it.

        It is for `sessions` to serve it; only who has this `authorization` can resume it.

        Raises:
            InvalidConfig, ModelNotFound: the settings cannot be met.
            ResumeTokenInvalid: there is no such session for this client.
            ServerDraining, EngineUnavailable, ModelLoading, CapacityExhausted: not now.
        """
        if not config.resume.token:
            return self._begin(config, Origin(), authorization)
        ticket = self._tokens.read(config.resume.token, authorization)
        stream = self.sessions.find(ticket)
        if stream is None:
            if self._tokens.expired(ticket):
                raise ResumeTokenInvalid
            origin = Origin.told_by(ticket, config.resume.last_sequence)
            return self._begin(config, origin, authorization)
        connection = stream.attach(config.resume.last_sequence, resumed=True)
        stream.turns.begin(ticket.turn)
        self.sessions.attached(stream)
        return stream, connection

    def _begin(
        self, config: StreamConfig, origin: Origin, authorization: str
    ) -> tuple[ResumableStream, Connection]:
        self._admit(config.priority)
        check_stream(config, self._engine.model, self._limits)
        effective = self._effective(config)
        _check_channels(origin, config)
        # Deadlines for clients are those of their connections: the session waits for the next.
        patient = replace(self._limits, idle_timeout=math.inf, write_timeout=math.inf)
        with ExitStack() as counted:
            runner = StreamRunner(effective, self._engine, patient, self._ears, origin)
            counted.enter_context(self._count(runner))
            stream = ResumableStream(runner, self._limits, origin, self._tokens, authorization)
            resumed = origin.spent is not None
            connection = stream.attach(origin.last_sequence, resumed=resumed)
            self.sessions.start(stream, counted.pop_all())
        return stream, connection

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Room to receive one recording and for its `recording`, taken before its first byte.

        Raises:
            ServerDraining, EngineUnavailable, ModelLoading, CapacityExhausted: not now.
        """
        self._admit(Priority.BATCH)
        most = self._limits.max_recordings
        if self._recordings >= most:
            raise CapacityExhausted(
                f"{most} recordings are being recognized",
                metadata={"max_recordings": str(most)},
                retry_after=self._limits.retry_delay,
            )
        self._recordings += 1
        self._receiving += 1
        try:
            yield
        finally:
            self._recordings -= 1
            self._receiving -= 1

    @contextmanager
    def recording(self, config: RecognitionConfig) -> Iterator[StreamRunner]:
        """A runner for one complete recording, counted until the context ends; a batch stream.

        It takes the room that its `receiving`, which goes on meanwhile, has kept for it.

        Raises:
            InvalidConfig, ModelNotFound: the settings cannot be met.
            ServerDraining, EngineUnavailable, ModelLoading: not any more.
            SessionTooLong: the recording turned out to be longer than allowed.
        """
        self._check_serving()
        check_recognition(config, self._engine.model, self._limits, "config")
        longest = self._limits.max_recording_duration
        limits = replace(self._limits, max_session_duration=longest)
        effective = self._effective(StreamConfig(recognition=config, priority=Priority.BATCH))
        self._receiving -= 1
        try:
            with self._count(StreamRunner(effective, self._engine, limits, self._ears)) as runner:
                yield runner
        except SessionTooLong:
            raise SessionTooLong(
                f"a recording may have {longest:g} s of audio",
                metadata={"max_recording_duration": f"{longest:g}"},
            ) from None
        finally:
            self._receiving += 1

    async def drain(self) -> None:
        """Refuse new streams, let open ones end for a while, then force their finals out."""
        self._draining = True
        self._tell_all(lambda runner: runner.go_away(self._limits.drain_grace))
        if await self._idle_within(self._limits.drain_grace):
            return
        self._tell_all(StreamRunner.flush)
        await self._idle_within(self._limits.flush_timeout)

    def _tell_all(self, tell: Callable[[StreamRunner], None]) -> None:
        """Tell each open stream; one that fails keeps no other from its last words."""
        for runner in list(self._runners):
            try:
                tell(runner)
            except Exception as error:
                _log.error("a stream was not told of the drain: %s", type(error).__name__)

    async def _idle_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _effective(self, config: StreamConfig) -> StreamConfig:
        """`config` with what only the model knows filled in, and no language twice."""
        model, endpointing = self._engine.model, config.endpointing
        recognition = config.recognition
        tags = {code: tag_for(code, recognition) for code in recognition.languages}
        follows = recognition.condition_on_previous_text
        recognition = replace(
            recognition,
            languages=tuple(tags),
            language_tags=tuple(tags.values()),
            condition_on_previous_text=model.condition_on_previous_text
            if follows is None
            else follows,
        )
        if endpointing.max_utterance is None:
            endpointing = replace(endpointing, max_utterance=model.max_utterance)
        confidence = config.commit_confidence
        if confidence is None:
            confidence = model.commit_confidence
        return replace(
            config,
            recognition=recognition,
            endpointing=endpointing,
            commit_confidence=confidence,
        )

    @contextmanager
    def _count(self, runner: StreamRunner) -> Iterator[StreamRunner]:
        self._runners.add(runner)
        self._idle.clear()
        if not self._watching:
            self._watch()
        try:
            yield runner
        finally:
            self._admission.observe(self._reading())
            self._runners.discard(runner)
            self._audio += runner.received_audio
            if not self._runners:
                self._idle.set()

    def _watch(self) -> None:
        """Read the load every `READING_INTERVAL` while streams are open."""
        self._admission.observe(self._reading())
        self._watching = bool(self._runners)
        if self._watching:
            asyncio.get_running_loop().call_later(READING_INTERVAL, self._watch)

    def _reading(self) -> Reading:
        return Reading(
            now=asyncio.get_running_loop().time(),
            streams=self.live_streams,
            engine=self._engine.load,
            loop_busy=time.thread_time(),
            gateway_busy=time.process_time(),
            audio=self._audio + sum(runner.received_audio for runner in self._runners),
        )

    def _admit(self, priority: Priority) -> None:
        self._check_serving()
        if priority is Priority.LIVE:
            self._admission.check(self._reading())
        else:
            self._check_batch_room()

    def _check_serving(self) -> None:
        wait = self._limits.retry_delay
        if self._draining:
            raise ServerDraining("the server is shutting down", retry_after=wait)
        if self._engine.failure is not None:
            raise EngineUnavailable(str(self._engine.failure), retry_after=wait)
        if not self._engine.ready:
            raise ModelLoading("the model is being loaded", retry_after=wait)

    def _check_batch_room(self) -> None:
        """Batch streams wait for live ones, so how busy those are does not keep them out."""
        most = self._limits.max_batch_streams
        if self.batch_streams >= most:
            raise CapacityExhausted(
                f"all {most} batch streams are taken",
                metadata={
                    "batch_streams": str(self.batch_streams),
                    "max_batch_streams": str(most),
                },
                retry_after=self._limits.retry_delay,
            )


def _check_channels(origin: Origin, config: StreamConfig) -> None:
    """A session goes on with as many channels as it had."""
    if origin.checkpoint is None:
        return
    had, wanted = len(origin.checkpoint.channels), config.recognition.channels_apart
    if had != wanted:
        raise InvalidConfig("config.recognition", f"{wanted} channels apart; the session had {had}")
