"""Streams judged together get what each would have got alone."""

from __future__ import annotations

import numpy as np
import pytest
from sori_server.engine.fake import FakeStreamAudio
from sori_server.engine.joint_hearing import Piece, accept_all
from sori_server.engine.port import FloatArray
from sori_server.engine.shared_audio import SharedAudio
from sori_server.engine.stream_audio import WhisperStreamAudio
from sori_server.engine.vad import StreamingVad
from support.recordings import read_recording

pytestmark = pytest.mark.unit

SPEECH = read_recording("digits_human").samples
PIECES = (1_600, 100, 0, 9_000, 512, 16_000, 3_200)


def test_streams_in_changing_company_hear_what_they_would_alone() -> None:
    """Each at its own place of the recording, in pieces of its own lengths."""
    audios = [SharedAudio(WhisperStreamAudio(80)) for _ in range(5)]
    given: list[list[FloatArray]] = [[] for _ in audios]
    heard: list[list[float]] = [[] for _ in audios]
    places = [20_000 * stream for stream in range(5)]
    for turn in range(12):
        company = [stream for stream in range(5) if (turn + stream) % 3]
        pieces: list[Piece] = []
        for stream in company:
            length = PIECES[(turn + stream) % len(PIECES)]
            samples = SPEECH[places[stream] : places[stream] + length]
            places[stream] += length
            given[stream].append(samples)
            pieces.append((audios[stream], samples))
        for stream, outcome in zip(company, accept_all(pieces), strict=True):
            assert isinstance(outcome, list)
            heard[stream] += outcome
    for audio, samples, probabilities in zip(audios, given, heard, strict=True):
        alone = StreamingVad().accept(np.concatenate(samples))
        assert len(probabilities) == len(alone) > 50
        assert np.allclose(probabilities, alone, atol=1e-5)
        assert audio.received == sum(map(len, samples))


def test_the_audio_is_kept_for_windows() -> None:
    audio, alone = SharedAudio(WhisperStreamAudio(80)), WhisperStreamAudio(80)
    accept_all([(audio, SPEECH[:32_000])])
    alone.accept(SPEECH[:32_000])
    assert np.array_equal(np.asarray(audio.window(1_600, 24_000)), alone.window(1_600, 24_000))


def test_other_streams_are_judged_by_themselves() -> None:
    spoken, fake = np.full(512, 3 / 32_768, np.float32), SharedAudio(FakeStreamAudio())
    whisper = SharedAudio(WhisperStreamAudio(80))
    assert accept_all([(fake, spoken), (whisper, spoken), (FakeStreamAudio(), spoken)]) == [
        [1.0],
        StreamingVad().accept(spoken),
        [1.0],
    ]


def test_one_that_fails_harms_no_other() -> None:
    class Broken(FakeStreamAudio):
        def accept(self, samples: FloatArray) -> list[float]:
            raise MemoryError("no room")

    error, heard = accept_all([(Broken(), SPEECH), (FakeStreamAudio(), np.ones(512, np.float32))])
    assert isinstance(error, MemoryError)
    assert heard == [1.0]


def test_a_run_that_fails_fails_those_that_share_it_and_nobody_waits_for_ever() -> None:
    class Broken(StreamingVad):
        def frames(self, samples: FloatArray) -> FloatArray:
            raise MemoryError("no room")

    broken, sharing = WhisperStreamAudio(80), WhisperStreamAudio(80)
    broken.vad = Broken()
    whispers = [SharedAudio(broken), SharedAudio(sharing)]
    *failed, heard = accept_all(
        [*((audio, SPEECH) for audio in whispers), (FakeStreamAudio(), np.ones(512, np.float32))]
    )
    assert [type(outcome) for outcome in failed] == [MemoryError] * 2
    assert heard == [1.0]
