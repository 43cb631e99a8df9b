"""Random streams, from their first sample to their last event."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sori_server.domain.config import (
    Adaptation,
    ChannelMode,
    EndpointingConfig,
    EndpointingMode,
    RecognitionConfig,
    Replacement,
    StreamConfig,
    Task,
)
from sori_server.domain.events import (
    FinalReason,
    SessionSummary,
    SingleUtteranceEnded,
    SpeechTimedOut,
)
from sori_server.session.state import State
from support.histories import History
from support.simulated_engine import Behaviour, Runs, recorded

pytestmark = pytest.mark.unit

RUNS = st.lists(
    st.tuples(
        st.sampled_from(["voiced", "voiced", "silent", "silent", "murmur"]),
        st.one_of(st.integers(1, 12), st.integers(1, 80), st.integers(300, 1000)),
    ),
    min_size=1,
    max_size=8,
)
REPLACEMENTS = st.lists(
    st.builds(
        Replacement,
        st.sampled_from(["zero one", "two", "one one two", "零一", "二"]),
        st.sampled_from(["", "0", "a b"]),
    ),
    max_size=2,
)
RECOGNITION = st.builds(
    RecognitionConfig,
    word_times=st.booleans(),
    interim_words=st.sampled_from([False, False, True]),
    task=st.sampled_from([Task.TRANSCRIBE, Task.TRANSCRIBE, Task.TRANSLATE]),
    condition_on_previous_text=st.booleans(),
    language_switching=st.sampled_from([False, False, True]),
    languages=st.sampled_from([(), (), ("en", "zh")]),
    adaptation=st.builds(Adaptation, replacements=REPLACEMENTS.map(tuple)),
)
ENDPOINTING = st.builds(
    EndpointingConfig,
    end_silence=st.sampled_from([0.1, 0.3, 0.5, 2.5, 10.0]),
    min_speech=st.sampled_from([0.0, 0.03, 0.1, 0.5]),
    prefix_padding=st.sampled_from([0.0, 0.1, 0.3, 2.0]),
    speech_threshold=st.sampled_from([0.1, 0.5, 0.9]),
    max_utterance=st.sampled_from([28.0, 28.0, 5.0, 2.0]),
    mode=st.sampled_from([EndpointingMode.VAD, *EndpointingMode]),
    chunk_duration=st.sampled_from([1.0, 2.0, 10.0, 28.0]),
    overlap_duration=st.sampled_from([0.0, 0.2, 0.5]),
)
CONFIGS = st.builds(
    StreamConfig,
    recognition=RECOGNITION,
    endpointing=ENDPOINTING,
    interim_results=st.sampled_from([True, True, True, False]),
    interim_interval=st.sampled_from([0.1, 0.5, 0.5, 3.0]),
    voice_activity_events=st.booleans(),
    progress_interval=st.sampled_from([None, 0.1, 1.0]),
    early_finals=st.sampled_from([True, True, True, False]),
)
BEHAVIOURS = st.builds(
    Behaviour,
    seed=st.integers(0, 2**32),
    language=st.sampled_from(["en", "zh"]),
    word_frames=st.sampled_from([4, 7, 12]),
    slowness=st.sampled_from([0.0, 0.3, 0.8]),
    jitter=st.sampled_from([0.0, 0.3, 1.0]),
    interim_failures=st.sampled_from([0.0, 0.2]),
    interim_losses=st.sampled_from([0.0, 0.0, 0.05]),
    final_failures=st.sampled_from([0.0, 0.0, 0.3]),
    early_failures=st.sampled_from([0.0, 0.0, 0.5]),
    early_delays=st.sampled_from([0.0, 0.5, 1.0]),
    mishearings=st.sampled_from([0.0, 0.0, 0.02, 0.2]),
    finalizes=st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2]),
    most_chunk=st.sampled_from([100, 320, 3200, 8000, 80000]),
    doubts=st.sampled_from([0.0, 0.0, 0.3]),
    unsure=st.sampled_from([0.0, 0.3, 1.0]),
)


def few(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


def history(runs: Runs, config: StreamConfig, behaviour: Behaviour) -> History:
    """One with all that was checked about it."""
    made = History(config, [recorded(runs, config.endpointing, behaviour)], behaviour)
    made.run()
    made.check()
    return made


@few(180)
@given(runs=RUNS, config=CONFIGS, behaviour=BEHAVIOURS)
def test_every_word_is_said_once_whatever_happens(
    runs: Runs, config: StreamConfig, behaviour: Behaviour
) -> None:
    made = history(runs, config, behaviour)
    assert made.session.state is State.CLOSED


@few(30)
@given(talks=st.lists(RUNS, min_size=2, max_size=4), config=CONFIGS, behaviour=BEHAVIOURS)
def test_every_word_of_every_channel_is_said_once(
    talks: list[Runs], config: StreamConfig, behaviour: Behaviour
) -> None:
    apart = replace(config.recognition, channel_mode=ChannelMode.SEPARATE)
    recordings = [
        recorded(runs, config.endpointing, replace(behaviour, seed=behaviour.seed + i))
        for i, runs in enumerate(talks)
    ]
    length = max(recording.length for recording in recordings)
    padded = [recording.padded(length) for recording in recordings]
    made = History(replace(config, recognition=apart), padded, behaviour)
    made.run()
    made.check()


TIMEOUTS = st.sampled_from([None, 0.5, 1.0, 3.0])


@few(80)
@given(
    runs=RUNS,
    config=CONFIGS,
    behaviour=BEHAVIOURS,
    single=st.booleans(),
    start=TIMEOUTS,
    end=TIMEOUTS,
    other=st.sampled_from([100, 3200, 80000]),
)
def test_streams_that_end_by_themselves_say_every_word_before_that(  # noqa: PLR0917
    runs: Runs,
    config: StreamConfig,
    behaviour: Behaviour,
    single: bool,
    start: float | None,
    end: float | None,
    other: int,
) -> None:
    endpointing = replace(config.endpointing, speech_start_timeout=start, speech_end_timeout=end)
    config = replace(config, endpointing=endpointing, single_utterance=single)
    made = history(runs, config, behaviour)
    ends = made.of(SingleUtteranceEnded | SpeechTimedOut)
    assert len(ends) == made.ended_by_itself
    if single:
        assert len(made.finals()) <= 1
        reasons = {FinalReason.END_OF_AUDIO} if not ends else set(FinalReason)
        assert all(result.final_reason in reasons for result in made.finals())
    if ends:
        assert ends[0].position == made.session.received
        kinds = [type(numbered.event) for numbered in made.events]
        assert kinds.index(type(ends[0])) < kinds.index(SessionSummary)
    if not behaviour.finalizes and config.recognition.task is Task.TRANSCRIBE:
        again = history(runs, config, replace(behaviour, most_chunk=other, slowness=0.5))
        assert again.of(SingleUtteranceEnded | SpeechTimedOut) == ends
