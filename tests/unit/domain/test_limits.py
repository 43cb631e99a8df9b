"""The bounds of the server, and what they must be to each other."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from sori_server.domain.config import LONGEST_UTTERANCE, RecognitionConfig
from sori_server.domain.limits import Limits

pytestmark = pytest.mark.unit

LIMITS = Limits()
DOCS = Path(__file__).parents[3] / "docs/limits.md"
ROW = re.compile(r"^\| `(\w+)` \| ([\d.]+)( KiB| MiB)? \|", re.MULTILINE)
UNITS = {"": 1, " KiB": 1024, " MiB": 1024**2}


@pytest.mark.parametrize("field", dataclasses.fields(Limits), ids=lambda field: field.name)
def test_every_bound_is_above_zero(field: dataclasses.Field[float]) -> None:
    assert getattr(LIMITS, field.name) > 0


def test_a_stream_may_be_behind_by_more_than_one_utterance() -> None:
    assert LIMITS.max_buffered_audio > LONGEST_UTTERANCE


def test_the_default_search_is_allowed() -> None:
    assert RecognitionConfig().beam_size <= LIMITS.max_beam_size


def test_a_chunk_fits_in_a_message() -> None:
    assert LIMITS.max_config_bytes < LIMITS.max_chunk_bytes < LIMITS.max_recording_bytes


def test_two_minutes_of_samples_fit_in_a_request_and_a_stream_holds_no_more_than_6_mib() -> None:
    """As LINEAR16 at the rate of the session; one bound is for the messages of all calls."""
    assert 120 * 32_000 < LIMITS.max_recording_bytes <= 6 * 1024 * 1024


def test_one_address_may_have_all_streams_that_are_let_in_and_ask_besides() -> None:
    """Of a bridge, say."""
    assert LIMITS.max_streams + LIMITS.max_batch_streams < LIMITS.max_calls_per_peer


def test_one_address_leaves_connections_for_others() -> None:
    assert 2 * LIMITS.max_connections_per_peer <= LIMITS.max_connections


def test_every_final_is_waited_for_in_a_drain() -> None:
    assert LIMITS.flush_timeout > LIMITS.write_timeout


def test_all_streams_may_have_a_window_waiting() -> None:
    """A final in the engine and the interim of the next utterance, each."""
    assert LIMITS.max_pending_windows >= 2 * LIMITS.max_streams


def test_every_limit_has_a_line_in_the_docs_with_its_number() -> None:
    rows = ROW.findall(DOCS.read_text(encoding="utf-8"))
    told = {name: float(number) * UNITS[unit] for name, number, unit in rows}
    assert len(rows) == len(told), "each has one line"
    assert told == dataclasses.asdict(LIMITS)
