"""Where audio comes from. Anything with a `format` and `chunks()` is a source."""

from sori_client.sources.bytes import Bytes
from sori_client.sources.file import File
from sori_client.sources.microphone import Microphone, OverflowPolicy
from sori_client.sources.source import MAX_CHUNK_BYTES, Source
from sori_client.sources.stdin import Stdin

__all__ = [
    "MAX_CHUNK_BYTES",
    "Bytes",
    "File",
    "Microphone",
    "OverflowPolicy",
    "Source",
    "Stdin",
]
