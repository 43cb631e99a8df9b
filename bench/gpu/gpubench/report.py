"""The report, written anew after each result: a run that is cut short loses none."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

Cell = str | int | float | None

JSON: Final = "report.json"
MARKDOWN: Final = "report.md"


@dataclass(slots=True)
class Table:
    """One part of a report; `expected` is what was thought before it was measured."""

    title: str
    expected: str
    rows: list[dict[str, Cell]] = field(default_factory=list)
    found: str = ""
    """What the rows come to."""
    ended: str = ""
    """Why it has fewer rows than it should; empty if it has all."""


class Report:
    """Tables on a machine, in `folder` as Markdown and as JSON."""

    def __init__(self, folder: Path, machine: dict[str, str]) -> None:
        self._folder = folder
        self._machine = machine
        self._tables: list[Table] = []
        folder.mkdir(parents=True, exist_ok=True)

    def table(self, title: str, expected: str) -> Table:
        """A new table at the end."""
        table = Table(title, expected)
        self._tables.append(table)
        return table

    def save(self) -> None:
        """Write what there is."""
        content = {"machine": self._machine, "tables": [asdict(table) for table in self._tables]}
        text = json.dumps(content, indent=2)
        (self._folder / JSON).write_text(text + "\n", encoding="utf-8")
        parts = [_machine(self._machine), *map(_markdown, self._tables)]
        (self._folder / MARKDOWN).write_text("\n".join(parts), encoding="utf-8")


def _machine(facts: dict[str, str]) -> str:
    lines = [f"* {name}: {value}" for name, value in facts.items()]
    return "\n".join(["# GPU report", "", *lines, ""])


def _markdown(table: Table) -> str:
    lines = [f"## {table.title}", "", f"Expected on an H200: {table.expected}.", ""]
    if table.rows:
        names = list(dict.fromkeys(name for row in table.rows for name in row))
        lines += [_row(names), _row(["---"] * len(names))]
        lines += [_row([_shown(row.get(name)) for name in names]) for row in table.rows]
        lines.append("")
    if table.found:
        lines += [f"Found: {table.found}.", ""]
    if table.ended:
        lines += [f"Ended early: {table.ended}.", ""]
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
