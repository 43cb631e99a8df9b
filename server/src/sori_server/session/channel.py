"""One channel of a session: speech probabilities in, windows, interims and finals out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from sori_server.domain.audio import HOP, samples
from sori_server.domain.checkpoint import ChannelPoint
from sori_server.domain.config import ChannelMode, EndpointingMode, StreamConfig, Task
from sori_server.domain.events import Event, FinalReason, Latency, SpeechEnded, SpeechStarted
from sori_server.domain.recognition import Hypothesis
from sori_server.session.context import Context
from sori_server.session.decoding import Decoding
from sori_server.session.early import EarlyFinals
from sori_server.session.endpointing import (
    Endpointer,
    Phase,
    SpeechOffset,
    SpeechOnset,
    SpeechOverlong,
    exit_threshold,
)
from sori_server.session.language import LanguageChoice
from sori_server.session.latency import latency
from sori_server.session.outbox import Outbox
from sori_server.session.replacements import Replacements
from sori_server.session.requests import Requests
from sori_server.session.utterance import LEAD, MOST_LEAD, Ending, Utterance
from sori_server.session.voicing import Voicing
from sori_server.session.windowing import (
    CUT_RANGE,
    LONGEST_WINDOW,
    MOVE_AFTER,
    TAIL,
    aligned,
    quietest,
)

CUT_OVERLAP: Final = samples(0.3)
"""Words that end this close to where overlong speech was cut are left to what follows."""

PAUSE: Final = samples(0.1)
"""Silence after which the newest word is taken for complete."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which channel, counted from 0, hears what: probabilities of `frame` samples from `start` on.

    Speech before `resumed` is told already; it only helps to tell what follows.
    """

    frame: int
    index: int = 0
    start: int = 0
    resumed: ChannelPoint = field(default_factory=ChannelPoint)


class Channel:
    """Utterances of one channel.

    Every sample received lies in the span of exactly one of them or in silence; their
    finals are taken in order.
    """

    def __init__(
        self, config: StreamConfig, place: Place, requests: Requests, outbox: Outbox
    ) -> None:
        frame, index = place.frame, place.index
        self._config = config
        self._frame = frame
        separate = config.recognition.channel_mode is ChannelMode.SEPARATE
        self._tag = index + 1 if separate else 0
        self._requests = requests
        self._outbox = outbox
        self._endpointer = Endpointer(config.endpointing, frame, place.start)
        self._language = LanguageChoice(config.recognition)
        self._context = Context(config.recognition)
        self._decoding = Decoding(config, index, self._language, self._context)
        self._replacements = Replacements(config.recognition.adaptation.replacements)
        self._recent: deque[float] = deque(maxlen=CUT_RANGE // frame)
        self._voicing = Voicing(frame, exit_threshold(config.endpointing), place.start)
        self._received = self._judged = place.start
        self._covered = place.resumed.position
        self._resumed: ChannelPoint | None = place.resumed
        self._early = EarlyFinals(requests)
        self._speaking: Utterance | None = None
        self._unfinished: deque[Utterance] = deque()
        self._begun = place.resumed.utterances

    # ------------------------------------------------------------------ state

    @property
    def begun(self) -> int:
        """Utterances begun."""
        return self._begun

    @property
    def ended(self) -> int:
        """Utterances that have ended, whether or not their text is final."""
        return self._begun - (self._speaking is not None)

    @property
    def taken(self) -> int:
        """Utterances whose final result was taken."""
        return self._begun - len(self._unfinished)

    @property
    def silent_since(self) -> int | None:
        """Where the newest speech ended, 0 if there was none; None while somebody speaks.

        Speech that may have begun counts as spoken until it proves to be none.
        """
        silent = self._endpointer.phase in (Phase.SILENCE, Phase.HANGOVER)
        return self._endpointer.speech_end if silent else None

    @property
    def final_position(self) -> int:
        """All text before this position is final and was taken."""
        return self._unfinished[0].start if self._unfinished else self._next_start()

    @property
    def point(self) -> ChannelPoint:
        """Where the channel goes on when all that was taken was told."""
        return ChannelPoint(self.final_position, self.taken)

    @property
    def needed_from(self) -> int:
        """No window will start before this position."""
        if self._unfinished:
            return self._unfinished[0].window_start
        return aligned(self._next_start())

    # ------------------------------------------------------------------ input

    def judge(self, probability: float) -> None:
        """Take one speech probability and the boundary it decides."""
        if self._resumed is not None and self._judged + self._frame > self._resumed.position:
            self._endpointer.resume(self._resumed.position if self._resumed.utterances else 0)
            self._resumed = None
        self._judged += self._frame
        self._recent.append(probability)
        self._voicing.add(probability)
        boundary = self._endpointer.accept(probability)
        if self._resumed is not None:
            return  # its text is told
        if isinstance(boundary, SpeechOnset):
            self._begin_speech()
        elif self._speaking is None:
            return
        elif isinstance(boundary, SpeechOffset):
            self._say_activity(SpeechEnded(boundary.position, self._tag))
            reason = self._length_reason if boundary.overlong else FinalReason.ENDPOINT
            end = _end_in_silence(self._speaking, boundary.position, boundary.decided_at)
            waited = boundary.decided_at - boundary.position
            self._close(self._speaking, Ending(end, reason, waited))
        elif isinstance(boundary, SpeechOverlong) and self._config.single_utterance:
            self.end_utterance(self._length_reason, self._judged)
        elif isinstance(boundary, SpeechOverlong):
            self._cut(self._speaking)

    def receive(self, received: int) -> None:
        """Samples up to `received` have come, those judged among them."""
        self._received = received
        self._voicing.discard(self.needed_from)
        self._request_early()
        self._request_interim()

    def end_utterance(self, reason: FinalReason, received: int) -> None:
        """End the utterance at sample `received`, speech that has just begun included."""
        onset = self._endpointer.phase is Phase.ONSET and self._next_start() < self._judged
        if self._speaking is None and onset:
            self._begin_speech()
        if self._speaking is not None:
            self._say_activity(SpeechEnded(self._endpointer.last_speech, self._tag))
            self._close(self._speaking, Ending(received, reason))
        self._endpointer.end()

    def receive_interim(self, utterance: Utterance, heard: Hypothesis, told: Latency) -> None:
        """Take the text of an interim window, or an early final's as one."""
        confidence = self._config.commit_confidence or 0.0
        sure = heard.confidence >= confidence and self._language.sure(heard)
        self._language.hear(heard)
        heard = self._voicing.placed(heard)
        utterance.receive_interim(heard, sure=sure and not heard.doubtful)
        if self._unfinished[0] is utterance and (heard.text or utterance.revision):
            end = heard.span.end
            speaking = not (self._early.asked or self._voicing.silent(end - PAUSE, end))
            self._outbox.put(utterance.interim_result(heard, told, speaking=speaking))
        if len(heard.span) > MOVE_AFTER:
            self._move_window(utterance)
        self._request_interim()

    def receive_early(self, utterance: Utterance, heard: Hypothesis, told: Latency) -> None:
        """Take the text of an early final while its utterance may still go on."""
        self._early.receive(heard)
        if self._config.interim_results:
            self.receive_interim(utterance, heard, told)

    def receive_final(self, utterance: Utterance, heard: Hypothesis, told: Latency) -> None:
        """Take the text of an utterance's last window."""
        self._language.hear(heard)
        self._finish(utterance, self._voicing.placed(heard), told)
        self._request_interim()

    def lose_interim(self, utterance: Utterance) -> None:
        """An interim window will have no text."""
        utterance.live_interim = None

    def lose_early(self) -> None:
        """An early final will have no text: it is asked for again when its utterance ends."""
        self._early.lose()

    def lose_final(self, utterance: Utterance, reason: str) -> None:
        """An utterance's last window will have no text: `reason` is told to the client."""
        utterance.lost = reason
        self._finish(utterance, None, None)
        self._request_interim()

    # ----------------------------------------------------------------- output

    def take_final(self) -> Utterance | None:
        """The next utterance in order, if its text is final."""
        if self._unfinished and self._unfinished[0].final is not None:
            return self._unfinished.popleft()
        return None

    # ------------------------------------------------------------- utterances

    @property
    def _length_reason(self) -> FinalReason:
        fixed = self._config.endpointing.mode is EndpointingMode.FIXED
        return FinalReason.CHUNK if fixed else FinalReason.MAX_UTTERANCE

    def _next_start(self) -> int:
        """Where an utterance starts whose speech begins now, or began with the onset."""
        began = self._endpointer.onset if self._endpointer.phase is not Phase.SILENCE else None
        padding = samples(self._config.endpointing.prefix_padding)
        return max((self._judged if began is None else began) - padding, self._covered)

    def _begin_speech(self) -> None:
        """Begin the utterance of the onset, and tell."""
        self._say_activity(SpeechStarted(max(self._endpointer.onset, self._covered), self._tag))
        self._begin_utterance(self._next_start())

    def _begin_utterance(self, start: int, *, cut: bool = False) -> None:
        """Begin an utterance; it waits for the one before if that decides its start or prompt."""
        wanted = self._config.recognition
        utterance = Utterance(self._begun, start, aligned(start), self._replacements, self._tag)
        utterance.word_times = wanted.word_times
        utterance.interim_words = wanted.interim_words
        utterance.interim_end = start
        before = self._unfinished[-1] if self._unfinished else None
        if before is not None and before.final is None and (cut or self._context.follows_text):
            before.successor, utterance.waits = utterance, True
        self._speaking = utterance
        self._begun += 1
        self._unfinished.append(utterance)
        self._endpointer.begin(start, cut=cut)

    def _cut(self, utterance: Utterance) -> None:
        """End an utterance that is too long; speech goes on.

        It is cut between words where the model tells their places, which for a translation
        it cannot: that is cut in the quietest place after its committed words.
        """
        endpointing = self._config.endpointing
        if self._config.recognition.task is Task.TRANSLATE:
            earliest = (utterance.start + self._judged) // 2
            earliest = max(earliest, utterance.agreement.committed_end)
            end = quietest(self._recent, self._frame, self._judged, earliest)
            ending = Ending(end, self._length_reason)
        elif endpointing.mode is EndpointingMode.FIXED:
            overlap = samples(endpointing.overlap_duration)
            ending = Ending(self._judged, self._length_reason, overlap=overlap)
        else:
            ending = Ending(self._judged, self._length_reason, overlap=CUT_OVERLAP)
        longest = samples(self._endpointer.longest)
        room = min(samples(endpointing.longest_utterance) - longest, MOST_LEAD)
        ending.room_from = self._judged - room
        ending.back = LONGEST_WINDOW - longest - LEAD - self._frame - HOP
        self._close(utterance, ending)
        self._begin_utterance(ending.position, cut=True)

    def _close(self, utterance: Utterance, ending: Ending) -> None:
        """End the utterance that is spoken and ask for its final text, now or when it can be."""
        self._withdraw_interim(utterance)
        self._speaking = None
        utterance.ending = ending
        self._covered = ending.position
        if not utterance.waits:
            self._request_final(utterance, ending)

    def _finish(self, utterance: Utterance, heard: Hypothesis | None, told: Latency | None) -> None:
        """Fix the text of an utterance; what waited for it can go on."""
        result = utterance.finish(heard, told)
        doubtful = heard is not None and heard.doubtful
        self._context.add(utterance.said, result.language, doubtful=doubtful)
        successor = utterance.successor
        if successor is None:
            return
        successor.waits = False
        if utterance.left is not None:
            successor.follow(utterance.left)
        if successor.ending is not None:
            self._request_final(successor, successor.ending)

    # ---------------------------------------------------------------- windows

    def _request_final(self, utterance: Utterance, ending: Ending) -> None:
        """Ask for the final text, if there is audio of it and an early final has it not."""
        if ending.position - utterance.window_start < HOP:
            self._finish(utterance, None, None)
            return
        cut = ending.overlap is not None
        wanted = self._decoding.final(utterance, ending.position, cut=cut)
        early = self._early.take(wanted, utterance)
        if early is None:
            self._requests.ask(wanted, utterance)
        elif early.heard is not None:
            told = latency(early.heard.timing, 0.0, ending.waited, early.request.ahead)
            self.receive_final(utterance, early.heard, told)

    def _request_early(self) -> None:
        """Ask for what is the final window if the silence goes on, once it has all it needs."""
        utterance, pause = self._speaking, self._endpointer.pause
        if utterance is None or utterance.waits or not self._config.early_finals:
            return
        if pause is None or self._judged - pause.start < TAIL:
            self._early.drop()
            return
        end = _end_in_silence(utterance, pause.start, self._judged)
        if self._early.asked_to(end) or end - utterance.window_start < HOP:
            return
        self._withdraw_interim(utterance)
        window = self._decoding.final(utterance, end)
        ahead = pause.decided_at - self._received
        self._early.ask(replace(window, ahead=ahead), utterance)

    def _request_interim(self) -> None:
        """Ask for an interim when there is new speech and the last one was answered."""
        utterance = self._speaking
        if utterance is None or utterance.waits or not self._config.interim_results:
            return
        if self._early.asked:
            return
        length = self._received - utterance.window_start
        step = self._decoding.step
        end = utterance.window_start + length // step * step
        newest = min(end, self._endpointer.last_speech)
        if utterance.live_interim is not None or newest <= utterance.interim_end:
            return
        utterance.interim_end = end
        window = self._decoding.interim(utterance, length)
        utterance.live_interim = self._requests.ask(window, utterance)

    def _withdraw_interim(self, utterance: Utterance) -> None:
        if utterance.live_interim is not None:
            self._requests.withdraw(utterance.live_interim)
            utterance.live_interim = None

    def _move_window(self, utterance: Utterance) -> None:
        """Past committed words, if their border is known and speech follows it."""
        border = aligned(utterance.agreement.border or 0)
        limit = min(utterance.agreement.committed_end, self._endpointer.last_speech)
        if utterance.window_start < border < limit:
            utterance.move_window(border)

    def _say_activity(self, event: Event) -> None:
        if self._config.voice_activity_events:
            self._outbox.put(event)


def _end_in_silence(utterance: Utterance, silence_start: int, decided_at: int) -> int:
    """Where an utterance ends that silence ended."""
    return max(min(silence_start + TAIL, decided_at), utterance.start)
