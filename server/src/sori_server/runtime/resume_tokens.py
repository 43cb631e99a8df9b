"""Tokens that say which session to resume and from where, signed for one client."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sori_server.domain.checkpoint import ChannelPoint, Checkpoint
from sori_server.domain.errors import ResumeTokenInvalid

NONCE_BYTES: Final = 16
LONGEST_TOKEN: Final = 512
"""Characters; those made here have fewer."""

_VERSION: Final = 1
_MAC_BYTES: Final = 16
_HEAD: Final = struct.Struct(f">BBdI{NONCE_BYTES}s")
_POINT: Final = struct.Struct(">QI")


def new_secret() -> bytes:
    """A secret that nobody knows; tokens signed with it are worth nothing to other servers."""
    return secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Turn:
    """One connection of a session: the first has number 1, and each a name of its own."""

    number: int
    nonce: bytes

    def next(self) -> Turn:
        """The turn of the connection after this one."""
        return Turn(self.number + 1, secrets.token_bytes(NONCE_BYTES))

    @classmethod
    def first(cls) -> Turn:
        """The turn of a session's first connection."""
        return Turn(0, b"").next()


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token says: given out in `turn`, good until `expires` without its session.

    A session that is gone goes on at `checkpoint`.
    """

    session_id: str
    turn: Turn
    expires: float
    checkpoint: Checkpoint


class ResumeTokens:
    """Makes and reads tokens of at most `LONGEST_TOKEN` characters.

    A token has the 128 random bits of its turn and a MAC of 128 bits (HMAC-SHA256, cut), which
    covers the client's authorization, too.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since the epoch, as those of other servers with `secret` do."""
        self._secret = secret
        self._clock = clock

    def make(self, ticket: Ticket, authorization: str) -> str:
        """The token for `ticket`, good for a client with this `authorization`."""
        payload = _packed(ticket)
        signed = payload + self._mac(payload, authorization)
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()

    def read(self, token: str, authorization: str) -> Ticket:
        """What `token` says; its time may be over.

        Raises:
            ResumeTokenInvalid: it was not made with this secret for this client.
        """
        if len(token) > LONGEST_TOKEN:
            raise ResumeTokenInvalid
        try:
            padding = "=" * (-len(token) % 4)
            signed = base64.b64decode(token + padding, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise ResumeTokenInvalid from None
        payload, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, authorization)):
            raise ResumeTokenInvalid
        return _unpacked(payload)

    def expiry(self, lifetime: float) -> float:
        """When a token ends that is made now and lives so many seconds."""
        return self._clock() + lifetime

    def expired(self, ticket: Ticket) -> bool:
        """Whether its time is over."""
        return self._clock() > ticket.expires

    def _mac(self, payload: bytes, authorization: str) -> bytes:
        client = hashlib.sha256(authorization.encode()).digest()
        return hmac.digest(self._secret, payload + client, "sha256")[:_MAC_BYTES]


def _packed(ticket: Ticket) -> bytes:
    name, turn = ticket.session_id.encode(), ticket.turn
    head = _HEAD.pack(_VERSION, len(name), ticket.expires, turn.number, turn.nonce)
    points = (_POINT.pack(point.position, point.utterances) for point in ticket.checkpoint.channels)
    return b"".join((head, name, *points))


def _unpacked(payload: bytes) -> Ticket:
    """Of bytes that were packed by this version or another one."""
    try:
        version, length, expires, number, nonce = _HEAD.unpack_from(payload)
        end = _HEAD.size + length
        name = payload[_HEAD.size : end].decode()
        points = tuple(ChannelPoint(*point) for point in _POINT.iter_unpack(payload[end:]))
    except (struct.error, UnicodeDecodeError):
        raise ResumeTokenInvalid from None
    if version != _VERSION or not points:
        raise ResumeTokenInvalid
    return Ticket(name, Turn(number, nonce), expires, Checkpoint(points))
