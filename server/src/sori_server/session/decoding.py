"""What the model is asked about a window: its samples, options, prompt and hotwords."""

from __future__ import annotations

from sori_server.domain.audio import samples
from sori_server.domain.config import RecognitionConfig, StreamConfig
from sori_server.domain.recognition import DecodingOptions, RecognitionRequest, WindowKind
from sori_server.session.context import Context
from sori_server.session.language import LanguageChoice
from sori_server.session.utterance import Utterance
from sori_server.session.windowing import MOVE_AFTER


class Decoding:
    """The windows of one channel as requests, not numbered yet.

    Equal requests of one session are about the same audio, and get the same text.
    """

    def __init__(
        self, config: StreamConfig, index: int, language: LanguageChoice, context: Context
    ) -> None:
        """`index` counts channels from 0."""
        self._wanted: RecognitionConfig = config.recognition
        self._index = index
        self._priority = config.priority
        self._language = language
        self._context = context
        self.step = samples(config.interim_interval)
        """Samples from one end of an interim window to the next."""

    def interim(self, utterance: Utterance, length: int) -> RecognitionRequest:
        """The window of what was said so far, `length` samples by now."""
        words = utterance.interim_words or utterance.led > 0 or length > MOVE_AFTER
        options = self._options(1, words)
        return self._request(utterance, WindowKind.INTERIM, None, options)

    def final(self, utterance: Utterance, end: int, *, cut: bool = False) -> RecognitionRequest:
        """The window of final text; speech that goes on is `cut` at its end.

        It has words with times where interim results have them: an early final may be one.
        """
        shown = utterance.word_times or utterance.interim_words
        options = self._options(self._wanted.beam_size, shown or utterance.led > 0 or cut)
        return self._request(utterance, WindowKind.FINAL, end, options)

    def _options(self, beam_size: int, word_times: bool) -> DecodingOptions:
        return DecodingOptions(
            languages=self._language.languages,
            task=self._wanted.task,
            beam_size=beam_size,
            word_times=word_times,
            no_speech_threshold=self._wanted.no_speech_threshold,
        )

    def _request(
        self, utterance: Utterance, kind: WindowKind, end: int | None, options: DecodingOptions
    ) -> RecognitionRequest:
        return RecognitionRequest(
            request_id=0,
            kind=kind,
            start=utterance.window_start,
            end=end,
            options=options,
            prompt=self._context.prompt(utterance.sealed, utterance.led),
            hotwords=self._wanted.adaptation.hotwords,
            step=self.step,
            channel=self._index,
            priority=self._priority,
        )
