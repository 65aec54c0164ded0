"""`show`: what a study tells; works while its search runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from morphogen.cli import options
from morphogen.cli.reading import (
    cut,
    number,
    open_study,
    plural,
    reasons,
    running,
    value_of,
    wrapped,
)
from morphogen.cli.regions import LEGEND, noun, of_trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from morphogen.records import Metric, Trial
    from morphogen.study import Study

SHOWN: Final = 20


def show(
    study: options.Study,
    every: Annotated[bool, typer.Option("--all", "-a", help="Show all trials, by number.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole study as JSON.")] = False,
) -> None:
    """Show a study: trials, the best, the frontier of accuracy and size, where the time went."""
    found = open_study(study)
    if as_json:
        more = {"status": status(found), "retrained": [dict(event) for event in retrained(found)]}
        print(json.dumps(found.to_json() | more, indent=1))
        return
    from rich.console import Console

    console = Console(highlight=False)
    _head(console, found)
    trials, metric = found.trials, found.metric
    succeeded = sorted((t for t in trials if t.succeeded), key=metric.score, reverse=True)
    shown = trials if every else tuple(succeeded[:SHOWN])
    if shown:
        what = noun(found)
        title = f"{what.capitalize()}s" if every else f"Best {len(shown)} of {plural(len(succeeded), what)}"
        _print_table(console, title, shown, found)
    if succeeded:
        _best(console, found)
        _frontier(console, found)
    if found.failures:
        console.print(f"\n[bold]Failures[/] {len(found.failures)}")
        for text, count, first in reasons(found.failures):
            console.print(f"  {count} x {cut(text, console.width - 12)}", style="red", markup=False)
            console.print(f"      morphogen why {study} {first}")
    _ledger(console, found)


def status(study: Study) -> str:
    """Return in words how the search stands."""
    events, pending = study.others, sum(trial.pending for trial in study.trials)
    what = noun(study)
    if running(study):
        return f"running, {plural(pending, what)} at work"
    told = len(study.trials) - pending
    again = f"`morphogen resume {study.journal}` goes on"
    if events and events[-1]["kind"] == "stopped" and study.trials and study.trials[-1].failed:
        return f"stopped: {events[-1]['reason']}"
    if pending:
        return f"interrupted after {plural(told, what)}, {pending} to be done again; {again}"
    limits = {name: study.notes[name] for name in ("trials", "seconds", "cost") if name in study.notes}
    spent = {"trials": told, "seconds": study.ledger.wall, "cost": study.ledger.cost}
    if limits and all(spent[name] < limit for name, limit in limits.items()):
        return f"at rest after {plural(told, what)}, within its limit; {again}"
    return f"finished after {plural(told, what)}"


def retrained(study: Study) -> list[Any]:
    """Return the events of networks that were trained for longer."""
    return [event for event in study.others if event["kind"] == "retrained"]


def _head(console: Console, study: Study) -> None:
    width = min(console.width, 100)
    console.print(f"[bold]{study.journal}[/]  {study.space}", soft_wrap=True)
    console.print(wrapped(study.strategy, width, 2), style="dim", markup=False, soft_wrap=True)
    console.print(wrapped(status(study), width, 2), markup=False, soft_wrap=True)


def _print_table(console: Console, title: str, trials: Sequence[Trial], study: Study) -> None:
    """Print trials in lines that fit: number, metrics, and of the architecture what there is room for."""
    chosen = _columns(study, console.width)
    widths = [max(9, len(metric.name)) for metric in chosen]
    best = max((t for t in study.trials if t.succeeded), key=study.metric.score, default=None)
    heads = [
        f"{metric.name.replace('_', '-'):>{width}}" for metric, width in zip(chosen, widths, strict=True)
    ]
    console.print(f"\n[bold]{title}[/]")
    what = noun(study)
    console.print("  ".join([what, *heads, "architecture"]), style="dim")
    for trial in trials:
        cells = [_cell(trial, metric, metric is chosen[0]) for metric in chosen]
        shown = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]
        line = "  ".join([f"{trial.number:>{len(what)}}", *shown, str(trial.architecture)])
        style = "bold" if best is not None and trial.number == best.number else "red" if trial.failed else ""
        console.print(cut(line, console.width), style=style, markup=False, soft_wrap=True)


def _cell(trial: Trial, metric: Metric, first: bool) -> str:
    return value_of(trial, metric) if first or trial.succeeded else ""


def _columns(study: Study, width: int) -> list[Metric]:
    """Return the metrics that fit beside at least 24 columns of architecture, the improved one first."""
    rest = [metric for metric in study.metrics if metric != study.metric]
    chosen, room = [study.metric], width - 7 - max(11, len(study.metric.name) + 2) - 24
    for metric in rest:
        room -= max(11, len(metric.name) + 2)
        if room >= 0:
            chosen.append(metric)
    return chosen


def _best(console: Console, study: Study) -> None:
    best = study.best()
    from rich.padding import Padding

    what = f"derived from region {best.number}" if best.proposal.region else f"trial {best.number}"
    console.print(f"\n[bold]Best[/] {what}, {study.metric.name} {value_of(best, study.metric)}")
    console.print(wrapped(str(best.architecture), min(console.width, 100), 2), style="cyan", soft_wrap=True)
    if (ranks := of_trial(study, best, min(console.width, 100) - 2)) is not None:
        console.print(f"  {LEGEND}", style="dim")
        console.print(Padding(ranks, (0, 0, 0, 2)))
    for event in retrained(study)[-1:]:
        values, folder = event["values"], Path(str(study.journal)).parent / event["path"]
        console.print(
            f"  {noun(study)} {event['number']} trained for {plural(event['fidelity']['epochs'], 'epoch')}: "
            f"test accuracy {values['accuracy']:.2%} ({values['low']:.1%} to {values['high']:.1%})"
        )
        console.print(f"  its network is in {folder}", soft_wrap=True)


def _frontier(console: Console, study: Study) -> None:
    """Show the trials that no other beats in the improved metric and in size."""
    names = {metric.name for metric in study.metrics}
    if "parameters" not in names or study.metric.name == "parameters":
        return
    frontier = study.frontier([study.metric, "parameters"])
    console.print(
        f"\n[bold]Frontier[/] of {study.metric.name} and parameters: {plural(len(frontier), noun(study))}"
    )
    for trial in frontier[:SHOWN]:
        assert trial.estimate is not None
        values = trial.estimate.values
        console.print(
            f"  {trial.number:>5}  {number(values[study.metric.name]):>9}  {number(values['parameters']):>12}"
        )


def _ledger(console: Console, study: Study) -> None:
    """Show where the seconds went; shares are of what all workers could have worked."""
    ledger = study.ledger
    offered = max(ledger.offered, 1e-9)
    console.print(f"\n[bold]Ledger[/] {ledger.wall:,.1f} s on the clock, {offered:,.1f} s of work time")
    rows = {
        "trials": ledger.estimates,
        "idle": ledger.idle,
        "strategy": ledger.strategy,
        "journal": ledger.journal,
    }
    for name, seconds in rows.items():
        console.print(f"  {name:<9}{seconds:>12,.2f} s{seconds / offered:>8.1%}")
