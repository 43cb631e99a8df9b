"""What every door of the bridge is built from."""

from __future__ import annotations

from dataclasses import dataclass

from sori_server.domain.limits import Limits
from sori_server.transport.contract.backend import SpeechBackend


@dataclass(frozen=True, slots=True)
class BridgeContext:
    """The speech behind the bridge, and its bounds."""

    backend: SpeechBackend
    limits: Limits
