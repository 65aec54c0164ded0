"""`why`: the reason of a failed trial, and how to see it again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from morphogen.cli import options
from morphogen.cli.errors import FAILED, Wrong
from morphogen.cli.reading import number, open_study, plural, reasons, wrapped
from morphogen.cli.regions import LEGEND, MOST, brief, of_trial

if TYPE_CHECKING:
    from rich.console import Console

    from morphogen.records import Trial
    from morphogen.study import Study


def why(
    study: options.Study,
    trial: Annotated[int, typer.Argument(help="The number of the trial.", show_default=False)],
    again: Annotated[
        bool,
        typer.Option("--again", help="Run the trial once more, here and now, with the same random numbers."),
    ] = False,
) -> None:
    """Say why a trial failed: error, traceback, last output, and how to see it again."""
    from rich.console import Console

    found = open_study(study)
    trials = found.trials
    if not 0 <= trial < len(trials):
        there = f"trials 0 to {len(trials) - 1}" if trials else "no trials yet"
        failed = f"; the first that failed is {found.failures[0].number}" if found.failures else ""
        raise Wrong(f"{study} has {there}, not {trial}{failed}")
    console = Console(highlight=False, soft_wrap=True)
    if again:
        _run_again(console, found, trials[trial], Path(study))
    else:
        _tell(console, found, trials[trial], study)


def _tell(console: Console, study: Study, trial: Trial, word: str) -> None:
    width = min(console.width, 100)
    what = "Region" if trial.proposal.region else "Trial"
    if trial.estimate is None:
        console.print(f"{what} {trial.number} has not finished yet.")
    elif trial.estimate.refused is not None:
        console.print(f"{what} {trial.number} was refused before training.", style="bold")
        console.print(trial.estimate.refused, markup=False)
    elif trial.estimate.failure is None:
        console.print(f"{what} {trial.number} did not fail.", style="bold")
        if broken := study.broken_by(trial):
            console.print(f"It breaks a constraint: {broken}", markup=False)
    else:
        failure = trial.estimate.failure
        after = f" after {trial.estimate.cost:.1f} s"
        console.print(f"{what} {trial.number} failed{after} by {failure.type}", style="bold red")
        console.print(failure.message, markup=False)
    if trial.proposal.region:
        _region(console, study, trial, width)
    else:
        console.print("\nArchitecture", style="bold")
        console.print(wrapped(str(trial.architecture), width, 2), style="cyan", markup=False)
    if fidelity := trial.proposal.fidelity.to_json():
        console.print(f"  {', '.join(f'{name}={value}' for name, value in fidelity.items())}")
    if trial.succeeded and trial.estimate is not None:
        console.print("\nValues", style="bold")
        for metric in study.metrics:
            unit = f" {metric.unit}" if metric.unit else ""
            console.print(f"  {metric.name:<20}{number(metric.value(trial), metric)}{unit}")
    if trial.estimate is not None and trial.estimate.failure is not None:
        failure = trial.estimate.failure
        for title, text in (("Traceback", failure.traceback), ("Last output", failure.output)):
            if text.strip():
                console.print(f"\n{title}", style="bold")
                console.print("\n".join(f"  {line}" for line in text.rstrip().splitlines()), markup=False)
        alike = [count for text, count, _ in reasons(study.failures) if text.startswith(f"{failure.type}:")]
        if sum(alike) > 1:
            console.print(f"\n{plural(sum(alike), 'trial')} failed by {failure.type}.")
    console.print("\nSee it again", style="bold")
    console.print(f"  morphogen why {word} {trial.number} --again")
    console.print("or in Python:")
    for line in _program(study, trial):
        console.print(f"  {line}", markup=False)


def _region(console: Console, study: Study, trial: Trial, width: int) -> None:
    """Show the ranks of a region and what was derived from it; of one without ranks, its candidates."""
    from rich.padding import Padding

    if (ranks := of_trial(study, trial, width - 2)) is not None:
        console.print("\nRegion", style="bold")
        console.print(f"  {LEGEND}", style="dim")
        console.print(Padding(ranks, (0, 0, 0, 2)))
        console.print("\nDerived architecture", style="bold")
    else:
        console.print("\nRegion", style="bold")
        for position in trial.proposal.region[:MOST]:
            console.print(f"  position {'.'.join(map(str, position.path)) or 'root'}", style="dim")
            for part in position.candidates:
                console.print(f"    {brief(str(part), width - 4)}", markup=False)
        console.print("\nround the architecture", style="bold")
    console.print(wrapped(str(trial.architecture), width, 2), style="cyan", markup=False)


def _program(study: Study, trial: Trial) -> list[str]:
    """Return the lines that estimate the trial again, with its own random numbers."""
    return [
        "import morphogen as mg",
        f'proposal = mg.Study.open("{study.journal}").trials[{trial.number}].proposal',
        f'print(estimator.estimate(proposal, mg.stream({study.seed}, {trial.number}, "estimate")))',
    ]


def _run_again(console: Console, study: Study, trial: Trial, path: Path) -> None:
    """Estimate the trial in this process, where its output and its traceback are seen as they come."""
    import traceback

    from morphogen.cli.settings import Settings
    from morphogen.seeding import stream

    estimator, _ = Settings.from_notes(study.notes, path).find_estimator()
    if estimator.fingerprint != study.estimator:
        console.print(
            f"the estimator was {study.estimator} and is now {estimator.fingerprint}", style="yellow"
        )
    try:
        estimate = estimator.estimate(trial.proposal, stream(study.seed, trial.number, "estimate"))
    except Exception as error:
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, frames, file=sys.stderr)
        raise typer.Exit(FAILED) from None
    if estimate.failure is not None:
        console.print(f"failed again by {estimate.failure.type}: {estimate.failure.message}", markup=False)
        raise typer.Exit(FAILED)
    values = ", ".join(f"{name} {number(value)}" for name, value in estimate.values.items())
    console.print(f"this time it succeeded, in {estimate.cost:.1f} s: {values}", markup=False)
