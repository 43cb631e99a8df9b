"""Speech recognition in messages of the contract, here or at a remote server.

What doors other than gRPC speak to: the bridge does not know which of the two it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sori.v1 import speech_pb2 as pb


class MessageLink(Protocol):
    """One client's stream. One reader and one writer use it."""

    async def read(self) -> pb.StreamingRecognizeRequest | None:
        """The next message, a config first; None when the client sends no more.

        Raises:
            ClientError: what the client sent is no message.
        """

    async def write(self, response: pb.StreamingRecognizeResponse) -> None:
        """Deliver `response`; returns when the transport has taken it."""


class SpeechBackend(Protocol):
    """What `SpeechService` does, without its transport."""

    @property
    def ready(self) -> bool:
        """Whether a new stream would be served, as far as is known without asking."""

    async def stream(self, link: MessageLink, authorization: str = "") -> None:
        """Serve one stream until everything was written.

        `authorization` is what the client has shown of who it is: only who shows the same can
        resume the session.

        Whatever `link` raises other than errors of Sori ends the stream and is raised.

        Raises:
            SoriError: why the stream ended early; the words before it were written.
        """

    async def models(self) -> Sequence[pb.Model]:
        """The models that can be named.

        Raises:
            SoriError: it is not known now.
        """

    async def server_info(self) -> pb.GetServerInfoResponse:
        """Version, limits and load.

        Raises:
            SoriError: it is not known now.
        """
