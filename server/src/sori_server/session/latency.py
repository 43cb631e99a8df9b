"""How long a client waited for a result."""

from __future__ import annotations

from sori_server.domain.audio import seconds
from sori_server.domain.events import Latency
from sori_server.domain.recognition import EngineTiming


def latency(timing: EngineTiming, elapsed: float, waited: int = 0, ahead: int = 0) -> Latency:
    """Where the time went from the moment a text was wanted until it was there.

    A window asked for `ahead` samples before its text was wanted is read in the meantime: that
    much of the `elapsed` seconds nobody waited for. What is left is its end, so that of a text
    that was there in time no part is left.
    """
    if not ahead:
        total, queue, preprocessing = elapsed, timing.queue, timing.preprocessing
        inference = timing.inference
    else:
        total = max(elapsed - seconds(ahead), 0.0)
        inference = min(timing.inference, total)
        preprocessing = min(timing.preprocessing, total - inference)
        queue = min(timing.queue, total - inference - preprocessing)
    return Latency(
        total=total,
        queue=queue,
        preprocessing=preprocessing,
        inference=inference,
        endpointing=seconds(waited),
        batch_size=timing.batch_size,
    )
