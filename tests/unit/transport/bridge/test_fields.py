"""Fields of forms: what they stand for, and what they must not be."""

from __future__ import annotations

import pytest
from sori_server.domain.errors import InvalidConfig
from sori_server.transport.bridge.fields import Fields, plain_name

pytestmark = pytest.mark.unit

FIELDS = Fields({"one": ["a"], "two": ["a", "b"], "empty": [""], "yes": ["1"], "no": ["false"]})


def test_values_by_name() -> None:
    assert FIELDS.text("one") == "a"
    assert FIELDS.texts("two") == ["a", "b"]
    assert FIELDS.choice("one", {"a": 1}, 2) == 1
    assert (FIELDS.flag("yes"), FIELDS.flag("no")) == (True, False)


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_what_is_empty_was_not_given(name: str) -> None:
    assert FIELDS.text(name) == ""
    assert FIELDS.texts(name) == []
    assert FIELDS.choice(name, {"a": 1}, 2) == 2
    assert FIELDS.flag(name) is False


def test_a_field_is_named_when_it_is_wrong() -> None:
    with pytest.raises(InvalidConfig, match="two: given more than once"):
        FIELDS.text("two")
    with pytest.raises(InvalidConfig, match="one: 'a' is none of b, c"):
        FIELDS.choice("one", {"b": 1, "c": 2}, 1)
    with pytest.raises(InvalidConfig, match="one: 'a' is none of true, 1, false, 0"):
        FIELDS.flag("one")


@pytest.mark.parametrize(
    ("written", "plain"), [("a", "a"), ("a[]", "a"), ("a[b]", "a"), ("[]", ""), ("", "")]
)
def test_brackets_do_not_belong_to_a_name(written: str, plain: str) -> None:
    assert plain_name(written) == plain
