"""Sessions of every kind whose connection is lost, each told by its seed. Pure."""

from __future__ import annotations

from random import Random

from sori_server.domain.audio import AudioEncoding, AudioFormat
from sori_server.domain.config import (
    ChannelMode,
    EndpointingConfig,
    EndpointingMode,
    RecognitionConfig,
    StreamConfig,
)
from support.resumed_histories import Faults, ResumedHistory
from support.simulated_engine import Behaviour, Runs, recorded


def runs(chance: Random) -> Runs:
    kinds = [chance.choice(["voiced", "silent", "voiced", "silent", "murmur"]) for _ in range(4)]
    return [(kind, chance.choice([5, 20, 60, 150, 400])) for kind in kinds]


def history(seed: int, channels: int = 1) -> ResumedHistory:
    """One of a kind for each seed."""
    chance = Random(seed)  # noqa: S311
    endpointing = EndpointingConfig(
        mode=chance.choice(list(EndpointingMode)),
        end_silence=chance.choice([0.1, 0.5, 2.5]),
        min_speech=chance.choice([0.0, 0.03, 0.1]),
        prefix_padding=chance.choice([0.0, 0.3, 2.0]),
        max_utterance=chance.choice([28.0, 5.0, 2.0]),
        chunk_duration=chance.choice([1.0, 2.0, 10.0]),
        overlap_duration=chance.choice([0.0, 0.2, 0.5]),
    )
    apart = ChannelMode.SEPARATE if channels > 1 else ChannelMode.MIX
    recognition = RecognitionConfig(
        AudioFormat(AudioEncoding.LINEAR16, channels=channels),
        channel_mode=apart,
        word_times=chance.random() < 0.5,
        condition_on_previous_text=chance.random() < 0.5,
    )
    config = StreamConfig(
        recognition=recognition,
        endpointing=endpointing,
        interim_results=chance.random() < 0.7,
        progress_interval=chance.choice([None, 0.1, 1.0]),
        early_finals=chance.random() < 0.8,
    )
    behaviour = Behaviour(
        seed=seed,
        language=chance.choice(["en", "zh"]),
        word_frames=chance.choice([4, 7, 12]),
        slowness=chance.choice([0.0, 0.3, 0.8]),
        jitter=chance.choice([0.0, 0.3, 1.0]),
        most_chunk=chance.choice([320, 3200, 8000, 40000]),
    )
    faults = Faults(
        seed,
        losses=chance.choice([0.0, 0.02, 0.1, 0.4]),
        drains=Random(seed).choice([0.0, 0.0, 0.02, 0.1]),  # noqa: S311
        elsewhere=chance.choice([0.0, 0.5, 1.0]),
        acknowledges=chance.choice([0.0, 0.1, 0.9]),
        most_kept=chance.choice([4, 256]),
    )
    spoken = [recorded(runs(chance), endpointing, behaviour) for _ in range(channels)]
    length = max(recording.length for recording in spoken)
    return ResumedHistory(config, [each.padded(length) for each in spoken], behaviour, faults)
