"""Recognition in a program's own process: no server, no socket."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from sori_client import (
    Endpointing,
    EndpointingMode,
    Event,
    Recognition,
    Result,
    ServerWarning,
    StreamConfig,
    Summary,
    Task,
)

from sori_server.app import resolve_model
from sori_server.domain.audio import SAMPLE_RATE
from sori_server.domain.errors import InvalidConfig, RecognitionFailed
from sori_server.domain.limits import Limits
from sori_server.embedding.blocks import BlockEncoder, BlockReader, file_blocks
from sori_server.embedding.service import LocalService
from sori_server.embedding.streams import EventStream, ReadStream, WrittenStream
from sori_server.settings import load_settings

UNBOUNDED: Final = 366 * 86_400.0
"""Seconds: nobody but the program itself is waiting."""

Samples = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int16] | NDArray[np.int32]
"""[samples] or [samples, channels]; full scale is 1.0, or the largest integer."""


class Recognizer:
    """A model in a worker process, and any number of streams that share it.

    Use it in `with`, or `close()` it; one that is not used any more closes by itself. Every
    method may be called from any thread. Streams beyond `max_streams` at a time are refused.

    Args:
        model: name or path; `auto` picks by preset, by device and by what can be had.
        language: BCP-47 tag, or several to choose among; None to detect.
        chunk_duration: seconds after which text becomes final, whoever speaks; None to wait
            for a pause.
        overlap_duration: words at the end of a chunk, in a stretch of as many seconds, are
            left to the next one.
        initial_prompt: text before the first word: names, the style; only biases the model.
        task: `transcribe`, or `translate` to English.
        preset: name of the settings that count where others are left open.
        interim_results: whether streams tell text before it is final.
        word_times: whether final results have words with times.
        device: `cpu`, `cuda`, `cuda:1` ...; `auto` takes a GPU if there is any.
        compute_type: number type of the weights; `auto` picks by device.
        cpu_threads: threads of one model call on a CPU; zero uses every core.
        max_streams: streams open at a time.

    Attributes:
        config: the settings of streams that are given none.

    Raises:
        ModelNotFound: the model cannot be had.
        InvalidConfig: an argument is out of its range.
        EngineUnavailable: the model cannot be loaded. So too when a script makes a recognizer
            outside of `if __name__ == "__main__":`, which its worker process would do again.
    """

    def __init__(  # noqa: PLR0913 - each is a setting with a name
        self,
        model: str | PathLike[str] = "auto",
        *,
        language: str | Sequence[str] | None = None,
        chunk_duration: float | None = None,
        overlap_duration: float | None = None,
        initial_prompt: str = "",
        task: str | Task = Task.TRANSCRIBE,
        preset: str = "",
        interim_results: bool = False,
        word_times: bool = False,
        device: str = "auto",
        compute_type: str = "auto",
        cpu_threads: int = 0,
        max_streams: int = Limits().max_streams,
    ) -> None:
        self.config = StreamConfig(
            languages=_languages(language),
            initial_prompt=initial_prompt,
            task=_task(task),
            endpointing=_chunks(chunk_duration, overlap_duration),
            interim_results=interim_results,
            word_times=word_times,
        )
        flags = {
            "model": str(model),
            "preset": preset or None,
            "device": device,
            "compute_type": compute_type,
            "cpu_threads": cpu_threads,
            "limits.max_streams": max_streams,
        }
        settings = load_settings(flags, environ={})
        limits = replace(
            settings.limits,
            idle_timeout=UNBOUNDED,
            write_timeout=UNBOUNDED,
            max_session_duration=UNBOUNDED,
            max_final_delay=math.inf,
            max_gateway_load=math.inf,
        )
        self._service = LocalService(replace(settings, limits=limits), resolve_model(settings))
        self._forgotten = weakref.finalize(self, _close_elsewhere, self._service)
        self._forgotten.atexit = False  # the worker process ends with this one anyway

    def stream(
        self,
        blocks: Iterable[Samples],
        *,
        sample_rate: float,
        config: StreamConfig | None = None,
    ) -> EventStream:
        """The events of audio that is read while they are taken, for `for`.

        `blocks` is read on another thread, so it may block: a microphone's generator, a
        queue. The first block says how many channels there are. `config` replaces
        `self.config` for this stream.

        Raises:
            InvalidConfig: there is no such rate.
            RequestCancelled: the recognizer was closed.
        """
        reader = BlockReader(blocks, sample_rate)
        return ReadStream(self, self._service, config or self.config, reader)

    def open(
        self, *, sample_rate: float, channels: int = 1, config: StreamConfig | None = None
    ) -> WrittenStream:
        """A stream to write blocks to. `config` replaces `self.config` for this stream.

        Raises:
            InvalidConfig, InvalidAudio: there is no such rate or number of channels.
            RequestCancelled: the recognizer was closed.
        """
        encoder = BlockEncoder(sample_rate, channels)
        return WrittenStream(self, self._service, config or self.config, encoder)

    def transcribe(
        self,
        recording: Samples | str | PathLike[str],
        *,
        sample_rate: float | None = None,
        config: StreamConfig | None = None,
    ) -> Recognition:
        """The text of a whole recording: an array, or a file in any container.

        An array needs its `sample_rate`; a file says it itself.

        Raises:
            InvalidConfig: an array without a rate, or a setting out of its range.
            InvalidAudio: no such file, or not audio.
            RecognitionFailed: a stretch of it could not be recognized.
            SoriError: any other reason why there is no text.
        """
        blocks: Iterable[Samples]
        if isinstance(recording, str | PathLike):
            blocks, rate = file_blocks(Path(recording)), float(SAMPLE_RATE)
        elif sample_rate is None:
            raise InvalidConfig("sample_rate", "an array does not say it: give it")
        else:
            blocks, rate = [recording], sample_rate
        wanted = replace(config or self.config, interim_results=False)
        with self.stream(blocks, sample_rate=rate, config=wanted) as events:
            return _recognition(events)

    def close(self) -> None:
        """End all streams and the worker process. Idempotent."""
        self._forgotten.detach()
        self._service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _languages(language: str | Sequence[str] | None) -> tuple[str, ...]:
    if language is None:
        return ()
    return (language,) if isinstance(language, str) else tuple(language)


def _chunks(chunk: float | None, overlap: float | None) -> Endpointing:
    if chunk is None and overlap is None:
        return Endpointing()
    return Endpointing(mode=EndpointingMode.FIXED, chunk_duration=chunk, overlap_duration=overlap)


def _task(task: str | Task) -> Task:
    try:
        return Task(task)
    except ValueError:
        known = ", ".join(known.value for known in Task)
        raise InvalidConfig("task", f"{task!r} is no task; there are {known}") from None


def _recognition(events: Iterable[Event]) -> Recognition:
    results: list[Result] = []
    summary = Summary(0.0, 0.0, 0, 0.0)
    for event in events:
        match event:
            case Result(is_final=True):
                results.append(event)
            case ServerWarning(reason="RECOGNITION_FAILED", message=message, metadata=facts):
                raise RecognitionFailed(message, metadata=dict(facts))
            case Summary():
                summary = event
            case _:
                pass
    return Recognition(tuple(results), summary)


def _close_elsewhere(service: LocalService) -> None:
    """Close on another thread: garbage may be collected on the very one that is closed."""
    threading.Thread(target=service.close, name="sori-close", daemon=True).start()
