"""The table at the end of the demonstration."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from rich.box import SIMPLE
from rich.table import Table

from sori_server.cli.demo.measure import Measurement, middle
from sori_server.cli.wer import WordErrors


def report(measurements: Mapping[str, Measurement]) -> Table:
    """Errors and median latencies of each stream and of all."""
    table = Table(box=SIMPLE, show_footer=True, pad_edge=True)
    every = list(measurements.values())
    total = sum((measurement.errors for measurement in every), WordErrors(0, 0))
    table.add_column("stream", footer="all")
    columns = [
        ("words", str(total.words)),
        ("WER", _percent(total)),
        ("first interim", _median(chain.from_iterable(m.first_interims for m in every))),
        ("final", _median(chain.from_iterable(m.finals for m in every))),
        ("VAD hang-over", _median(chain.from_iterable(m.hangovers for m in every))),
    ]
    for name, footer in columns:
        table.add_column(name, footer=footer, justify="right")
    for name, measurement in measurements.items():
        errors = measurement.errors
        table.add_row(
            name,
            str(errors.words),
            _percent(errors),
            _median(measurement.first_interims),
            _median(measurement.finals),
            _median(measurement.hangovers),
        )
    return table


def _percent(errors: WordErrors) -> str:
    return f"{100 * errors.rate:.1f} %"


def _median(values: chain[float] | list[float]) -> str:
    value = middle(values)
    return "-" if value is None else f"{value:.2f} s"
