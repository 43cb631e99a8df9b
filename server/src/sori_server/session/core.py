"""The session: one stream's audio positions in, windows out; hypotheses in, events out.

No I/O and no clock: time is the number of samples received. After every call drain
`requests()`, `withdrawn()` and, when the client can take one, `next_event()`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sori_server.domain.audio import HOP, samples
from sori_server.domain.config import StreamConfig
from sori_server.domain.events import (
    Event,
    Finalized,
    FinalReason,
    GoingAway,
    Latency,
    NumberedEvent,
    Progress,
    SessionStarted,
    SessionSummary,
    SpeechEnded,
    SpeechStarted,
    WindowLost,
)
from sori_server.domain.recognition import (
    DecodingOptions,
    Hypothesis,
    RecognitionRequest,
    WindowKind,
)
from sori_server.session.endpointing import (
    Endpointer,
    Phase,
    SpeechOffset,
    SpeechOnset,
    SpeechOverlong,
)
from sori_server.session.outbox import Outbox
from sori_server.session.state import State, Trigger, next_state
from sori_server.session.utterance import Ending, Utterance
from sori_server.session.windowing import (
    CUT_RANGE,
    MOVE_AFTER,
    TAIL,
    aligned,
    quietest,
)


class Session:
    """One recognition session.

    Every sample received lies in the span of exactly one final result or in silence;
    finals come in order; `committed_text` of an utterance never takes a word back.
    """

    def __init__(self, config: StreamConfig, vad_frame: int) -> None:
        """`vad_frame` is the length of one speech probability in samples."""
        self._config = config
        self._frame = vad_frame
        self._state = State.OPEN
        self._endpointer = Endpointer(config.endpointing, vad_frame)
        self._recent: deque[float] = deque(maxlen=CUT_RANGE // vad_frame)
        self._received = 0
        self._judged = 0
        self._covered = 0
        self._reported = 0
        self._speaking: Utterance | None = None
        self._order: deque[Utterance | Finalized] = deque()
        self._owners: dict[int, tuple[Utterance, WindowKind]] = {}
        self._requests: list[RecognitionRequest] = []
        self._withdrawn: list[int] = []
        self._outbox = Outbox()
        self._last_request = 0
        self._utterances = 0
        self._totals = _Totals()

    # ------------------------------------------------------------------ state

    @property
    def state(self) -> State:
        """Where the session is in its life."""
        return self._state

    @property
    def received(self) -> int:
        """Samples received."""
        return self._received

    @property
    def final_position(self) -> int:
        """All text before this position is final and was put out."""
        for item in self._order:
            if isinstance(item, Utterance):
                return item.start
        return self._next_start() if self._state is State.OPEN else self._received

    @property
    def needed_from(self) -> int:
        """No window will start before this position."""
        for item in self._order:
            if isinstance(item, Utterance):
                return item.window_start
        return aligned(self._next_start())

    @property
    def pending_events(self) -> int:
        """Events not taken yet, and answers that wait for a final result."""
        return len(self._outbox) + len(self._order)

    # ------------------------------------------------------------------ input

    def begin(self, session_id: str) -> None:
        """Put out the first event."""
        self._outbox.put(SessionStarted(session_id))

    def receive_audio(self, count: int, probabilities: Sequence[float]) -> None:
        """Take the next `count` samples and the speech probabilities they completed.

        Raises:
            ProtocolViolation: the audio has ended.
        """
        self._move(Trigger.AUDIO)
        self._received += count
        for probability in probabilities:
            self._judge(probability)
        self._request_interim()
        self._report_progress()

    def finalize(self, request_id: str) -> None:
        """End the current utterance now; `Finalized` follows its final result.

        Raises:
            ProtocolViolation: the audio has ended.
        """
        self._move(Trigger.FINALIZE)
        self._end_utterance(FinalReason.FINALIZE)
        self._order.append(Finalized(request_id, self._received))
        self._put_out()

    def end_of_audio(self, reason: FinalReason = FinalReason.END_OF_AUDIO) -> None:
        """No audio follows: everything received becomes final. Idempotent."""
        if self._state is State.OPEN:
            self._end_utterance(reason)
        self._move(Trigger.END_OF_AUDIO)
        self._put_out()

    def go_away(self, time_left: float) -> None:
        """Tell the client that the server leaves in `time_left` seconds, unless all was said."""
        if self._state is not State.CLOSED:
            self._outbox.put(GoingAway(time_left))

    def receive_hypothesis(self, request_id: int, hypothesis: Hypothesis, elapsed: float) -> None:
        """Take the text of a window, `elapsed` seconds after it was requested."""
        self._move(Trigger.OUTCOME)
        owner = self._owners.pop(request_id, None)
        if owner is None:
            return
        utterance, kind = owner
        timing = hypothesis.timing
        self._totals.inference += timing.inference / timing.batch_size
        waited = utterance.ending.waited if utterance.ending else 0
        latency = Latency(
            total=elapsed,
            queue=timing.queue,
            preprocessing=timing.preprocessing,
            inference=timing.inference,
            endpointing=waited / samples(1.0),
            batch_size=timing.batch_size,
        )
        if kind is WindowKind.FINAL:
            utterance.finish(hypothesis, latency)
            self._put_out()
        else:
            self._take_interim(utterance, hypothesis, latency)

    def receive_failure(self, request_id: int, reason: str) -> None:
        """Take note that a window will never have text: `reason` is told to the client."""
        self._move(Trigger.OUTCOME)
        owner = self._owners.pop(request_id, None)
        if owner is None:
            return
        utterance, kind = owner
        if kind is WindowKind.INTERIM:
            utterance.live_interim = None
            return
        utterance.lost = reason
        utterance.finish(None, None)
        self._put_out()

    # ----------------------------------------------------------------- output

    def requests(self) -> list[RecognitionRequest]:
        """Windows that want text, since the last call."""
        requests, self._requests = self._requests, []
        return requests

    def withdrawn(self) -> list[int]:
        """Requests that need no answer any more, since the last call."""
        withdrawn, self._withdrawn = self._withdrawn, []
        return withdrawn

    def next_event(self) -> NumberedEvent | None:
        """The next event for the client; None when there is none."""
        return self._outbox.take()

    # ------------------------------------------------------------ endpointing

    def _judge(self, probability: float) -> None:
        """Take one speech probability and the boundary it decides."""
        self._judged += self._frame
        self._recent.append(probability)
        boundary = self._endpointer.accept(probability)
        if isinstance(boundary, SpeechOnset):
            self._begin_speech()
        elif self._speaking is None:
            return
        elif isinstance(boundary, SpeechOffset):
            self._say_activity(SpeechEnded(boundary.position))
            reason = FinalReason.MAX_UTTERANCE if boundary.overlong else FinalReason.ENDPOINT
            end = max(min(boundary.position + TAIL, boundary.decided_at), self._speaking.start)
            waited = boundary.decided_at - boundary.position
            self._close(self._speaking, Ending(end, reason, waited))
        elif isinstance(boundary, SpeechOverlong):
            self._cut(self._speaking)

    def _next_start(self) -> int:
        """Where an utterance starts whose speech begins now, or began with the onset."""
        began = self._endpointer.onset if self._endpointer.phase is not Phase.SILENCE else None
        padding = samples(self._config.endpointing.prefix_padding)
        return max((self._judged if began is None else began) - padding, self._covered)

    def _begin_speech(self) -> None:
        """Begin the utterance of the onset, and tell."""
        self._say_activity(SpeechStarted(max(self._endpointer.onset, self._covered)))
        self._begin_utterance(self._next_start())

    def _begin_utterance(self, start: int) -> None:
        word_times = self._config.recognition.word_times
        self._speaking = Utterance(
            self._utterances, start, aligned(start), word_times=word_times, interim_end=start
        )
        self._utterances += 1
        self._order.append(self._speaking)
        self._endpointer.begin(start)

    def _end_utterance(self, reason: FinalReason) -> None:
        """End the utterance at the newest sample, speech that has just begun included."""
        onset = self._endpointer.phase is Phase.ONSET and self._next_start() < self._judged
        if self._speaking is None and onset:
            self._begin_speech()
        if self._speaking is not None:
            self._say_activity(SpeechEnded(self._endpointer.last_speech))
            self._close(self._speaking, Ending(self._received, reason))
        self._endpointer.end()

    def _cut(self, utterance: Utterance) -> None:
        """End an utterance that is too long after its committed words; speech goes on."""
        half = (utterance.start + self._judged) // 2
        earliest = max(half, utterance.agreement.committed_end)
        end = quietest(self._recent, self._frame, self._judged, earliest)
        self._close(utterance, Ending(end, FinalReason.MAX_UTTERANCE))
        self._begin_utterance(end)

    def _close(self, utterance: Utterance, ending: Ending) -> None:
        """End the utterance that is spoken and ask for its final text, if there is audio of it."""
        live = utterance.live_interim
        if live is not None:
            self._withdrawn.append(live)
            del self._owners[live]
        self._speaking = None
        utterance.ending = ending
        self._covered = ending.position
        self._totals.speech += ending.position - utterance.start
        if ending.position - utterance.window_start < HOP:
            utterance.finish(None, None)
            self._put_out()
            return
        beam = self._config.recognition.beam_size
        options = self._options(beam, word_times=utterance.word_times)
        self._request(utterance, WindowKind.FINAL, ending.position, options)

    # ---------------------------------------------------------------- windows

    def _options(self, beam_size: int, *, word_times: bool) -> DecodingOptions:
        wanted = self._config.recognition
        return DecodingOptions(wanted.languages, wanted.task, beam_size, word_times)

    def _request(
        self, utterance: Utterance, kind: WindowKind, end: int | None, options: DecodingOptions
    ) -> int:
        self._last_request += 1
        request = RecognitionRequest(
            request_id=self._last_request,
            kind=kind,
            start=utterance.window_start,
            end=end,
            options=options,
            prompt=utterance.prompt,
            step=self._step,
        )
        self._requests.append(request)
        self._owners[request.request_id] = (utterance, kind)
        return request.request_id

    @property
    def _step(self) -> int:
        return samples(self._config.interim_interval)

    def _request_interim(self) -> None:
        """Ask for an interim when there is new speech and the last one was answered."""
        utterance = self._speaking
        if utterance is None or not self._config.interim_results:
            return
        length = self._received - utterance.window_start
        end = utterance.window_start + length // self._step * self._step
        newest = min(end, self._endpointer.last_speech)
        if utterance.live_interim is not None or newest <= utterance.interim_end:
            return
        utterance.interim_end = end
        options = self._options(1, word_times=length > MOVE_AFTER)
        utterance.live_interim = self._request(utterance, WindowKind.INTERIM, None, options)

    def _take_interim(self, utterance: Utterance, heard: Hypothesis, latency: Latency) -> None:
        sure = heard.confidence >= (self._config.commit_confidence or 0.0)
        utterance.receive_interim(heard, sure=sure)
        if self._order[0] is utterance and (heard.text or utterance.revision):
            self._outbox.put(utterance.interim_result(heard, latency))
        if len(heard.span) > MOVE_AFTER:
            self._move_window(utterance)
        self._request_interim()

    def _move_window(self, utterance: Utterance) -> None:
        """Past committed words, if their border is known and speech follows it."""
        border = aligned(utterance.agreement.border or 0)
        limit = min(utterance.agreement.committed_end, self._endpointer.last_speech)
        if utterance.window_start < border < limit:
            utterance.move_window(border)

    # ----------------------------------------------------------------- events

    def _move(self, trigger: Trigger) -> None:
        self._state = next_state(self._state, trigger)

    def _say_activity(self, event: Event) -> None:
        if self._config.voice_activity_events:
            self._outbox.put(event)

    def _put_out(self) -> None:
        """Put out what is final, in order, and the summary after the last of it."""
        while self._order:
            item = self._order[0]
            if isinstance(item, Utterance) and item.final is None:
                return
            self._order.popleft()
            if isinstance(item, Finalized):
                self._outbox.put(item)
            else:
                self._put_final(item)
        if self._state is State.ENDING:
            self._move(Trigger.ALL_FINAL)
            totals = self._totals
            self._outbox.put(
                SessionSummary(self._received, totals.speech, totals.finals, totals.inference)
            )

    def _put_final(self, utterance: Utterance) -> None:
        result = utterance.final
        assert result is not None, "only finished utterances are put out"  # noqa: S101
        if utterance.lost:
            self._outbox.put(WindowLost(result.span, utterance.lost))
        if result.text or utterance.revision > 1:
            self._totals.finals += 1
            self._outbox.put(result)
        self._put_progress()

    def _report_progress(self) -> None:
        interval = self._config.progress_interval
        if interval is not None and self._received - self._reported >= samples(interval):
            self._put_progress()

    def _put_progress(self) -> None:
        self._reported = self._received
        self._outbox.put(Progress(self._received, self.final_position))


@dataclass(slots=True)
class _Totals:
    """What the summary counts: samples of speech, final results, seconds in the model."""

    speech: int = 0
    finals: int = 0
    inference: float = 0.0
