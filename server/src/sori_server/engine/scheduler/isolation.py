"""What becomes of the jobs of a batch whose worker died: bisection and quarantine. Pure.

One of them may have killed it, but which one is unknown. The batch is retried in halves
until a job is alone. A killer among B jobs is found in at most ceil(log2 B) + 1 crashes
(two when it ran alone from the start); a job that kills nothing always gets its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict(Generic[T]):
    """Groups to try again, each as a batch of its own, and jobs never to be tried again."""

    retry: tuple[tuple[T, ...], ...] = ()
    quarantined: tuple[T, ...] = ()


def isolate(suspects: tuple[T, ...], crashes: int) -> Verdict[T]:
    """Decide on the jobs of a batch after a crash.

    `crashes` counts the crashes each of them was part of, this one included. A job that
    was alone at its first crash is tried once more: workers also die of other causes
    (out of memory, an operator), and a window must not be lost to those.
    """
    if len(suspects) > 1:
        middle = len(suspects) // 2
        return Verdict(retry=(suspects[:middle], suspects[middle:]))
    if crashes == 1 and suspects:
        return Verdict(retry=(suspects,))
    return Verdict(quarantined=suspects)
