"""Speech recognition for many streams as one writes it first: a model and a lock."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment
from sori_server.domain.audio import SAMPLE_RATE, Span
from sori_server.domain.config import Task
from sori_server.domain.errors import EngineUnavailable, ModelLoading, RecognitionFailed
from sori_server.domain.recognition import EngineTiming, Hypothesis, RecognitionRequest
from sori_server.engine.models import ResolvedModel
from sori_server.engine.placement import Placement
from sori_server.engine.port import EngineLoad, FloatArray, ModelInfo, StreamAudio
from sori_server.engine.shared_audio import SharedAudio
from sori_server.engine.words import AlignedWord, placed_words

from baseline.audio import KeptAudio


class LockedEngine:
    """Implements `EnginePort` with faster-whisper's `transcribe()` behind a lock.

    Windows of all streams are transcribed one at a time, in the order in which they were asked
    for and with the samples they were asked with. The model gets what helps it: the language
    where it is known, no fallback to other temperatures, no text of before, word times only
    where they are wanted, and as many threads as measured fastest.
    """

    def __init__(self, model: ResolvedModel, placement: Placement) -> None:
        self._resolved = model
        self._placement = placement
        self._lock = asyncio.Lock()
        self._failed = asyncio.Event()
        self._whisper: WhisperModel | None = None
        self._info: ModelInfo | None = None

    @property
    def model(self) -> ModelInfo:
        """The model served.

        Raises:
            ModelLoading: `start` has not returned.
        """
        if self._info is None:
            raise ModelLoading("the model is not loaded yet")
        return self._info

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._info is not None

    @property
    def failure(self) -> EngineUnavailable | None:
        """Never: nothing watches over this model."""
        return None

    @property
    def load(self) -> EngineLoad:
        """It does not know how busy it is, so that nobody is refused for it."""
        return EngineLoad()

    async def wait_failed(self) -> None:
        """Wait for ever."""
        await self._failed.wait()

    async def start(self) -> None:
        """Load the model and run it once."""
        self._whisper = whisper = await asyncio.to_thread(self._loaded)
        card = self._resolved.capabilities
        self._info = ModelInfo(
            name=self._resolved.name,
            display_name=f"Whisper {self._resolved.name} behind a lock",
            revision=self._resolved.revision,
            languages=card.languages or tuple(whisper.supported_languages),
            tasks=tuple(Task) if whisper.model.is_multilingual else (Task.TRANSCRIBE,),
            device=self._placement.device,
            compute_type=whisper.model.compute_type,
            max_utterance=card.max_utterance,
            commit_confidence=card.commit_confidence,
            condition_on_previous_text=False,
        )

    async def close(self) -> None:
        """Wait for the call in flight."""
        async with self._lock:
            self._whisper = self._info = None

    def open_stream(self) -> StreamAudio:
        """Audio state of a new stream."""
        return SharedAudio(KeptAudio())

    async def recognize(self, request: RecognitionRequest, audio: StreamAudio) -> Hypothesis:
        """Recognize one window when its turn comes; cancelling gives up its place.

        Raises:
            RecognitionFailed: this window cannot be recognized.
        """
        clock = asyncio.get_running_loop().time
        span = request.bind(audio.received)
        samples = np.asarray(audio.window(span.start, span.end), np.float32)
        asked = clock()
        async with self._lock:
            began = clock()
            call = asyncio.create_task(asyncio.to_thread(self._transcribe, request, span, samples))
            try:
                heard = await asyncio.shield(call)
            except asyncio.CancelledError:
                await asyncio.wait([call])  # threads cannot be stopped: the model stays taken
                raise
            except (RuntimeError, ValueError) as error:
                raise RecognitionFailed(f"the model failed: {error}") from error
            timing = EngineTiming(queue=began - asked, inference=clock() - began)
        return replace(heard, timing=timing)

    def _loaded(self) -> WhisperModel:
        placement = self._placement
        whisper = WhisperModel(
            str(self._resolved.path),
            device=placement.kind,
            device_index=placement.index,
            compute_type=placement.compute_type,
            cpu_threads=placement.cpu_threads,
            local_files_only=True,
        )
        segments, _ = whisper.transcribe(np.zeros(SAMPLE_RATE, np.float32), temperature=0.0)
        list(segments)
        return whisper

    def _transcribe(
        self, request: RecognitionRequest, span: Span, samples: FloatArray
    ) -> Hypothesis:
        assert self._whisper is not None
        options = request.options
        segments, info = self._whisper.transcribe(
            samples,
            language=options.languages[0] if len(options.languages) == 1 else None,
            task=options.task.value,
            beam_size=options.beam_size,
            initial_prompt=request.prompt or None,
            hotwords=" ".join(request.hotwords) or None,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=not self._resolved.capabilities.timestamps,
            no_speech_threshold=options.no_speech_threshold,
            word_timestamps=options.word_times,
        )
        return _hypothesis(list(segments), span, info.language, info.language_probability)


def _hypothesis(
    segments: list[Segment], span: Span, language: str, probability: float
) -> Hypothesis:
    aligned = (
        AlignedWord(word.word, word.start, word.end, word.probability)
        for segment in segments
        for word in segment.words or ()
    )
    tokens = sum(len(segment.tokens) for segment in segments)
    likelihood = sum(segment.avg_logprob * len(segment.tokens) for segment in segments)
    words = placed_words(aligned, span)
    text = "".join(segment.text for segment in segments)
    return Hypothesis(
        span=span,
        text="".join(word.text for word in words) if words else text,
        language=language,
        language_confidence=probability,
        words=words,
        confidence=min(math.exp(likelihood / tokens), 1.0) if tokens else 0.0,
        no_speech=not segments,
    )
