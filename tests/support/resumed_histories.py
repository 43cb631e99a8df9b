"""Random sessions whose connection is lost again and again, here and to other servers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from sori_server.domain.audio import HOP, AudioEncoding, AudioFormat
from sori_server.domain.checkpoint import Checkpoint
from sori_server.domain.config import StreamConfig
from sori_server.domain.events import (
    FinalReason,
    NumberedEvent,
    Progress,
    Result,
    SessionStarted,
    SessionSummary,
)
from sori_server.domain.recognition import WindowKind
from sori_server.runtime.response_log import ResponseLog
from sori_server.runtime.resume_point import resume_point
from sori_server.session.core import Session
from sori_server.session.state import State
from support.histories import keys
from support.simulated_engine import FRAME, Behaviour, Engine, Recording, within

STEPS = 50_000
"""Most that may happen until a session is over."""
RAW = AudioFormat(AudioEncoding.LINEAR16)


@dataclass(frozen=True)
class Faults:
    """Chances of a step: a connection is lost, its server leaves, it comes back elsewhere, it is
    acknowledged on."""

    seed: int
    losses: float = 0.05
    drains: float = 0.0
    most_losses: int = 25
    elsewhere: float = 0.5
    acknowledges: float = 0.1
    most_kept: int = 256


@dataclass
class Client:
    """What the client has received, and what of that it would have to throw away: nothing."""

    received: list[NumberedEvent] = field(default_factory=list)
    checkpoint: Checkpoint | None = None

    @property
    def last_sequence(self) -> int:
        return self.received[-1].sequence if self.received else 0

    @property
    def done(self) -> bool:
        return bool(self.received) and isinstance(self.received[-1].event, SessionSummary)

    def receive(self, numbered: NumberedEvent) -> None:
        assert numbered.sequence == self.last_sequence + 1, "a gap or a repetition"
        self.received.append(numbered)
        self.checkpoint = numbered.checkpoint or self.checkpoint


class ResumedHistory:
    """One session over all its connections and servers."""

    def __init__(
        self,
        config: StreamConfig,
        recordings: Sequence[Recording],
        behaviour: Behaviour,
        faults: Faults,
    ) -> None:
        self.config = config
        self.recordings = recordings
        self.behaviour = behaviour
        self.faults = faults
        self.chance = Random(faults.seed)  # noqa: S311
        self.client = Client()
        self.servers = 0
        self.drains = 0
        self.connections = 0
        self.length = recordings[0].length
        self._in_flight: list[NumberedEvent] = []
        self._connected = False
        self._leaving = False
        self._needed_from: list[int] = []
        self._begin(Checkpoint.start(len(recordings)), 0)
        self._connect()

    # ------------------------------------------------------------------- running

    def run(self) -> None:
        """Until the client has everything."""
        for _ in range(STEPS):
            if self.client.done:
                return
            self._step()
        raise AssertionError("the session does not end")

    def _step(self) -> None:
        chance, faults = self.chance, self.faults
        if not self._connected:
            if chance.random() < 0.3:
                self._come_back()
        elif (chance.random() < faults.losses and self.connections <= faults.most_losses) or (
            self._leaving and self._session.state is State.CLOSED
        ):
            self._lose()
        elif faults.drains and chance.random() < faults.drains and self._may_leave:
            self._leave()
        elif not self._log.full and self._session.state is State.OPEN:
            self._send()
        if self._connected and chance.random() < 0.7:
            self._arrive(len(self._in_flight))
        if self._connected and chance.random() < (1 if self._log.full else faults.acknowledges):
            self._arrive(len(self._in_flight))
            self._log.acknowledge(self.client.last_sequence)
        self._work()
        self._drain()

    def _leave(self) -> None:
        """The server ends the session for a client that has more to send."""
        self._session.end_of_audio(FinalReason.SERVER, cut_short=True)
        self._leaving = True
        self.drains += 1

    @property
    def _may_leave(self) -> bool:
        open_still = self._session.state is State.OPEN and self._session.received < self.length
        return open_still and self.connections <= self.faults.most_losses

    def _send(self) -> None:
        session = self._session
        if session.received >= self.length:
            session.end_of_audio()
            return
        most = min(self.behaviour.most_chunk, self.length - session.received)
        count = self.chance.randint(1, most)
        first, last = session.received // FRAME, (session.received + count) // FRAME
        session.receive_audio(count, [r.probabilities[first:last] for r in self.recordings])

    def _work(self) -> None:
        """Answer some of the windows that wait, in any order."""
        waiting = list(self._engine.waiting.values())
        self.chance.shuffle(waiting)
        for request in waiting:
            if self.chance.random() < self.behaviour.slowness:
                continue
            if self._engine.waiting.pop(request.request_id, None) is None:
                continue
            if (
                request.kind is WindowKind.INTERIM
                and self.chance.random() < self.behaviour.interim_failures
            ):
                self._session.receive_failure(request.request_id, "simulated")
            else:
                heard = self._engine.answer(request, self._session.received)
                self._session.receive_hypothesis(request.request_id, heard, 0.1)
            self._drain()

    def _drain(self) -> None:
        """Carry out what the session asks for, and put on the wire what it says."""
        for request in self._session.requests():
            assert request.start >= self._needed_from[request.channel], "discarded audio"
            assert request.start % HOP == 0
            self._engine.waiting[request.request_id] = request
        for request_id in self._session.withdrawn():
            self._engine.waiting.pop(request_id, None)
        self._needed_from = list(self._session.needed_from)
        while (event := self._session.next_event()) is not None:
            if isinstance(event.event, SessionStarted) or (
                event.is_interim and not self._connected
            ):
                continue
            if isinstance(event.event, SessionSummary) and self._leaving:
                continue  # the client gets an error instead
            numbered = self._log.add(event.event, event.checkpoint)
            if self._connected:
                self._tell(numbered)

    # ------------------------------------------------------------------- network

    def _tell(self, numbered: NumberedEvent) -> None:
        self._log.tell(numbered)
        self._in_flight.append(numbered)

    def _arrive(self, count: int) -> None:
        for numbered in self._in_flight[:count]:
            self.client.receive(numbered)
        del self._in_flight[:count]

    def _lose(self) -> None:
        """The connection is lost, with part of what is on it."""
        self._arrive(self.chance.randint(0, len(self._in_flight)))
        self._in_flight.clear()
        self._connected = False

    def _come_back(self) -> None:
        checkpoint = self.client.checkpoint
        if checkpoint is None:  # not even the first response arrived: a new session
            self._begin(Checkpoint.start(len(self.recordings)), 0)
        elif self._leaving or self.chance.random() < self.faults.elsewhere:
            self._begin(checkpoint, self.client.last_sequence)
        self._connect()

    def _begin(self, checkpoint: Checkpoint, last_sequence: int) -> None:
        """A session at a server that knows nothing but this."""
        start = resume_point(checkpoint, RAW).sample
        count = len(self.recordings)
        self._session = Session(self.config, FRAME, count, checkpoint, start)
        self._log = ResponseLog(self.faults.most_kept, checkpoint, last_sequence)
        self._engine = Engine(self.recordings, self.behaviour, self.chance)
        self._needed_from = [start] * count
        self._session.begin("id")
        self._leaving = False
        self.servers += 1

    def _connect(self) -> None:
        started = SessionStarted("id", resumed=bool(self.client.received))
        self._connected = True
        self.connections += 1
        for numbered in self._log.again(self.client.last_sequence, started):
            self._tell(numbered)
        self._drain()

    # -------------------------------------------------------------------- checks

    def check(self) -> None:
        """Every word is in one final that the client has, in order; nothing was taken back."""
        events = [numbered.event for numbered in self.client.received]
        results = [event for event in events if isinstance(event, Result)]
        finals = [result for result in results if result.is_final]
        for index, recording in enumerate(self.recordings):
            tag = index + 1 if self.config.recognition.channels_apart > 1 else 0
            mine = [final for final in finals if final.channel == tag]
            assert [final.utterance_index for final in mine] == sorted(
                {final.utterance_index for final in mine}
            ), "an utterance is final twice"
            for before, after in pairwise(mine):
                assert before.span.end <= after.span.start
            language = self.behaviour.language
            said = [key for final in mine for key in keys(final.text, language)]
            spoken = keys("".join(word.text for word in recording.words), language)
            assert said == spoken
            for final in mine:
                words = within(final.span, recording.words)
                text = "".join(word.text for word in words)
                assert keys(final.text, language) == keys(text, language)
        told = [event for event in events if isinstance(event, Progress)]
        assert [event.final for event in told] == sorted(event.final for event in told)
        position = 0
        for event in events:
            if isinstance(event, Progress):
                position = event.final
            elif isinstance(event, Result) and event.is_final:
                assert event.span.start >= position, "what was final changed"
