"""A study in pictures, drawn by matplotlib onto axes that the caller may style further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from morphogen.records import Metric, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE: Final = 20.0
"""From this ratio of largest to smallest on, a cost is drawn on a logarithmic axis."""


def plot_history(trials: Sequence[Trial], metric: Metric, axes: Axes | None) -> Axes:
    """Draw every trial's value over its number, the best so far as a line, failures as crosses below."""
    axes = _axes(axes)
    done = [trial for trial in trials if trial.succeeded]
    axes.scatter([t.number for t in done], [metric.value(t) for t in done], s=14, alpha=0.5, label="trial")
    best: list[float] = []
    for trial in done:
        value = metric.value(trial)
        best.append(value if not best else (max if metric.maximize else min)(best[-1], value))
    if done:  # the last level lasts until the last trial
        places = [trial.number for trial in done] + [len(trials) - 1]
        axes.step(places, [*best, best[-1]], where="post", color="C1", label="best so far")
    if failed := [trial for trial in trials if trial.failed]:
        places = [trial.number for trial in failed]
        below = axes.get_xaxis_transform()
        axes.plot(
            places, [0.02] * len(places), "x", color="C3", markersize=5, label="failed", transform=below
        )
    _whole(axes)
    axes.set_xlabel("trial")
    axes.set_ylabel(_label(metric))
    axes.legend(frameon=False)
    return axes


def plot_curves(ranked: Sequence[Trial], metric: Metric | str, axes: Axes | None) -> Axes:
    """Draw the learning curves of trials, the first of them, the best, strong."""
    name = metric if isinstance(metric, str) else metric.name
    known = sorted({key for trial in ranked for point in _curve(trial) for key in point} - {"epoch"})
    if name not in known:
        there = f"they hold {', '.join(known)}" if known else "no trial has a learning curve"
        raise LookupError(f"the learning curves hold no {name}: {there}")
    axes = _axes(axes)
    for place, trial in enumerate(ranked):
        points = [(epoch, p[name]) for epoch, p in enumerate(_curve(trial), 1) if name in p]
        style: dict[str, Any] = {"color": "0.6", "linewidth": 0.8, "zorder": 1}
        if place == 0:
            style = {"color": "C1", "linewidth": 2, "zorder": 2, "label": f"trial {trial.number} (best)"}
        axes.plot(*zip(*points, strict=True), **style)
    _whole(axes)
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric if isinstance(metric, str) else _label(metric))
    axes.legend(frameon=False)
    return axes


def plot_frontier(
    trials: Sequence[Trial], frontier: Sequence[Trial], metric: Metric, cost: Metric, axes: Axes | None
) -> Axes:
    """Draw every trial by what it costs and how good it is, and the frontier as a line."""
    axes = _axes(axes)
    done = [trial for trial in trials if trial.succeeded]
    costs = [cost.value(trial) for trial in done]
    axes.scatter(costs, [metric.value(trial) for trial in done], s=14, alpha=0.5, label="trial")
    front = sorted((cost.value(t), metric.value(t)) for t in frontier)
    if front:
        places, values = zip(*front, strict=True)
        style: dict[str, Any] = {"color": "C1", "marker": "o", "label": "frontier"}
        axes.step(places, values, where="pre" if cost.maximize else "post", **style)
    if costs and min(costs) > 0 and max(costs) / min(costs) >= WIDE:
        _logarithmic(axes)
    axes.set_xlabel(_label(cost))
    axes.set_ylabel(_label(metric))
    axes.legend(frameon=False)
    return axes


def _axes(axes: Axes | None) -> Any:
    if axes is not None:
        return axes
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError('pictures of a study need matplotlib: pip install "morphogen[notebook]"') from None
    return pyplot.subplots(layout="constrained")[1]


def _whole(axes: Axes) -> None:
    """Put whole numbers below the axis only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _logarithmic(axes: Axes) -> None:
    """Put 1, 2, 5, 10 ... below the axis, as numbers and not as powers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _label(metric: Metric) -> str:
    return (
        f"{metric.name.replace('_', ' ')} ({metric.unit})" if metric.unit else metric.name.replace("_", " ")
    )


def _curve(trial: Trial) -> Any:
    assert trial.estimate is not None
    return trial.estimate.curve
