"""`show`: what a study tells; works while its search runs."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from morphogen.cli import options
from morphogen.cli.frontier import print_frontier
from morphogen.cli.reading import (
    cut,
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
    importance: Annotated[
        bool, typer.Option("--importance", help="Show which choices of the space decide the metric.")
    ] = False,
) -> None:
    """Show a study: trials, the best, the frontier of accuracy and size, where the time went."""
    found = open_study(study)
    if importance:
        _importance(found, as_json=as_json)
        return
    if as_json:
        from morphogen.analysis.hypervolume import MissingMoocore

        more = {"status": status(found), "retrained": [dict(event) for event in retrained(found)]}
        if len(found.objectives) > 1:
            with suppress(MissingMoocore):
                more["hypervolume"] = [round(value, 6) for value in found.hypervolume().tolist()]
        print(json.dumps(found.to_json() | more, indent=1))
        return
    from rich.console import Console

    console = Console(highlight=False)
    _head(console, found)
    trials = found.trials
    succeeded = sorted((t for t in trials if t.succeeded), key=found.goal.score, reverse=True)
    shown = trials if every else tuple(succeeded[:SHOWN])
    if shown:
        what = noun(found)
        title = f"{what.capitalize()}s" if every else f"Best {len(shown)} of {plural(len(succeeded), what)}"
        _print_table(console, title, shown, found)
    if succeeded:
        if any(not found.goal.violation(trial) for trial in succeeded):
            _best(console, found)
        else:
            console.print("\n[bold]Best[/] none: no trial keeps all constraints")
        print_frontier(console, found)
    if found.failures:
        console.print(f"\n[bold]Failures[/] {len(found.failures)}")
        for text, count, first in reasons(found.failures):
            console.print(f"  {count} x {cut(text, console.width - 12)}", style="red", markup=False)
            console.print(f"      morphogen why {study} {first}")
    _ledger(console, found)


def _importance(study: Study, *, as_json: bool) -> None:
    from rich.console import Console

    from morphogen.cli import importance

    if as_json:
        rows = [
            {"choice": s.knob.name, "path": list(s.knob.path), "levels": list(s.knob.levels), "share": s.mean}
            | {"low": s.low, "high": s.high, "best": s.best}
            for s in importance.shares(study)
        ]
        print(json.dumps(rows, indent=1))
        return
    importance.tell(Console(highlight=False), study)


def status(study: Study) -> str:
    """Return in words how the search stands."""
    events, pending = study.others, sum(trial.pending for trial in study.trials)
    what = noun(study)
    if running(study):
        return f"running, {plural(pending, what)} at work"
    told = len(study.trials) - pending - len(study.refused)
    aside = f", {len(study.refused):,} more refused before training" if study.refused else ""
    again = f"`{study.notes.get('begun_by', f'morphogen resume {study.journal}')}` goes on"
    last = study.trials[-1] if study.trials else None
    if events and events[-1]["kind"] == "stopped" and last is not None and (last.failed or last.refused):
        return f"stopped: {events[-1]['reason']}"
    if pending:
        return f"interrupted after {plural(told, what)}{aside}, {pending} to be done again; {again}"
    limits = {name: study.notes[name] for name in ("trials", "seconds", "cost") if name in study.notes}
    spent = {"trials": told, "seconds": study.ledger.wall, "cost": study.ledger.cost}
    if limits and all(spent[name] < limit for name, limit in limits.items()):
        return f"at rest after {plural(told, what)}{aside}, within its limit; {again}"
    return f"finished after {plural(told, what)}{aside}"


def goal_in_words(study: Study) -> str:
    """Return the objectives, weights and constraints of a search; nothing where it only improves a metric."""
    names = [f"{m.name} {'up' if m.maximize else 'down'}" for m in study.objectives]
    if study.weights:
        names = [f"{name}, a unit worth {w:g}" for name, w in zip(names, study.weights, strict=True)]
    words = [", ".join(names)] if len(names) > 1 else []
    words += [f"keeping {', '.join(map(str, study.constraints))}"] if study.constraints else []
    return "; ".join(words)


def retrained(study: Study) -> list[Any]:
    """Return the events of networks that were trained for longer."""
    return [event for event in study.others if event["kind"] == "retrained"]


def _head(console: Console, study: Study) -> None:
    width = min(console.width, 100)
    console.print(f"[bold]{study.journal}[/]  {study.space}", soft_wrap=True)
    console.print(wrapped(study.strategy, width, 2), style="dim", markup=False, soft_wrap=True)
    if sought := goal_in_words(study):
        console.print(wrapped(sought, width, 2), style="dim", markup=False, soft_wrap=True)
    console.print(wrapped(status(study), width, 2), markup=False, soft_wrap=True)


def _print_table(console: Console, title: str, trials: Sequence[Trial], study: Study) -> None:
    """Print trials in lines that fit: number, metrics, and of the architecture what there is room for."""
    chosen = _columns(study, console.width)
    widths = [max(9, len(metric.name)) for metric in chosen]
    best = max((t for t in study.trials if t.succeeded), key=study.goal.score, default=None)
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
        apart = trial.refused or (trial.succeeded and study.goal.violation(trial) > 0)
        style = "red" if trial.failed else "dim" if apart else ""
        style = "bold" if best is not None and trial.number == best.number else style
        console.print(cut(line, console.width), style=style, markup=False, soft_wrap=True)


def _cell(trial: Trial, metric: Metric, first: bool) -> str:
    return value_of(trial, metric) if first or trial.succeeded else ""


def _columns(study: Study, width: int) -> list[Metric]:
    """Return the metrics that fit beside at least 24 columns of architecture, the improved one first."""
    bounded = {constraint.name for constraint in study.constraints}
    sought = [*study.objectives, *(metric for metric in study.metrics if metric.name in bounded)]
    others = list(dict.fromkeys(metric for metric in sought if metric != study.metric))
    rest = [*others, *(m for m in study.metrics if m not in (study.metric, *others))]
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


def _ledger(console: Console, study: Study) -> None:
    """Show where the seconds went; shares are of all seconds, of workers and of the search itself."""
    ledger = study.ledger
    work = ledger.offered
    console.print(f"\n[bold]Ledger[/] {ledger.wall:,.1f} s on the clock, {work:,.1f} s of work time")
    for name, seconds, share in ledger.parts:
        console.print(f"  {name:<9}{seconds:>12,.2f} s{share:>8.1%}")
