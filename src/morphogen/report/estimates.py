"""Every cheap estimate that a study holds, beside the score that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.agreement import kendall, kendall_interval
from morphogen.analysis.intervals import Interval
from morphogen.report.chronicle import Chronicle
from morphogen.report.figures import Figure, axis, numbers
from morphogen.report.verdict import FEWEST, MOST, spaced
from morphogen.report.wording import counted, plain

Floats = NDArray[np.float64]

SIZES: Final = ("parameters", "multiply_adds")

STOPS: Final = (1, 2, 3, 5, 8, 12, 20, 40, 80, 120, 160)
"""Earlier epochs that are looked at."""


@final
@dataclass(frozen=True)
class Agreement:
    """How an estimate ranks networks: Kendall's tau-b with the final score of `of` trials."""

    name: str
    about: str
    tau: float
    between: Interval
    of: int


def agreements(story: Chronicle) -> tuple[Agreement, ...]:
    """Return the agreement of each cheap estimate that enough trials have, sizes first, then early epochs."""
    found = [_agreement(story, plain(name), about, column) for name, about, column in _columns(story)]
    return tuple(one for one in found if one is not None)


def _columns(story: Chronicle) -> list[tuple[str, str, Floats]]:
    from morphogen.networks.scores import SCORES

    curves = [trial.estimate.curve if trial.estimate else () for trial in story.trials]
    named = {metric.name: metric for metric in story.study.metrics}
    found = []
    for name in (*SIZES, *(name for name in SCORES if name not in SIZES)):
        if name in named and name != story.metric.name:
            sign = 1 if name in SIZES or named[name].maximize else -1
            about = "larger ranks higher" if name in SIZES else "no training"
            found.append((name, about, sign * story.column(name)))
    whole = max(map(len, curves), default=0)
    sign = 1 if story.metric.maximize else -1
    for stop in STOPS:
        if stop < whole:
            values = [
                sign * curve[stop - 1].get(story.metric.name, np.nan) if stop < len(curve) else np.nan
                for curve in curves
            ]
            name = f"{story.metric.name} after {counted(stop, 'epoch')}"
            found.append((name, f"{stop / whole:.0%} of the training", np.array(values)))
    return found


def _agreement(story: Chronicle, name: str, about: str, column: Floats) -> Agreement | None:
    known = np.flatnonzero(np.isfinite(column) & ~np.isnan(story.scores))
    if len(known) < FEWEST:
        return None
    kept = spaced(known, MOST)
    one, other = column[kept], story.scores[kept]
    try:
        between = kendall_interval(one, other)
    except ValueError:  # all alike: there is no order
        return None
    return Agreement(name, about, float(kendall(one, other)), between, len(kept))


def chart(found: tuple[Agreement, ...], metric: str) -> Figure:
    """Return the agreements as points with their intervals."""
    rows = found[::-1]
    values: Any = numbers([row.tau for row in rows])
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": "Kendall's tau",
        "x": values,
        "y": [row.name for row in rows],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": numbers([row.between.high - row.tau for row in rows]),
            "arrayminus": numbers([row.tau - row.between.low for row in rows]),
            "color": "--accent",
            "thickness": 2,
            "width": 5,
        },
        "marker": {"color": "--accent", "size": 10},
        "text": [f"{row.tau:.2f} ({row.between.low:.2f} to {row.between.high:.2f})" for row in rows],
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    strongest = max(found, key=lambda row: row.tau)
    said = (
        f"Nearest to the final {plain(metric)} ranks {strongest.name}: Kendall's tau {strongest.tau:.2f} "
        f"({strongest.between.low:.2f} to {strongest.between.high:.2f}) on {counted(strongest.of, 'trial')}."
    )
    low = min(-0.1, *(row.between.low - 0.05 for row in rows))
    return Figure(
        "Cheap estimates against the final score",
        said,
        [trace],
        axis("Kendall's tau (no unit)", range=[low, 1.05], zeroline=True),
        {"automargin": True, "title": {"text": ""}},
        height=90 + 34 * len(rows),
        more={"showlegend": False},
    )
