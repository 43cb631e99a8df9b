"""WebSocket protocol v1: every message of the contract, in JSON."""

from __future__ import annotations

import json

from sori.v1 import speech_pb2 as pb

from sori_server.domain.errors import SoriError
from sori_server.domain.limits import Limits
from sori_server.transport.bridge import codec
from sori_server.transport.bridge.errors import error_fields


class V1:
    """A `Dialect` whose client sends its own config."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.patience = limits.config_timeout
        """Seconds the first frame may take."""

    def check(self) -> None:
        """There is nothing to see yet."""

    def opening(self, first: pb.StreamingRecognizeRequest) -> list[pb.StreamingRecognizeRequest]:
        """What a stream begins with whose first frame is `first`: just that."""
        return [first]

    def request_of(self, text: str) -> pb.StreamingRecognizeRequest:
        """The message of a client's text frame.

        Raises:
            ClientError: it is none.
        """
        return codec.request_of(text, self._limits)

    def event_text(self, response: pb.StreamingRecognizeResponse) -> str:
        """The event for a response."""
        return codec.event_text(response)

    def error_text(self, error: SoriError) -> str:
        """The event of type `error`."""
        return json.dumps({"type": "error", **error_fields(error)})  # in ASCII: may be no text
