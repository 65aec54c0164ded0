"""The charts of the page, as plain values that plotly.js draws; colours are names of the page's own.

A colour such as `--accent` is looked up by the page in the scheme that it is shown in, light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.against_random import band
from morphogen.analysis.dominance import staircase
from morphogen.analysis.sample_efficiency import expected_best
from morphogen.records import Metric, Trial
from morphogen.report.chronicle import Chronicle
from morphogen.report.verdict import FEWEST, Reference, spaced
from morphogen.report.wording import clock, counted, number, plain, titled

Floats = NDArray[np.float64]

DOTS: Final = 1200
"""Trials that a cloud shows; of more, evenly spaced ones, and always those that a line goes through."""

WHOLE: Final = 30
"""Trials of which the worst are in the frame, too."""

STEPS: Final = 400
"""Points of a smooth line."""


@final
@dataclass(frozen=True)
class Figure:
    """A chart: its title, what it says in a sentence, its traces and its axes."""

    title: str
    said: str
    traces: list[dict[str, Any]]
    x: dict[str, Any]
    y: dict[str, Any]
    height: int = 320
    more: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what plotly.js takes."""
        layout = {"xaxis": self.x, "yaxis": self.y, "height": self.height, **self.more}
        return {"data": self.traces, "layout": layout}


def numbers(values: NDArray[np.floating[Any]] | Sequence[float]) -> list[float | None]:
    """Return numbers for JSON with seven digits; NaN and infinities are None."""
    return [float(f"{v:.7g}") if np.isfinite(v) else None for v in np.asarray(values, dtype=float).tolist()]


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with its title."""
    return {"title": {"text": title}, **more}


def _cloud(story: Chronicle, kept: NDArray[np.intp], x: Floats, name: str = "trials") -> dict[str, Any]:
    values, trials = story.values, story.trials
    texts = [f"{story.noun} {trials[i].number}: {number(float(values[i]), story.metric)}" for i in kept]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": numbers(x[kept]),
        "y": numbers(values[kept]),
        "text": texts,
        "hoverinfo": "text",
        "marker": {"color": "--cloud", "size": 5, "opacity": 0.85},
    }


def _staircase(story: Chronicle, x: Floats, end: float) -> dict[str, Any]:
    best = story.best
    rises = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
    sign = 1 if story.metric.maximize else -1
    xs, ys = [*x[rises], end], [*(sign * best[rises]), sign * best[-1]]
    texts = [
        f"{story.noun} {story.trials[i].number}: {number(float(story.values[i]), story.metric)}"
        for i in rises
    ]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "best so far",
        "x": numbers(xs),
        "y": numbers(ys),
        "text": [*texts, f"still {number(float(sign * best[-1]), story.metric)}"],
        "hoverinfo": "text",
        "line": {"color": "--accent", "width": 2.5, "shape": "hv"},
        "marker": {"color": "--accent", "size": [7] * len(rises) + [0.1]},
    }


def _random(story: Chronicle, reference: Reference, count: int) -> tuple[NDArray[np.intp], list[Floats]]:
    """Return numbers of draws, and of the best of so many random draws the mean and the ends of 95%."""
    known = reference.scores[~np.isnan(reference.scores)]
    most = min(count, len(known))
    draws = np.unique(np.geomspace(1, most, min(STEPS, most)).round().astype(np.intp))
    sign = 1 if story.metric.maximize else -1
    low, high = band(known, draws)
    return draws, [sign * expected_best(known, draws.tolist()), sign * low, sign * high]


def _beside(draws: Floats, lines: list[Floats], name: str) -> list[dict[str, Any]]:
    mean, low, high = lines
    around = {
        "type": "scatter",
        "mode": "lines",
        "name": "95% of random searches",
        "x": numbers([*draws, *draws[::-1]]),
        "y": numbers([*low, *high[::-1]]),
        "fill": "toself",
        "fillcolor": "--random-soft",
        "line": {"width": 0},
        "hoverinfo": "skip",
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": numbers(draws),
        "y": numbers(mean),
        "line": {"color": "--random", "width": 2, "dash": "dash"},
        "hovertemplate": "%{y:.4g}<extra>random search</extra>",
    }
    return [around, line]


def progress(story: Chronicle, reference: Reference | None, *, over: str) -> Figure | None:
    """Return the best value so far over `trials` or over `seconds`; None before the first success."""
    if np.isnan(story.best).all():
        return None
    count = len(story.trials)
    steps = np.arange(1, count + 1, dtype=float)
    x = steps if over == "trials" else story.seconds
    kept = spaced(np.flatnonzero(~np.isnan(story.scores)), DOTS)
    traces = [_cloud(story, kept, x)]
    lines: list[Floats] = []
    if reference is not None and np.count_nonzero(~np.isnan(reference.scores)) >= FEWEST:
        draws, lines = _random(story, reference, count)
        # A draw costs what random draws cost on average, in the same seconds.
        each = float(reference.costs.mean()) * _rate(story)
        places = draws.astype(float) if over == "trials" else draws * each
        if over == "trials" or each > 0:
            inside = places <= max(x[-1], places[0])
            lines = [line[inside] for line in lines]
            traces = [*_beside(places[inside], lines, "random search, expected"), *traces]
    traces.append(_staircase(story, x, float(x[-1])))
    y, below = _framed(story, lines)
    what = "clock" if not story.simulated else "training, by the table"
    title = "trials finished (number)" if over == "trials" else f"time of the search (s, {what})"
    last = number(float(story.values[np.nanargmax(story.scores)]), story.metric)
    within = counted(count, story.noun) if over == "trials" else clock(float(x[-1]))
    said = f"The best {plain(story.metric.name)} so far reaches {last} within {within}."
    if below:
        said += f" {counted(below, story.noun)} far from the best {'is' if below == 1 else 'are'} out of the frame."
    if over == "trials" and len(kept) < np.count_nonzero(~np.isnan(story.scores)):
        said += f" {len(kept):,} of {counted(count, 'trial')} are drawn as dots."
    return Figure(f"Best so far over {over}", said, traces, axis(title, rangemode="tozero"), y)


def hypervolume(story: Chronicle) -> Figure | None:
    """Return the hypervolume of the frontier over the trials of a search of several objectives; else None."""
    if len(story.study.objectives) < 2:
        return None
    try:
        shares = story.study.hypervolume()
    except ImportError:  # moocore is an extra of its own
        return None
    if not len(shares) or not np.isfinite(shares).any():
        return None
    kept = spaced(np.arange(len(shares)), DOTS)
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "hypervolume",
        "x": numbers(kept + 1.0),
        "y": numbers(shares[kept]),
        "line": {"color": "--accent", "width": 2.5, "shape": "hv"},
        "hovertemplate": "%{x} trials: %{y:.4f}<extra></extra>",
    }
    names = " and ".join(plain(metric.name) for metric in story.study.objectives)
    said = f"The frontier of {names} covers {shares[-1]:.1%} of the box between the worst and the best values seen."
    across = axis("trials asked (number)", rangemode="tozero")
    return Figure("Hypervolume of the frontier", said, [line], across, axis("hypervolume (share of the box)"))


def _rate(story: Chronicle) -> float:
    """Return how many seconds of the axis go with a second of estimates: less than one with several workers."""
    return 1.0 if story.simulated or not story.spent[-1] else float(story.clock[-1] / story.spent[-1])


def _framed(story: Chronicle, lines: list[Floats]) -> tuple[dict[str, Any], int]:
    """Return the axis of the metric, without the tail of the worst trials, and how many are out of it."""
    scores = story.scores[~np.isnan(story.scores)]
    sign = 1 if story.metric.maximize else -1
    tail = 0.25 if len(scores) >= WHOLE else 0.0
    low = min([float(np.quantile(scores, tail)), *(float(sign * line[-1]) for line in lines)])
    high = max([float(scores.max()), *(float(max(sign * line)) for line in lines)])
    room = 0.06 * ((high - low) or abs(high) or 1)
    ends = [sign * (low - room), sign * (high + room)]
    below = int((scores < low - room).sum())
    return axis(titled(story.metric, story.values), range=sorted(ends)), below


# --- accuracy against cost ------------------------------------------------------------------------------------------


def against_cost(story: Chronicle, cost: Metric) -> Figure | None:
    """Return the metric of all trials against a cost, with the trials that no other beats; None without two."""
    x = story.column(cost.name)
    known = np.flatnonzero(~np.isnan(x) & ~np.isnan(story.scores))
    if len(known) < 2 or np.ptp(x[known]) == 0:
        return None
    front = staircase(x[known] if not cost.maximize else -x[known], story.scores[known])
    best = known[front]
    kept = np.union1d(spaced(known, DOTS), best)
    line = _cloud(story, best, x, "beaten by none")
    line |= {
        "mode": "lines+markers",
        "line": {"color": "--accent", "width": 2, "shape": "hv" if not cost.maximize else "vh"},
    }
    line["marker"] = {"color": "--accent", "size": 8}
    line["text"] = [
        f"{story.noun} {story.trials[i].number}: {number(float(story.values[i]), story.metric)}, "
        f"{number(float(x[i]), cost)} {plain(cost.name)}"
        for i in best
    ]
    wide = bool(x[known].min() > 0 and x[known].max() > 30 * x[known].min())
    y, _ = _framed(story, [story.values[best]])
    said = (
        f"{counted(len(best), story.noun)} of {len(known):,} {'is' if len(best) == 1 else 'are'} beaten by no "
        f"other in both {plain(story.metric.name)} and {plain(cost.name)}."
    )
    across = axis(titled(cost, x[known]), **({"type": "log"} if wide else {}))
    return Figure(
        f"{plain(story.metric.name)} against {plain(cost.name)}",
        said,
        [_cloud(story, kept, x), line],
        across,
        y,
    )


# --- learning curves ------------------------------------------------------------------------------------------------


def learning_curve(story: Chronicle, best: Trial, metric: Metric, beside: int = 24) -> Figure | None:
    """Return a metric over the epochs of the best trial, and of some others; None where no curve was kept."""
    assert best.estimate is not None
    curve = _curve(best, metric.name)
    if np.count_nonzero(~np.isnan(curve)) < 2:
        return None
    others = [t for t in story.succeeded if t.number != best.number and len(_curve(t, metric.name)) > 1]
    some = [others[i] for i in spaced(np.arange(len(others)), beside)]
    xs: list[float] = []
    ys: list[float] = []
    for trial in some:
        values = _curve(trial, metric.name)
        xs += [*range(1, len(values) + 1), np.nan]
        ys += [*values, np.nan]
    faint = {
        "type": "scatter",
        "mode": "lines",
        "name": f"{counted(len(some), 'other trial')}",
        "x": numbers(xs),
        "y": numbers(ys),
        "line": {"color": "--cloud", "width": 1},
        "opacity": 0.6,
        "hoverinfo": "skip",
    }
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"trial {best.number}",
        "x": list(range(1, len(curve) + 1)),
        "y": numbers(curve),
        "line": {"color": "--accent", "width": 2.5},
        "marker": {"color": "--accent", "size": 6 if len(curve) < 40 else 0.1},
        "hovertemplate": "epoch %{x}: %{y:.4g}<extra></extra>",
    }
    said = f"{plain(metric.name)} of trial {best.number} after each of its {counted(len(curve), 'epoch')}."
    return Figure(
        f"Learning curve: {plain(metric.name)}",
        said[:1].upper() + said[1:],
        [*([faint] if some else []), line],
        axis(
            "training (epochs)", **({"dtick": 1, "range": [0.8, len(curve) + 0.2]} if len(curve) < 12 else {})
        ),
        axis(titled(metric, curve)),
        height=280,
    )


def _curve(trial: Trial, name: str) -> Floats:
    points = trial.estimate.curve if trial.estimate else ()
    return np.array([point.get(name, np.nan) for point in points], dtype=float)
