"""What the event loop waits for: lining up long texts, and long WAVE headers byte by byte.

    python bench/event_loop.py

Prints medians in milliseconds.
"""

from __future__ import annotations

import statistics
import struct
import time
from collections.abc import Callable

from sori_server.media.wav import WavDecoder
from sori_server.session.text import align, tokenize

RUNS = 20


def median_ms(run: Callable[[], object]) -> float:
    """The median of some runs."""
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def main() -> None:
    """Print one line a case."""
    for length in (8, 40, 220, 440):
        text = "".join(chr(0x4E00 + i) for i in range(length))
        spoken, other = tokenize(text, "zh"), tokenize("語" + text[1:], "zh")
        took = median_ms(lambda spoken=spoken, other=other: align(spoken, other))
        print(f"line up {length} characters that differ in the first: {took:.2f} ms")
    decoder = WavDecoder()
    empty = b"JUNK" + struct.pack("<I", 0)
    decoder.feed(b"RIFF\xff\xff\xff\xffWAVE" + empty * 7000)
    took = median_ms(lambda: [decoder.feed(bytes([byte])) for byte in empty])
    print(f"8 single bytes after a 56 KB WAVE header: {took:.2f} ms")


if __name__ == "__main__":
    main()
