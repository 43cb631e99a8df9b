"""A session that goes on from what was told of it, at a server that knows nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.checkpoint import ChannelPoint, Checkpoint
from sori_server.domain.config import (
    ChannelMode,
    EndpointingConfig,
    RecognitionConfig,
    StreamConfig,
)
from sori_server.domain.events import FinalReason, SessionSummary, SingleUtteranceEnded
from sori_server.session.core import Session
from sori_server.session.state import State

pytestmark = pytest.mark.unit

FRAME = 512
WARM_UP = 31
"""Frames that are heard again."""


def config(
    channels: int = 1, *, single_utterance: bool = False, **endpointing: float
) -> StreamConfig:
    audio = AudioFormat(AudioEncoding.LINEAR16, channels=channels)
    mode = ChannelMode.SEPARATE if channels > 1 else ChannelMode.MIX
    return StreamConfig(
        RecognitionConfig(audio, channel_mode=mode),
        endpointing=EndpointingConfig(**endpointing),  # type: ignore[arg-type]
        single_utterance=single_utterance,
    )


def resumed(config: StreamConfig, *points: ChannelPoint) -> Session:
    checkpoint = Checkpoint(points)
    start = checkpoint.position - WARM_UP * FRAME
    return Session(config, FRAME, len(points), checkpoint, start)


def hear(session: Session, frames: int, *voiced: bool) -> None:
    """So many frames, if it takes them; by channel, whether there is speech in them."""
    for _ in range(frames):
        if session.state is State.OPEN:
            session.receive_audio(FRAME, [[float(each)] for each in voiced])


def told(session: Session) -> Checkpoint:
    """Where a client goes on that has heard everything."""
    session.report_progress()
    return [each.checkpoint for each in events(session) if each.checkpoint][-1]


def events(session: Session) -> Sequence[object]:
    return list(iter(session.next_event, None))


def lose_all(session: Session) -> None:
    """No window has text; each utterance is final without."""
    withdrawn = set(session.withdrawn())
    for request in session.requests():
        if request.request_id not in withdrawn:
            session.receive_failure(request.request_id, "simulated")


def test_a_channel_that_was_ahead_is_not_taken_back_when_the_server_leaves() -> None:
    behind, ahead = ChannelPoint(100 * FRAME, 1), ChannelPoint(200 * FRAME, 3)
    for cut_short in (True, False):
        session = resumed(config(2), behind, ahead)
        hear(session, WARM_UP + 10, False, False)
        session.end_of_audio(FinalReason.SERVER, cut_short=cut_short)
        assert session._checkpoint.channels[1] == ahead


def test_what_was_cut_short_goes_on_before_what_may_be_the_begin_of_speech() -> None:
    session = Session(config(prefix_padding=0.3), FRAME)
    hear(session, 30, True)
    hear(session, 60, False)
    session.receive_audio(500, [[]])
    before = told(session)
    session.end_of_audio(FinalReason.SERVER, cut_short=True)
    assert session._checkpoint.channels[0].position == before.channels[0].position
    lose_all(session)
    after = session._checkpoint.channels[0]
    assert after.utterances == 1
    assert after.position <= session.received - 500 - 0.3 * 16_000


def test_after_the_end_of_audio_nothing_is_left_to_go_on_with() -> None:
    """Not even silence: what was told of a session that is over does not go back elsewhere."""
    session = Session(config(2), FRAME, 2)
    hear(session, 20, True, False)
    hear(session, 60, False, False)
    session.receive_audio(500, [[], []])
    session.end_of_audio()
    lose_all(session)
    position = session.received
    assert session._checkpoint.channels == (ChannelPoint(position, 1), ChannelPoint(position, 0))


def test_what_is_heard_again_ends_no_session() -> None:
    before = ChannelPoint(2_000 * FRAME, 3)
    session = resumed(config(speech_start_timeout=5.0), before)
    hear(session, WARM_UP + 100, False)
    assert session.state is State.OPEN
    session = resumed(config(speech_end_timeout=5.0), before)
    hear(session, WARM_UP + 100, False)
    assert session.state is State.OPEN
    hear(session, 100, False)
    assert session.state is State.CLOSED, "five seconds after it goes on"


def test_a_single_utterance_that_is_over_ends_the_session_behind_it() -> None:
    before = ChannelPoint(2_000 * FRAME, 1)
    session = resumed(config(single_utterance=True), before)
    hear(session, WARM_UP + 1, False)
    ends = [each.event for each in events(session)]  # type: ignore[attr-defined]
    assert [type(each) for each in ends] == [SingleUtteranceEnded, SessionSummary]
    assert ends[0].position > before.position
