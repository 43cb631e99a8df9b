"""Results as styled text."""

import pytest
from rich.console import Console
from sori_client.types import Result, Word
from sori_server.cli import rendering

pytestmark = pytest.mark.unit

INTERIM = Result(" Four seven", " zero.", False, 0, 1, 0.85, 2.0)


def test_committed_text_is_solid_and_tentative_text_is_not() -> None:
    text = rendering.interim(INTERIM)
    assert text.plain == "Four seven zero."
    (span,) = text.spans
    assert text.plain[span.start : span.end] == " zero."
    assert span.style == rendering.DIM


def test_words_have_their_times() -> None:
    final = Result("", "", True, 0, 1, 0, 1, words=(Word("a", 0.5, 0.9, 1), Word("b", 1.234, 2, 1)))
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(rendering.words(final))
    assert capture.get().strip() == "a 0.50  b 1.23"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0:00.0"), (0.86, "0:00.9"), (59.96, "1:00.0"), (75.5, "1:15.5"), (3661.0, "1:01:01.0")],
)
def test_clock(seconds: float, shown: str) -> None:
    assert rendering.clock(seconds) == shown
