"""How much of what is shown is taken back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sori_server.evaluation.heard import Display


def deleted_words(displays: Sequence[Sequence[str]]) -> int:
    """Words taken back over successive displays: those after the common beginning of two.

    Source: N. Arivazhagan et al., "Re-translation versus Streaming for Simultaneous
    Translation", IWSLT 2020 (erasure).
    """
    deleted = 0
    for before, after in itertools.pairwise(displays):
        same = 0
        while same < min(len(before), len(after)) and before[same] == after[same]:
            same += 1
        deleted += len(before) - same
    return deleted


def violations(displays: Sequence[Display]) -> int:
    """Results of one utterance that take committed text back, or come after its final."""
    count = 0
    committed, over = "", False
    for display in displays:
        count += over or not display.committed.startswith(committed)
        committed, over = display.committed, over or display.is_final
    return count
