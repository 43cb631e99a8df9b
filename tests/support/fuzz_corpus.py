"""What fuzz targets are fed: what the explorer kept, hostile bytes with names, and huge ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from support import fuzz_frames, fuzz_heads, fuzz_messages

CORPUS: Final = Path(__file__).parents[1] / "fuzz" / "corpus"


def kept(target: str) -> dict[str, bytes]:
    """What the explorer found for a target and was checked in, by the name of its file."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / target).glob("*.bin"))}


def seeds(target: str) -> Mapping[str, bytes]:
    """Hostile bytes made by hand, by what they are."""
    return _SEEDS[target]()


def huge(target: str) -> Mapping[str, bytes]:
    """Bytes too many to be checked in."""
    return _HUGE.get(target, dict)()


def every(target: str) -> Iterator[tuple[str, bytes]]:
    """All of these."""
    for source in (kept, seeds, huge):
        yield from source(target).items()


_SEEDS: Final = {
    "stream": fuzz_messages.streams,
    "recording": fuzz_messages.recordings,
    "v1": fuzz_frames.v1_frames,
    "plain": fuzz_frames.plain_streams,
    "media": fuzz_heads.heads,
    "token": fuzz_heads.tokens,
    "responses": fuzz_messages.responses,
}
_HUGE: Final = {
    "stream": fuzz_messages.huge_streams,
    "v1": fuzz_frames.huge_v1,
    "plain": fuzz_frames.huge_plain,
    "media": fuzz_heads.huge_heads,
}
