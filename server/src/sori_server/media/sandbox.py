"""Containers from strangers, decoded in a process that can do nothing else."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from typing import Final

import numpy as np

from sori_server.domain.audio import seconds
from sori_server.domain.errors import CapacityExhausted, InvalidAudio
from sori_server.domain.events import AudioProblem
from sori_server.domain.limits import Limits
from sori_server.media.channels import check_channels
from sori_server.media.pcm import AUDIO_FIELD, make_sound
from sori_server.media.resampling import FloatArray
from sori_server.media.sandbox_process import DecoderProcess
from sori_server.media.sandbox_wire import MAX_RUN, Kind, Order

_CPU_SHARE: Final = 0.1
"""Seconds of processor time a second of audio may take; it takes 0.002 or so."""

_running: Final[set[SandboxedDecoder]] = set()
"""Decoders of this server that have a process."""


class SandboxedDecoder:
    """Decodes one container; how the bytes are split makes no difference to the samples.

    The process starts with the first bytes. It gives samples only as they are taken, and no
    bytes are sent to it before it asks for them: whatever a container expands to, memory
    stays bounded. More audio than `Limits.min_bytes_per_second` allows for is refused.
    """

    def __init__(self, demuxer: str, apart: int, limits: Limits) -> None:
        cpu = limits.decoder_timeout + _CPU_SHARE * limits.max_session_duration
        memory, seekable = limits.decoder_memory_bytes, limits.max_seekable_bytes
        self._order = Order(demuxer, apart, memory, math.ceil(cpu), seekable)
        self._limits = limits
        self._process: DecoderProcess | None = None
        self._ready = False
        self._wanted = False
        self._ended = False
        self._bytes = 0
        self._samples = 0
        self._problems: set[AudioProblem] = set()

    @property
    def problems(self) -> frozenset[AudioProblem]:
        """What was wrong with the audio so far."""
        return frozenset(self._problems)

    @property
    def pid(self) -> int | None:
        """Id of the process, if there is one."""
        return None if self._process is None else self._process.pid

    async def feed(self, data: bytes) -> AsyncGenerator[FloatArray, None]:
        """Samples completed by these bytes; may be none.

        Raises:
            InvalidAudio: the bytes are not audio, or a bomb.
            CapacityExhausted: no process can be had now.
        """
        if data and self._process is None and not self._ended:
            await self._start()
        for start in range(0, len(data), MAX_RUN):
            while (block := await self._next_block()) is not None:
                yield block
            await self._send(data[start : start + MAX_RUN])
        while (block := await self._next_block()) is not None:
            yield block

    async def close(self) -> AsyncGenerator[FloatArray, None]:
        """The samples still held back. Nothing may be fed afterwards.

        Raises:
            InvalidAudio: the bytes are not audio.
        """
        while (block := await self._next_block()) is not None:
            yield block
        await self._send(b"")
        while (block := await self._next_block()) is not None:
            yield block

    def check_complete(self) -> None:
        """Nothing to say: a container that ends early is `DAMAGED`, or refused by `close`."""

    async def aclose(self) -> None:
        """End the process. Whoever fed the decoder calls this at last."""
        process, self._process, self._ended = self._process, None, True
        try:
            if process is not None:
                await process.end()
        finally:
            _running.discard(self)

    async def _start(self) -> None:
        most = self._limits.max_decoders
        if len(_running) >= most:
            raise self._no_capacity(f"{most} containers are being decoded")
        _running.add(self)
        try:
            self._process = await DecoderProcess.start(self._order)
        except OSError:
            raise self._no_capacity("no decoder can be started") from None

    async def _send(self, run: bytes) -> None:
        """Send what the process asked for; an empty run is the end."""
        if self._process is not None and self._wanted:
            self._wanted = False
            self._bytes += len(run)
            await self._process.send(run)

    async def _next_block(self) -> FloatArray | None:
        """The next samples; None when the process wants more bytes or has ended."""
        while self._process is not None and not (self._wanted or self._ended):
            kind, payload = await self._receive(self._process)
            match kind:
                case Kind.MORE:
                    self._wanted = True
                case Kind.AUDIO:
                    return self._checked(payload)
                case Kind.DAMAGED:
                    self._problems.add(AudioProblem.DAMAGED)
                case Kind.DONE:
                    self._ended = True
                case Kind.REFUSED | Kind.OTHER_CHANNELS:
                    self._refuse(kind, payload.decode(errors="replace"))
        return None

    async def _receive(self, process: DecoderProcess) -> tuple[Kind, bytes]:
        limits = self._limits
        timeout = limits.decoder_timeout if self._ready else limits.decoder_start_timeout
        try:
            async with asyncio.timeout(timeout):
                answer = await process.receive()
        except (TimeoutError, EOFError, ValueError):
            self._give_up()
            if not self._ready:
                raise self._no_capacity("a decoder did not start") from None
            raise InvalidAudio(
                AUDIO_FIELD, "the audio cannot be decoded within the bounds of time and memory"
            ) from None
        self._ready = True
        return answer

    def _checked(self, payload: bytes) -> FloatArray:
        """The samples of an answer, if there may be so many."""
        samples = np.frombuffer(payload, np.float32).copy()
        make_sound(samples)
        block = samples.reshape(self._order.apart or 1, -1)
        self._samples += block.shape[1]
        self._check_length()
        return block

    def _check_length(self) -> None:
        least = self._limits.min_bytes_per_second
        allowed = self._limits.decoder_leeway + self._bytes / least
        if seconds(self._samples) > allowed:
            self._give_up()
            raise InvalidAudio(
                AUDIO_FIELD,
                f"{self._bytes} bytes hold more than {allowed:.0f} s of audio: a container has"
                f" {least:g} bytes per second or more",
                min_bytes_per_second=f"{least:g}",
            )

    def _refuse(self, kind: Kind, message: str) -> None:
        self._give_up()
        if kind is Kind.OTHER_CHANNELS and message.isdecimal():
            check_channels(int(message), self._order.apart)
        raise InvalidAudio(AUDIO_FIELD, message)

    def _give_up(self) -> None:
        self._ended = True
        if self._process is not None:
            self._process.kill()

    def _no_capacity(self, message: str) -> CapacityExhausted:
        return CapacityExhausted(
            message,
            metadata={"max_decoders": str(self._limits.max_decoders)},
            retry_after=self._limits.retry_delay,
        )
