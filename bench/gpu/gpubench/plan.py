"""What is measured on which model, and in how much of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gpubench.geometry import GEOMETRIES, Geometry


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of one try: streams connect, they settle, then what happens counts."""

    ramp: float
    settled: float
    measured: float

    @property
    def seconds(self) -> float:
        """In all."""
        return self.ramp + self.settled + self.measured


@dataclass(frozen=True, slots=True)
class Search:
    """One capacity search: the most conversational streams with finals within a second."""

    geometry: Geometry
    short_windows: bool
    goal: int
    """Streams that are hoped for; zero where nothing was said."""
    first: int
    """Streams to try first."""
    pace: Pace
    most: int = 2000
    """No more streams than this."""

    @property
    def title(self) -> str:
        """Model and length of windows."""
        windows = "short windows" if self.short_windows else "30 s windows"
        return f"{self.geometry.name}, {windows}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of a run; `micro_share` of the time is for the micro-benchmarks."""

    micro: Geometry
    scale: str
    searches: tuple[Search, ...]
    micro_share: float


def _searches(goals: dict[str, int], pace: Pace) -> tuple[Search, ...]:
    """30 s windows first: they are what stock models need."""
    return tuple(
        Search(GEOMETRIES[name], short, 0 if short else goal, goal or 150, pace)
        for short in (False, True)
        for name, goal in goals.items()
    )


PLANS: Final = {
    "quick": Plan(
        GEOMETRIES["large-v3-turbo"],
        "gpu",
        _searches({"large-v3-turbo": 90, "base": 400}, Pace(6.0, 4.0, 15.0)),
        micro_share=0.25,
    ),
    "full": Plan(
        GEOMETRIES["large-v3-turbo"],
        "gpu",
        _searches({"large-v3-turbo": 90, "base": 400, "small": 0}, Pace(20.0, 10.0, 60.0)),
        micro_share=0.1,
    ),
    "test": Plan(
        GEOMETRIES["tiny-random"],
        "test",
        (Search(GEOMETRIES["tiny-random"], True, 1, 1, Pace(0.5, 0.5, 6.0), most=1),),
        micro_share=0.5,
    ),
}
