from __future__ import annotations

import inspect
import re

import pytest
from sori_client import errors

pytestmark = pytest.mark.unit


def test_the_tree_in_the_documentation_is_the_tree() -> None:
    documented: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line):
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            documented[found[2]] = path[depth - 1] if depth else "Exception"
    actual = {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, Exception)
    }
    assert documented == actual


def test_what_may_be_tried_again_is_marked_in_the_documentation() -> None:
    marked = set(re.findall(r"(\w+) .* retryable$", errors.__doc__ or "", re.MULTILINE))
    retryable = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.SoriClientError) and kind._retryable
    }
    assert (
        marked
        == retryable
        == {
            "Overloaded",
            "Unavailable",
            "ConnectionLost",
            "DeadlineExceeded",
        }
    )


def test_errors_of_the_client_have_no_status() -> None:
    error = errors.SequenceError(3, 5)
    assert (error.code, error.reason, error.retry_after, dict(error.metadata)) == (
        None,
        "",
        None,
        {},
    )
    assert not error.retryable
    assert str(error) == "response missing: expected number 3, received 5"
    assert "repeated" in str(errors.SequenceError(3, 2))
