"""How the page writes numbers, seconds and counts."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from morphogen.records import Metric

UNITS: Final = {
    "parameters": "number",
    "multiply_adds": "number",
    "loss": "nats",
    "entropy": "1 is undecided",
}
"""What the numbers of Morphogen's own metrics are, where they have no unit."""


def number(value: float, metric: Metric | None = None) -> str:
    """Return a number as people read it: counts with commas, measures with four digits."""
    if not math.isfinite(value):
        return "–"
    if metric is not None and metric.unit == "s":
        return f"{value:,.1f}"
    if float(value).is_integer() and abs(value) >= 10:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.1f}"
    return f"{value:.4f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2g}"


def clock(seconds: float) -> str:
    """Return a length of time in one or two units."""
    if seconds < 100:
        return (
            f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
        )
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours >= 100:
        return f"{hours / 24:,.0f} days"
    return f"{hours:,} h {minutes:02} min"


def counted(count: int, noun: str) -> str:
    """Return `1 trial`, `2 trials`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def titled(metric: Metric, values: NDArray[np.float64]) -> str:
    """Return what stands on an axis: the name of a metric, and its unit or what its numbers are."""
    unit = metric.unit or UNITS.get(metric.name, "")
    if not unit:
        known = values[np.isfinite(values)]
        shares = "accuracy" in metric.name and len(known) and known.min() >= 0 and known.max() <= 1
        unit = "fraction" if shares else "no unit"
    return f"{plain(metric.name)} ({unit})"


def plain(name: str) -> str:
    """Return a name with spaces."""
    return {"multiply_adds": "multiply-adds"}.get(name, name.replace("_", " "))


def percent(share: float) -> str:
    """Return a share in per cent, with more digits near the ends."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.1%}" if share < 0.1 or share > 0.9 else f"{share:.0%}"
