"""A model's card is read; a missing one means a stock model."""

from __future__ import annotations

from pathlib import Path

import pytest
from sori_server.engine.capabilities import CARD, Capabilities
from sori_server.engine.models import MINI_FOLDER

pytestmark = pytest.mark.unit


def test_stock_models_bear_nothing_special(tmp_path: Path) -> None:
    stock = Capabilities(
        short_windows=False,
        timestamps=False,
        max_utterance=28.0,
        commit_confidence=0.6,
        context_tokens=208,
        condition_on_previous_text=True,
        languages=(),
    )
    assert Capabilities.of(tmp_path) == Capabilities() == stock
    assert stock.window_slack >= 128 * 0.02


@pytest.mark.parametrize(
    ("card", "slack"),
    [
        ('{"short_windows": true}', 1.28),
        ('{"short_windows": true, "window_slack": 0.5}', 0.5),
        ('{"window_slack": -1}', 0.0),
        ("{}", 2.56),
    ],
)
def test_models_made_for_short_windows_want_less_padding(
    tmp_path: Path, card: str, slack: float
) -> None:
    (tmp_path / CARD).write_text(card, encoding="utf-8")
    assert Capabilities.of(tmp_path).window_slack == slack


def test_mini_reads_short_windows_of_two_languages() -> None:
    mini = Capabilities(
        short_windows=True,
        window_slack=1.28,
        max_utterance=6.0,
        commit_confidence=0.9,
        context_tokens=16,
        condition_on_previous_text=False,
        languages=("en", "ko"),
    )
    assert Capabilities.of(MINI_FOLDER) == mini


def test_no_card_asks_for_more_context_than_there_are_positions(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text('{"context_tokens": 500}', encoding="utf-8")
    assert Capabilities.of(tmp_path).context_tokens == 208


@pytest.mark.parametrize("card", ["[]", "{", '"x"'])
def test_a_broken_card_is_refused(tmp_path: Path, card: str) -> None:
    (tmp_path / CARD).write_text(card, encoding="utf-8")
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        Capabilities.of(tmp_path)
