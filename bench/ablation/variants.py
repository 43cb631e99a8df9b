"""What is turned off, one thing at a time: the table of the ablations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sori_server.engine.scheduler.policy import Order, Policy


@dataclass(frozen=True, slots=True)
class Variant:
    """A server with something turned off.

    `settings`, `limits`, `capabilities` and `stream` are fields of the values of those names
    (`StreamConfig` for `stream`) that differ from what is served with; without `gated`,
    silence is recognized, too.
    """

    title: str
    policy: Policy = field(default_factory=Policy)
    settings: Mapping[str, object] = field(default_factory=dict)
    limits: Mapping[str, object] = field(default_factory=dict)
    capabilities: Mapping[str, object] = field(default_factory=dict)
    stream: Mapping[str, object] = field(default_factory=dict)
    gated: bool = True


AS_BUILT: Final = "as-built"

VARIANTS: Final[Mapping[str, Variant]] = MappingProxyType(
    {
        AS_BUILT: Variant("as built"),
        "fifo": Variant("first come, first served", Policy(order=Order.FIFO)),
        "no-coalescing": Variant("every interim as it was asked for", Policy(coalesce=False)),
        "no-gating": Variant("silence is recognized, too", gated=False),
        "no-buckets": Variant(
            "windows of any length, padded to none", capabilities={"buckets": False}
        ),
        "no-short-windows": Variant(
            "all windows padded to 30 s", settings={"short_windows": "off"}
        ),
        "no-adaptive-interval": Variant(
            "interims as often under load", Policy(adaptive_interims=False)
        ),
        "batch-1": Variant("one window a call", limits={"max_batch": 1, "max_decode_batch": 1}),
        "one-call": Variant("one call at a time, of all threads", settings={"parallel_calls": 1}),
        "no-early-finals": Variant(
            "finals asked for after the silence", stream={"early_finals": False}
        ),
        "whole-calls": Variant("encoding and decoding in one call", Policy(split_phases=False)),
    }
)
"""By the name that `--variant` takes."""
