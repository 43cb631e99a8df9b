"""What windows of one call share, and the length rules of CTranslate2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori_server.domain.recognition import DecodingOptions
from sori_server.engine.capabilities import CONTEXT_TOKENS, Capabilities
from sori_server.engine.shapes import (
    BUCKETS,
    MAX_FRAMES,
    decoding_shape,
    frames_used,
    max_length,
)

pytestmark = pytest.mark.unit

SHORT, STOCK = Capabilities(short_windows=True), Capabilities()
GREEDY = DecodingOptions()


@pytest.mark.parametrize(
    ("frames", "bucket"),
    [(1, 200), (100, 200), (101, 300), (700, 800), (701, 1000), (2301, 3000), (3000, 3000)],
)
def test_short_windows_go_to_the_smallest_bucket_with_room_to_spare(
    frames: int, bucket: int
) -> None:
    capabilities = Capabilities(short_windows=True, window_slack=1.0)
    assert decoding_shape(frames, 0, GREEDY, capabilities).frames == bucket


@given(st.integers(1, MAX_FRAMES), st.sampled_from([0.0, 1.0, 2.56]), st.booleans())
def test_no_window_is_cut_too_long_or_taken_for_features(
    frames: int, slack: float, buckets: bool
) -> None:
    capabilities = Capabilities(short_windows=True, window_slack=slack, buckets=buckets)
    padded = decoding_shape(frames, 0, GREEDY, capabilities).frames
    assert min(frames + round(100 * slack), MAX_FRAMES) <= padded <= MAX_FRAMES
    assert (padded + 1) // 2 not in (80, 128)
    if buckets:
        assert padded in BUCKETS
    else:
        assert padded <= frames + round(100 * slack) + 3


@given(st.integers(1, MAX_FRAMES))
def test_stock_models_always_get_thirty_seconds(frames: int) -> None:
    assert decoding_shape(frames, 0, GREEDY, STOCK).frames == MAX_FRAMES
    assert frames_used(STOCK) == (MAX_FRAMES,)
    assert frames_used(SHORT) == BUCKETS


def test_the_token_cap_grows_with_the_speech_and_not_with_the_padding() -> None:
    for capabilities in (STOCK, SHORT):
        shapes = {decoding_shape(n, 0, GREEDY, capabilities) for n in range(1, MAX_FRAMES + 1)}
        caps = [decoding_shape(b - 100, 0, GREEDY, capabilities).new_tokens for b in BUCKETS]
        assert caps == sorted(caps)
        assert caps[0] < 100
        assert caps[-1] == 224
        assert len(shapes) <= len(BUCKETS), "a cap parts no windows of equal length"


def test_whatever_cannot_share_a_call_makes_another_shape() -> None:
    options = [GREEDY, DecodingOptions(beam_size=5), DecodingOptions(word_times=True)]
    options += [DecodingOptions(temperature=0.4)]
    shapes = {decoding_shape(200, length, o, SHORT) for o in options for length in (0, 16, 32)}
    assert len(shapes) == 12


@given(st.integers(1, 224), st.integers(0, CONTEXT_TOKENS), st.integers(2, 5))
def test_max_length_lets_the_wanted_tokens_through(
    new_tokens: int, context: int, task_tokens: int
) -> None:
    prompt = task_tokens + (context + 1 if context else 0)
    length, start = max_length(prompt, new_tokens), prompt - 1
    assert min(length // 2, length - start) == new_tokens
    assert length <= 448
