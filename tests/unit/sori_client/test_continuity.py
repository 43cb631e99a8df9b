from __future__ import annotations

import pytest
from sori_client import Progress, Result, SpeechEvent, SpeechEventType
from sori_client.continuity import Continuity

pytestmark = pytest.mark.unit


def interim(committed: str, utterance: int = 0, channel: int = 0) -> Result:
    return Result(committed, " maybe", False, utterance, 1, 0.0, 1.0, channel=channel)


def final(text: str, utterance: int = 0) -> Result:
    return Result(text, "", True, utterance, 1, 0.0, 1.0)


def test_everything_passes_while_nothing_was_resumed() -> None:
    continuity = Continuity()
    started = SpeechEvent(SpeechEventType.SPEECH_STARTED, 1.0)
    for event in (started, started, interim("one two"), interim("one"), Progress(1, 1.0, 1.0)):
        assert continuity.passes(event)


def test_committed_words_are_not_taken_back_by_a_server_that_begins_anew() -> None:
    continuity = Continuity()
    assert continuity.passes(interim("one two"))
    continuity.resumed()
    assert not continuity.passes(interim(""))
    assert not continuity.passes(interim("one"))
    assert not continuity.passes(interim("one too"))
    assert continuity.passes(interim("one two three"))
    assert not continuity.passes(interim("one two"))
    assert continuity.passes(interim("", utterance=1))
    assert continuity.passes(interim("", utterance=0, channel=2))


def test_final_text_passes_whatever_was_shown() -> None:
    continuity = Continuity()
    continuity.passes(interim("one two"))
    continuity.resumed()
    assert continuity.passes(final("won too"))
    assert continuity.passes(interim("", utterance=1))


def test_speech_starts_and_ends_once() -> None:
    continuity = Continuity()
    started = SpeechEvent(SpeechEventType.SPEECH_STARTED, 1.0)
    ended = SpeechEvent(SpeechEventType.SPEECH_ENDED, 1.5)
    assert continuity.passes(started)
    assert continuity.passes(ended)
    continuity.resumed()
    assert not continuity.passes(started)
    assert not continuity.passes(ended)
    assert continuity.passes(SpeechEvent(SpeechEventType.SPEECH_STARTED, 1.0, channel=1))
    assert continuity.passes(SpeechEvent(SpeechEventType.SPEECH_STARTED, 2.0))
