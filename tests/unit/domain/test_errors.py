"""The tree of errors is the one described, and its reasons are those of the contract."""

from __future__ import annotations

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sori.v1 import speech_pb2 as pb
from sori_server.domain import errors
from sori_server.domain.errors import (
    LONGEST_QUOTE,
    AudioGap,
    ClientError,
    InvalidConfig,
    SoriError,
    quoted,
)

pytestmark = pytest.mark.unit

TREE = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, SoriError)
}
ON_THE_WIRE = {name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.keys()[1:]}
GROUPS = {"SoriError", "ClientError", "Unavailable", "EngineError"}
"""Never raised themselves."""
NEVER_SENT = {"AddressUnavailable", "RequestCancelled"}
"""One before there is a client, one for windows that nobody waits for."""


def described() -> dict[str, str]:
    """Each class of the tree in the module's description, and the one it stands under."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ([│├└─ ]*)([A-Z]\w+)\b", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        del path[depth:]
        parents[match[2]] = path[-1] if path else "Exception"
        path.append(match[2])
    return parents


def test_the_tree_is_the_one_described() -> None:
    bases = {name: value.__bases__[0].__name__ for name, value in TREE.items()}
    assert bases == described()


@pytest.mark.parametrize("name", sorted(TREE.keys() - GROUPS - NEVER_SENT))
def test_reasons_are_those_of_the_contract(name: str) -> None:
    assert TREE[name].reason in ON_THE_WIRE


def test_every_reason_of_the_contract_is_that_of_one_error() -> None:
    reasons = [TREE[name].reason for name in TREE.keys() - GROUPS - NEVER_SENT]
    assert sorted(reasons) == sorted(ON_THE_WIRE)


@pytest.mark.parametrize("name", sorted(NEVER_SENT))
def test_reasons_that_are_never_sent_are_not_in_the_contract(name: str) -> None:
    assert TREE[name].reason not in ON_THE_WIRE


def test_what_the_caller_has_to_fix_is_not_tried_again() -> None:
    assert {name for name, error in TREE.items() if error.retryable} == {
        "CapacityExhausted",
        "Unavailable",
        "ServerDraining",
        "ModelLoading",
        "UpstreamUnavailable",
        "EngineUnavailable",
    }
    assert not any(error.retryable for error in TREE.values() if issubclass(error, ClientError))


def test_errors_do_not_share_their_facts() -> None:
    one, other = SoriError("one"), SoriError("other")
    one.metadata["limit"] = "1"
    assert other.metadata == {}
    assert one.retry_after is None


def test_a_wrong_field_is_named_in_the_message_and_in_the_facts() -> None:
    error = InvalidConfig("config.model", "is odd", limit="3")
    assert str(error) == "config.model: is odd"
    assert (error.field, error.description) == ("config.model", "is odd")
    assert error.metadata == {"field": "config.model", "limit": "3"}


def test_a_gap_tells_both_counts() -> None:
    error = AudioGap(10, 12, "audio.byte_offset")
    assert str(error) == "audio.byte_offset: 10 bytes were received, 12 were announced"
    assert error.metadata == {"received_bytes": "10", "announced_bytes": "12"}


@given(st.text(max_size=LONGEST_QUOTE))
def test_short_texts_are_quoted_as_they_are(text: str) -> None:
    assert quoted(text) == repr(text)


@given(st.text(min_size=LONGEST_QUOTE + 1))
def test_long_texts_are_cut(text: str) -> None:
    assert quoted(text) == repr(text[:LONGEST_QUOTE] + "…")
