"""The session: one stream's audio positions in, windows out; hypotheses in, events out.

No I/O and no clock: time is the number of samples received. After every call drain
`requests()`, `withdrawn()` and, when the client can take one, `next_event()`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sori_server.domain.audio import samples
from sori_server.domain.checkpoint import ChannelPoint, Checkpoint
from sori_server.domain.config import StreamConfig
from sori_server.domain.events import (
    AudioWarning,
    Finalized,
    FinalLate,
    FinalReason,
    GoingAway,
    InterimsThinned,
    NumberedEvent,
    Progress,
    SessionStarted,
    SessionSummary,
    SingleUtteranceEnded,
    SpeechTimedOut,
    SpeechTimeout,
    WindowLost,
)
from sori_server.domain.recognition import Hypothesis, RecognitionRequest, WindowKind
from sori_server.session.channel import Channel, Place
from sori_server.session.latency import latency
from sori_server.session.outbox import Outbox
from sori_server.session.requests import Requests
from sori_server.session.state import State, Trigger, next_state
from sori_server.session.utterance import Utterance


class Session:
    """One recognition session.

    Every sample received lies, on each channel, in the span of exactly one final result or
    in silence; finals of a channel come in order; `committed_text` of an utterance never
    takes a word back.
    """

    def __init__(
        self,
        config: StreamConfig,
        vad_frame: int,
        channels: int = 1,
        checkpoint: Checkpoint | None = None,
        start: int = 0,
    ) -> None:
        """`vad_frame` is the length of one speech probability in samples.

        A session that goes on from a `checkpoint` hears what is before it from sample `start`
        on, between two probabilities, and tells nothing of that.
        """
        self._config = config
        self._frame = vad_frame
        self._state = State.OPEN
        self._outbox = Outbox()
        self._requests = Requests()
        resumed = checkpoint or Checkpoint.start(channels)
        self._channels = [
            Channel(config, Place(vad_frame, index, start, point), self._requests, self._outbox)
            for index, point in enumerate(resumed.channels)
        ]
        self._received = self._judged = start
        self._told = self._reported = resumed.position
        self._resumed_at = resumed.channels[0].position
        self._complete = False
        self._answers: deque[_Answer] = deque()
        self._totals = _Totals()

    # ------------------------------------------------------------------ state

    @property
    def state(self) -> State:
        """Where the session is in its life."""
        return self._state

    @property
    def received(self) -> int:
        """Samples received on each channel."""
        return self._received

    @property
    def final_position(self) -> int:
        """All text before this position is final and was put out."""
        return self._checkpoint.position

    @property
    def needed_from(self) -> Sequence[int]:
        """For each channel, the position before which no window will start."""
        return [channel.needed_from for channel in self._channels]

    @property
    def waiting_events(self) -> int:
        """Events not taken yet."""
        return len(self._outbox)

    @property
    def pending_events(self) -> int:
        """Events not taken yet, and answers that wait for a final result."""
        behind = sum(channel.begun - channel.taken for channel in self._channels)
        return len(self._outbox) + len(self._answers) + behind

    # ------------------------------------------------------------------ input

    def begin(self, session_id: str) -> None:
        """Put out the first event."""
        self._outbox.put(SessionStarted(session_id))

    def receive_audio(self, count: int, probabilities: Sequence[Sequence[float]]) -> None:
        """Take the next `count` samples and, by channel, the speech probabilities they completed.

        The session may end itself by them; later samples of theirs are then not received.

        Raises:
            ProtocolViolation: the audio has ended.
        """
        self._move(Trigger.AUDIO)
        self._received += count
        for frame in zip(*probabilities, strict=True):
            self._judged += self._frame
            for channel, probability in zip(self._channels, frame, strict=True):
                channel.judge(probability)
            if (end := self._own_end(self._judged)) is not None:
                self._received = self._judged
                self._end_by_itself(end)
                return
        for channel in self._channels:
            channel.receive(self._received)
        self._put_out()
        self._report_when_due()

    def finalize(self, request_id: str) -> None:
        """End the current utterances now; `Finalized` follows their final results.

        Raises:
            ProtocolViolation: the audio has ended.
        """
        self._move(Trigger.FINALIZE)
        self._end_utterances(FinalReason.FINALIZE)
        begun = [channel.begun for channel in self._channels]
        self._answers.append(_Answer(Finalized(request_id, self._received), begun))
        if (end := self._own_end(self._received)) is not None:
            self._end_by_itself(end)
        self._put_out()

    def warn(self, warning: AudioWarning | InterimsThinned | FinalLate) -> None:
        """Tell the client what is wrong with its audio, or what is late."""
        if self._state is not State.CLOSED:
            self._outbox.put(warning)

    def report_progress(self) -> None:
        """Tell the client how far the session has come, unless all was said."""
        if self._state is not State.CLOSED:
            self._put_progress()

    def end_of_audio(
        self, reason: FinalReason = FinalReason.END_OF_AUDIO, *, cut_short: bool = False
    ) -> None:
        """No audio follows: everything received becomes final. Idempotent.

        What is `cut_short` may go on elsewhere: checkpoints stay before what may be speech.
        """
        if self._state is State.OPEN:
            self._complete = not cut_short
            self._end_utterances(reason)
        self._move(Trigger.END_OF_AUDIO)
        self._put_out()

    def go_away(self, time_left: float) -> None:
        """Tell the client that the server leaves in `time_left` seconds, unless all was said."""
        if self._state is not State.CLOSED:
            self._outbox.put(GoingAway(time_left))

    def receive_hypothesis(self, request_id: int, hypothesis: Hypothesis, elapsed: float) -> None:
        """Take the text of a window, `elapsed` seconds after it was requested."""
        self._move(Trigger.OUTCOME)
        owner = self._requests.settle(request_id)
        if owner is None:
            return
        timing = hypothesis.timing
        self._totals.inference += timing.inference / timing.batch_size
        channel = self._channels[owner.channel]
        ending = owner.utterance.ending
        if owner.kind is WindowKind.INTERIM:
            channel.receive_interim(owner.utterance, hypothesis, latency(timing, elapsed))
        elif ending is None:
            channel.receive_early(owner.utterance, hypothesis, latency(timing, elapsed))
        else:
            told = latency(timing, elapsed, ending.waited, owner.ahead)
            channel.receive_final(owner.utterance, hypothesis, told)
        self._put_out()

    def receive_failure(self, request_id: int, reason: str) -> None:
        """Take note that a window will never have text: `reason` is told to the client."""
        self._move(Trigger.OUTCOME)
        owner = self._requests.settle(request_id)
        if owner is None:
            return
        channel = self._channels[owner.channel]
        if owner.kind is WindowKind.INTERIM:
            channel.lose_interim(owner.utterance)
        elif owner.utterance.ending is None:
            channel.lose_early()
        else:
            channel.lose_final(owner.utterance, reason)
        self._put_out()

    # ----------------------------------------------------------------- output

    def requests(self) -> list[RecognitionRequest]:
        """Windows that want text, since the last call."""
        return self._requests.asked()

    def withdrawn(self) -> list[int]:
        """Requests that need no answer any more, since the last call."""
        return self._requests.withdrawn()

    def next_event(self) -> NumberedEvent | None:
        """The next event for the client; None when there is none."""
        return self._outbox.take()

    # --------------------------------------------------------- ends by itself

    def _own_end(self, position: int) -> SingleUtteranceEnded | SpeechTimedOut | None:
        """What ends the session at `position`, if it is what the client asked for.

        Nothing does that is heard again only to go on behind it.
        """
        if position <= self._resumed_at:
            return None
        channel, endpointing = self._channels[0], self._config.endpointing
        if self._config.single_utterance and channel.ended:
            return SingleUtteranceEnded(position)
        since = channel.silent_since
        timeout, which = endpointing.speech_start_timeout, SpeechTimeout.START
        if since:
            timeout, which = endpointing.speech_end_timeout, SpeechTimeout.END
        if since is None or timeout is None or position - since < samples(timeout):
            return None
        return SpeechTimedOut(which, position)

    def _end_by_itself(self, end: SingleUtteranceEnded | SpeechTimedOut) -> None:
        """Tell the client that the session ends here, after the speech that ends with it."""
        self._end_utterances(FinalReason.END_OF_AUDIO)
        self._outbox.put(end)
        self.end_of_audio()

    def _end_utterances(self, reason: FinalReason) -> None:
        for channel in self._channels:
            channel.end_utterance(reason, self._received)

    # ----------------------------------------------------------------- events

    def _move(self, trigger: Trigger) -> None:
        self._state = next_state(self._state, trigger)

    def _put_out(self) -> None:
        """Put out what is final, in order, and the summary after the last of it."""
        self._answer()
        for channel in self._channels:
            while (utterance := channel.take_final()) is not None:
                self._put_final(utterance)
                self._answer()
        behind = any(channel.taken < channel.begun for channel in self._channels)
        if self._state is State.ENDING and not behind:
            self._move(Trigger.ALL_FINAL)
            totals = self._totals
            self._outbox.put(
                SessionSummary(self._received, totals.speech, totals.finals, totals.inference)
            )

    def _answer(self) -> None:
        """Answer the finalize requests whose final results are out."""
        while self._answers:
            taken = [channel.taken for channel in self._channels]
            wanted = self._answers[0].begun
            if any(have < want for have, want in zip(taken, wanted, strict=True)):
                return
            self._outbox.put(self._answers.popleft().event)

    def _put_final(self, utterance: Utterance) -> None:
        result = utterance.final
        assert result is not None, "only finished utterances are put out"  # noqa: S101
        self._totals.speech += len(result.span)
        if utterance.lost:
            self._outbox.put(WindowLost(result.span, utterance.lost, result.channel))
        if result.text or utterance.revision > 1:
            self._totals.finals += 1
            self._outbox.put(result, self._checkpoint)
        self._put_progress()

    def _report_when_due(self) -> None:
        interval = self._config.progress_interval
        if interval is not None and self._received - self._reported >= samples(interval):
            self._put_progress()

    def _put_progress(self) -> None:
        if self._received < self._told:
            return
        self._reported = self._received
        self._outbox.put(Progress(self._received, self.final_position), self._checkpoint)

    @property
    def _checkpoint(self) -> Checkpoint:
        """Where each channel goes on for a client that has all that was put out."""
        return Checkpoint(tuple(map(self._point, self._channels)))

    def _point(self, channel: Channel) -> ChannelPoint:
        """Where a channel goes on: when it has said everything, behind all audio."""
        point = channel.point
        if self._complete and channel.taken == channel.begun:
            return ChannelPoint(max(self._received, point.position), point.utterances)
        return point


@dataclass(frozen=True, slots=True)
class _Answer:
    """What follows the final results of all utterances begun by then, by channel."""

    event: Finalized
    begun: Sequence[int]


@dataclass(slots=True)
class _Totals:
    """What the summary counts: samples of speech, final results, seconds in the model."""

    speech: int = 0
    finals: int = 0
    inference: float = 0.0
