"""What is wished on the command line is asked of the server."""

from __future__ import annotations

import pytest
from sori_client.config import (
    ChannelMode,
    Endpointing,
    EndpointingMode,
    Replacement,
    StreamConfig,
    Task,
)
from sori_server.cli.wishes import Wishes

pytestmark = pytest.mark.unit


def test_no_wishes_leave_all_to_the_server() -> None:
    assert Wishes().stream_config() == StreamConfig()


def test_every_wish_is_asked_for() -> None:
    wishes = Wishes(
        languages=("ko-KR",),
        switch_languages=True,
        translate=True,
        preset="meeting",
        initial_prompt="Rivers.",
        hotwords=("Sori",),
        replacements=(("um", ""),),
        chunk=2.0,
        overlap=0.5,
        single_utterance=True,
        separate_channels=True,
        words=True,
        interim=True,
        json=True,
    )
    assert wishes.stream_config() == StreamConfig(
        languages=("ko-KR",),
        language_switching=True,
        task=Task.TRANSLATE,
        preset="meeting",
        initial_prompt="Rivers.",
        hotwords=("Sori",),
        replacements=(Replacement("um", ""),),
        endpointing=Endpointing(
            mode=EndpointingMode.FIXED, chunk_duration=2.0, overlap_duration=0.5
        ),
        single_utterance=True,
        channel_mode=ChannelMode.SEPARATE,
        word_times=True,
        interim_results=True,
        voice_activity_events=True,
        latency_breakdown=True,
    )


@pytest.mark.parametrize("wishes", [Wishes(chunk=3.0), Wishes(overlap=0.5)])
def test_either_duration_means_chunks(wishes: Wishes) -> None:
    endpointing = wishes.stream_config().endpointing
    assert endpointing.mode is EndpointingMode.FIXED
    assert endpointing.chunk_duration == wishes.chunk
