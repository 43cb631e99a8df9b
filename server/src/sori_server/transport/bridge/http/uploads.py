"""Forms with a file: received within bounds of size, number and time, and kept on disk."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import FileIO
from tempfile import TemporaryFile
from typing import Final

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from sori_server.domain.errors import (
    CapacityExhausted,
    IdleTimeout,
    InvalidAudio,
    InvalidConfig,
    MessageTooLarge,
    ServerDraining,
    quoted,
)
from sori_server.domain.limits import Limits
from sori_server.transport.bridge.fields import Fields, plain_name
from sori_server.transport.bridge.http.disk import Disk

PIECE: Final = 64 * 1024
"""Bytes written to disk at a time, in a thread: a disk may keep its writer waiting."""

_MALFORMED: Final = (
    AssertionError,
    LookupError,
    RuntimeError,
    ValueError,
    HttpProcessingError,
    web.RequestPayloadError,
)
"""What aiohttp's reader of multipart bodies raises, its own assertions included."""


@dataclass(frozen=True, slots=True)
class FormKind:
    """The fields a form may have. Those that are `ignored` do nothing."""

    file: str
    fields: frozenset[str]
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was received: its file, of `size` bytes, at its beginning."""

    file: FileIO
    size: int
    fields: Fields
    disk: Disk

    async def read(self, most: int) -> bytes:
        """The next bytes of the file; none at its end."""
        return await self.disk.do(self.file.read, most) or b""


class Uploads:
    """Receives forms, `max_uploads` at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open = 0
        self._receiving: set[_Reception] = set()
        self._leaving = False
        self._disk = Disk()

    async def close(self) -> None:
        """Let go of the disk; nothing is received any more."""
        await self._disk.close()

    def begin_drain(self) -> None:
        """Take no more files; those that have not come yet are not waited for."""
        self._leaving = True
        for reception in self._receiving:
            reception.give_up()

    @asynccontextmanager
    async def receive(self, request: web.Request, kind: FormKind) -> AsyncIterator[Form]:
        """The form a request brings. Its file has no name, and is gone after the context.

        Raises:
            CapacityExhausted: there are too many already, or the disk is full.
            ServerDraining: the server leaves.
            MessageTooLarge: the file or the other fields are larger than allowed.
            IdleTimeout: the body comes too slowly.
            InvalidConfig: it is no such form, or has a field that is not known.
        """
        limits = self._limits
        if self._leaving:
            raise _draining(limits)
        if self._open >= limits.max_uploads:
            raise CapacityExhausted(
                f"{limits.max_uploads} files are being received or recognized",
                metadata={"max_uploads": str(limits.max_uploads)},
                retry_after=limits.retry_delay,
            )
        _check_head(request, kind, limits)
        self._open += 1
        try:
            with TemporaryFile(buffering=0) as file:
                yield await self._received(_Reception(request, kind, file, self._disk, limits))
        finally:
            self._open -= 1

    async def _received(self, reception: _Reception) -> Form:
        self._receiving.add(reception)
        try:
            return await reception.form()
        finally:
            self._receiving.discard(reception)


def _draining(limits: Limits) -> ServerDraining:
    return ServerDraining("the server is shutting down", retry_after=limits.retry_delay)


def _check_head(request: web.Request, kind: FormKind, limits: Limits) -> None:
    if request.content_type != "multipart/form-data":
        raise InvalidConfig(
            "Content-Type", f"{quoted(request.content_type)} is not 'multipart/form-data'"
        )
    around = 2 * limits.max_form_bytes  # fields, and as much again for what separates them
    if (request.content_length or 0) > limits.max_upload_bytes + around:
        raise MessageTooLarge(kind.file, limits.max_upload_bytes)


class _Reception:
    """Reads one form."""

    def __init__(
        self, request: web.Request, kind: FormKind, file: FileIO, disk: Disk, limits: Limits
    ) -> None:
        self._request = request
        self._kind = kind
        self._file = file
        self._disk = disk
        self._limits = limits
        self._deadline = asyncio.timeout(limits.body_grace)
        self._started = asyncio.get_running_loop().time()
        self._given_up = False
        self._size: int | None = None
        self._field_bytes = 0
        self._values: defaultdict[str, list[str]] = defaultdict(list)

    def give_up(self) -> None:
        """Wait for no more bytes."""
        self._given_up = True
        if not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    async def form(self) -> Form:
        try:
            async with self._deadline:
                await self._read_parts(await self._request.multipart())
        except TimeoutError:
            if self._given_up:
                raise _draining(self._limits) from None
            raise IdleTimeout(
                f"the body came at less than {self._limits.min_body_rate:g} bytes a second",
                metadata={"min_body_rate": f"{self._limits.min_body_rate:g}"},
            ) from None
        except _MALFORMED:
            raise InvalidConfig("body", "it is no complete multipart/form-data") from None
        if self._size is None:
            raise InvalidConfig(self._kind.file, "missing; it is the file to recognize")
        if self._size == 0:
            raise InvalidAudio(self._kind.file, "the file is empty")
        self._file.seek(0)
        return Form(self._file, self._size, Fields(self._values), self._disk)

    async def _read_parts(self, reader: MultipartReader) -> None:
        parts = 0
        while (part := await reader.next()) is not None:
            parts += 1
            if parts > self._limits.max_form_parts:
                most = self._limits.max_form_parts
                raise InvalidConfig("body", f"at most {most} fields are allowed", limit=str(most))
            if not isinstance(part, BodyPartReader) or not part.name:
                raise InvalidConfig("body", "each part must be a field with a name")
            await self._read_part(part.name, part)

    async def _read_part(self, given_name: str, part: BodyPartReader) -> None:
        name, kind = plain_name(given_name), self._kind
        if name == kind.file:
            await self._read_file(name, part)
        elif name in kind.fields:
            self._values[name].append(await self._read_field(name, part))
        elif name in kind.ignored:
            await self._read_field(name, part)
        else:
            known = ", ".join(sorted({kind.file, *kind.fields}))
            raise InvalidConfig(given_name[:64], f"no field of this form; there are {known}")

    async def _read_file(self, name: str, part: BodyPartReader) -> None:
        if self._size is not None:
            raise InvalidConfig(name, "given more than once")
        self._size, waiting = 0, bytearray()
        async for piece in self._pieces(part):
            self._size += len(piece)
            if self._size > self._limits.max_upload_bytes:
                raise MessageTooLarge(name, self._limits.max_upload_bytes)
            waiting += piece
            if len(waiting) >= PIECE:
                await self._write(waiting)
                waiting = bytearray()
        await self._write(waiting)

    async def _read_field(self, name: str, part: BodyPartReader) -> str:
        value = bytearray()
        self._field_bytes += len(name)
        async for piece in self._pieces(part):
            self._field_bytes += len(piece)
            if self._field_bytes > self._limits.max_form_bytes:
                raise MessageTooLarge(name, self._limits.max_form_bytes)
            value += piece
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise InvalidConfig(name, "it is not UTF-8 text") from None

    async def _pieces(self, part: BodyPartReader) -> AsyncIterator[bytes]:
        """The bytes of a part; what has come buys time for the rest, `body_grace` at most."""
        loop, grace = asyncio.get_running_loop(), self._limits.body_grace
        while not part.at_eof():
            piece = await part.read_chunk(PIECE)
            bought = self._request.content.total_bytes / self._limits.min_body_rate
            if not self._given_up:
                self._deadline.reschedule(min(self._started + bought, loop.time()) + grace)
            yield piece

    async def _write(self, data: bytearray) -> None:
        try:
            await self._disk.do(_write_all, self._file, data)
        except OSError as error:
            raise CapacityExhausted(
                "there is no room for the file", retry_after=self._limits.retry_delay
            ) from error


def _write_all(file: FileIO, data: bytearray) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
