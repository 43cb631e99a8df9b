"""One server for all tests that leave it alone."""

from collections.abc import Iterator

import pytest
from support.command_line import Serving, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Serving]:
    with serving() as server:
        yield server
