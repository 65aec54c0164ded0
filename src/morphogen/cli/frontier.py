"""The frontier of a study in words: its trials, and how much of what is possible they reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from morphogen.cli.reading import number, plural
from morphogen.cli.regions import noun

if TYPE_CHECKING:
    from rich.console import Console

    from morphogen.records import Metric
    from morphogen.study import Study

SHOWN: Final = 20
AFTER: Final = (10, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""After how many trials hypervolumes are told, and after the last one."""


def axes(study: Study) -> tuple[Metric, ...]:
    """Return what the frontier is of: the objectives, or the metric and the size; nothing where that is unknown."""
    if len(study.objectives) > 1:
        return study.objectives
    size = [metric for metric in study.metrics if metric.name == "parameters" != study.metric.name]
    return (study.metric, *size) if size else ()


def print_frontier(console: Console, study: Study) -> None:
    """Show the trials that no other beats, and of several objectives how the hypervolume grew."""
    metrics = axes(study)
    if not metrics:
        return
    frontier = study.frontier(metrics)
    *most, last = (metric.name for metric in metrics)
    what = noun(study)
    console.print(f"\n[bold]Frontier[/] of {', '.join(most)} and {last}: {plural(len(frontier), what)}")
    if not frontier:
        return
    heads = [f"{_title(metric):>{_width(metric)}}" for metric in metrics]
    console.print("  ".join(["", what, *heads]), style="dim", markup=False, soft_wrap=True)
    for trial in frontier[:SHOWN]:
        assert trial.estimate is not None
        values = trial.estimate.values
        cells = [f"{number(values[metric.name], metric):>{_width(metric)}}" for metric in metrics]
        console.print("  ".join(["", f"{trial.number:>{len(what)}}", *cells]), soft_wrap=True)
    if len(frontier) > SHOWN:
        console.print(f"  and {len(frontier) - SHOWN} more", style="dim")
    if len(study.objectives) > 1:
        console.print(hypervolume_line(study), style="dim", markup=False)


def hypervolume_line(study: Study) -> str:
    """Return in words how the hypervolume of the objectives grew, or what it takes to know."""
    from morphogen.analysis.hypervolume import MissingMoocore

    try:
        grown = study.hypervolume()
    except MissingMoocore as error:
        return f"  {error}"
    told = [place for place, trial in enumerate(study.trials) if not (trial.pending or trial.refused)]
    after = [count for count in AFTER if count < len(told)] + [len(told)]
    shown = ", ".join(f"{grown[told[count - 1]]:.3f} after {count:,}" for count in after[-5:])
    return f"  hypervolume {shown} {noun(study)}s; 1 is the best of each objective so far, 0 the worst"


def _title(metric: Metric) -> str:
    return f"{metric.name} {'↑' if metric.maximize else '↓'}"


def _width(metric: Metric) -> int:
    return max(9, len(_title(metric)))
