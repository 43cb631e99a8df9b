"""Every file of the corpus, every hostile seed, and what they become when they are damaged."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sori_server.transport.bridge import codec
from sori_server.transport.grpc import service
from support import fuzz_targets
from support.fuzz_corpus import CORPUS, every, kept, seeds
from support.fuzz_targets import TARGETS, packed, unpacked

pytestmark = pytest.mark.fuzz

MOST_FILES = 60
LONGEST = 4_096
MOST_BYTES = 300 * 1024

targets = pytest.mark.parametrize("target", TARGETS)


@targets
def test_nothing_kept_breaks_its_target(target: str) -> None:
    for name, data in every(target):
        try:
            TARGETS[target](data)
        except Exception as error:
            error.add_note(f"{target}: {name}")
            raise


@st.composite
def damages(draw: st.DrawFn, target: str) -> bytes:
    """Two inputs joined anywhere, some bytes of them flipped, the end cut off."""
    inputs = [*kept(target).values(), *seeds(target).values()]
    one, other = draw(st.sampled_from(inputs)), draw(st.sampled_from(inputs))
    chance = draw(st.randoms(use_true_random=False))
    data = bytearray(one[: chance.randint(0, len(one))] + other[chance.randint(0, len(other)) :])
    for _ in range(chance.choice([0, 1, 1, 2, 8])):
        flip(data, chance)
    return bytes(data[: draw(st.integers(0, len(data)))] if chance.random() < 0.3 else data)


def flip(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


@targets
def test_no_damage_breaks_a_target(target: str) -> None:
    @settings(max_examples=50, derandomize=True, database=None)
    @given(damages(target))
    def damaged(data: bytes) -> None:
        TARGETS[target](data)

    damaged()


def test_an_error_that_is_not_documented_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("nobody expects it")

    monkeypatch.setattr(codec, "json_object", broken)
    monkeypatch.setattr(fuzz_targets.requests, "stream_config", broken)
    monkeypatch.setattr(service, "recording_config", broken)
    for target in ("v1", "plain", "stream", "recording"):
        with pytest.raises(KeyError, match="nobody"):
            test_nothing_kept_breaks_its_target(target)


def test_the_corpus_is_there_and_small() -> None:
    files = sorted(CORPUS.glob("*/*"))
    assert {path.parent.name for path in files} == set(TARGETS)
    assert all(path.suffix == ".bin" and path.stat().st_size <= LONGEST for path in files)
    assert max(len(kept(target)) for target in TARGETS) <= MOST_FILES
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


@given(st.lists(st.binary(max_size=9)), st.binary(max_size=9))
def test_messages_come_out_of_an_input_as_they_went_in(messages: list[bytes], rest: bytes) -> None:
    assert unpacked(packed(messages)) == messages
    assert unpacked(packed(messages) + rest)[: len(messages)] == messages
