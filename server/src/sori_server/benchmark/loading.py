"""One run: streams dealt to processes, their records, and the server's use of the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sori_server.benchmark.generator_process import run_shares
from sori_server.benchmark.measuring import Period
from sori_server.benchmark.records import Pulse, Share
from sori_server.benchmark.scripts import StreamPlan
from sori_server.benchmark.summing import Run
from sori_server.benchmark.target import Target
from sori_server.benchmark.usage import UsageWatch

TAIL: Final = 2.0
"""Seconds streams go on after the time measured: nothing counted ends with its stream."""

Told = Callable[[int, Pulse], None]


@dataclass(frozen=True, slots=True)
class Load:
    """What is run against a target, and how it is measured."""

    plans: tuple[StreamPlan, ...]
    warm_up: float
    duration: float
    processes: int
    by_final: bool

    @property
    def ends(self) -> float:
        """When streams stop sending."""
        return self.warm_up + self.duration + TAIL

    def shares(self, target: Target) -> list[Share]:
        """Measured streams dealt to the processes; those that disturb have one of their own."""
        steady = [plan for plan in self.plans if plan.measured]
        hands = [steady[k :: self.processes] for k in range(self.processes)]
        hands.append([plan for plan in self.plans if not plan.measured])
        return [Share(target, tuple(hand), self.ends) for hand in hands if hand]


async def run_load(target: Target, load: Load, pid: int | None, told: Told) -> Run:
    """Run it to the end; `pid` is the server's process, if it is on this machine.

    Raises:
        EngineUnavailable: a process of the generator failed.
    """
    usage = UsageWatch(pid) if pid is not None else None
    async with asyncio.TaskGroup() as watching:
        watcher = watching.create_task(usage.watch()) if usage else None
        zero, shares = await run_shares(load.shares(target), told)
        if watcher:
            watcher.cancel()
    return Run(
        plans=load.plans,
        shares=shares,
        period=Period(load.warm_up, load.warm_up + load.duration),
        ends=load.ends,
        by_final=load.by_final,
        usage=usage.samples(zero) if usage else (),
    )
