"""How a search ends: the winner trained and saved, and a few lines on what was found and what to do next."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morphogen.cli.errors import Failed, note
from morphogen.cli.frontier import print_frontier
from morphogen.cli.options import clock
from morphogen.cli.reading import ledger_line, number, plural, reasons, wrapped
from morphogen.cli.regions import noun
from morphogen.cli.winner import Winner, recorded, train

if TYPE_CHECKING:
    from rich.console import Console

    from morphogen.cli.settings import Settings
    from morphogen.estimators.training import Training
    from morphogen.records import Fidelity, Trial
    from morphogen.study import Study


def close(
    study: Study,
    settings: Settings,
    training: Training | None,
    path: Path,
    *,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Retrain the winner unless that was done, and say what came out.

    Raises:
        Failed: no trial succeeded, or the winner could not be trained.
    """
    try:
        best = study.best()
    except LookupError as error:
        if study.constraints:
            raise Failed(str(error)) from None
        why = reasons(study.failures)
        said = f": {why[0][0]} (`morphogen why {path} {why[0][2]}` shows more)" if why else ""
        raise Failed(f"no trial succeeded{said}") from None
    winner = None
    if training is not None and settings.final_epochs != 0:
        winner = final(study, best, settings, training, path, quiet=quiet)
    if as_json:
        print(json.dumps(plain(study, best, winner, path), indent=1))
    else:
        _say(study, best, winner, settings, path, fresh=fresh)


def final(
    study: Study,
    trial: Trial,
    settings: Settings,
    training: Training,
    path: Path,
    *,
    folder: Path | None = None,
    quiet: bool = False,
) -> Winner:
    """Return the retrained network of a trial; where the journal knows none, train and save it."""
    from rich.console import Console

    from morphogen.networks.training import Diverged

    fidelity = settings.final(training)
    if known := recorded(study, trial.number, fidelity):
        return known
    what = "the network derived from region" if trial.proposal.region else "the network of trial"
    doing = f"training {what} {trial.number} for {plural(fidelity.epochs or 0, 'epoch')}"
    if seconds := _expected(trial, settings, training, fidelity):
        doing += f", about {clock(seconds)}"
    console = Console(stderr=True, highlight=False)
    if not quiet and not console.is_terminal:
        note(doing)
    try:
        with console.status(doing) if console.is_terminal and not quiet else nullcontext():
            return train(study, trial, training, fidelity, folder or path.with_name(f"{path.stem}-best"))
    except Diverged as error:
        raise Failed(
            f"the search is done, but its winner could not be trained for longer: {error} (--learning-rate)"
        ) from error


def _expected(trial: Trial, settings: Settings, training: Training, fidelity: Fidelity) -> float:
    """Return how many seconds the training of a winner will take, by those of its trial; 0 if that is unknown."""
    if (
        trial.estimate is None
        or trial.proposal.region
        or settings.full
        or "seconds" not in trial.estimate.values
    ):
        return 0.0
    data = training.data
    learned = settings.fidelity.get("fraction", 1.0) * data.train.size
    # Forward and back takes about three times as long as forward alone, as after each epoch on the validation split.
    before = training.epochs * (3 * learned + data.validation.size)
    after = (fidelity.epochs or 0) * 3 * (data.train.size + data.validation.size) + data.test.size
    return trial.estimate.values["seconds"] * after / before


def plain(study: Study, best: Trial, winner: Winner | None, path: Path) -> dict[str, Any]:
    """Return the result as plain values."""
    assert best.estimate is not None
    record: dict[str, Any] = {
        "study": str(path),
        "best": {
            "number": best.number,
            **best.proposal.to_json(),
            "architecture": str(best.architecture),
            "values": dict(best.estimate.values),
        },
        "trials": len(study.trials) - len(study.refused),
        "failed": len(study.failures),
        **({"refused": len(study.refused)} if study.refused else {}),
        **({"frontier": [trial.number for trial in study.frontier()]} if len(study.objectives) > 1 else {}),
        "ledger": study.ledger.to_json(),
    }
    if winner:
        test = dict(winner.values)
        record["final"] = {"folder": str(winner.folder), "fidelity": dict(winner.fidelity), "test": test}
    return record


def _say(
    study: Study, best: Trial, winner: Winner | None, settings: Settings, path: Path, *, fresh: bool
) -> None:
    from rich.console import Console

    assert best.estimate is not None
    console = Console(highlight=False, soft_wrap=True)
    width = min(console.width, 100)
    metric, refused = study.metric, len(study.refused)
    count = len(study.trials) - refused
    if not fresh:
        longer = f"morphogen resume {path} --trials {2 * count}"
        note(f"the search in {path} has reached its limit; `{longer}` goes on")
    derived = "derived from region" if best.proposal.region else "trial"
    of = f", {count} trained and {refused:,} refused before" if refused else f" of {count}"
    first = f" in {metric.name}" if len(study.objectives) > 1 and not study.weights else ""
    head = f"Best network{first}: {derived} {best.number}{of}, in {clock(study.ledger.wall)}"
    console.print(head, style="bold")
    console.print(wrapped(str(best.architecture), width, 2), style="cyan")
    for name, value in _facts(best, winner, metric.name):
        console.print(f"  {name:<21}{value}")
    if len(study.objectives) > 1:
        print_frontier(console, study)
        console.print()
    _ledger(console, study, width)
    console.print("Next", style="bold")
    todo = {
        f"morphogen show {path}": f"{noun(study)}s, frontier, ledger",
        f"morphogen report {path}": "a page to look at",
        f"morphogen resume {path} --trials {2 * count}": "search on",
    }
    if winner:
        todo[f"morphogen export {path} --to DIR"] = "the network"
    if winner and len(study.objectives) > 1:
        todo[f"morphogen export {path} --trial N --to DIR"] = "another one of the frontier"
    if study.failures:
        todo[f"morphogen why {path} {study.failures[0].number}"] = "why it failed"
    elif best.proposal.region:
        todo[f"morphogen why {path} {best.number}"] = "the ranks of its region"
    longest = max(map(len, todo))
    for command, about in todo.items():
        line = f"  {command:<{longest}}  {about}"
        console.print(line if len(line) <= console.width else f"  {command}")


def _facts(best: Trial, winner: Winner | None, metric: str) -> list[tuple[str, str]]:
    """Return what is known of the best network, name and value."""
    assert best.estimate is not None
    values = best.estimate.values
    facts = [(f"{'validation ' if winner else ''}{metric}", number(values[metric]))]
    if winner:
        test = winner.values
        facts += [
            ("test accuracy", f"{test['accuracy']:.2%} after {plural(winner.fidelity['epochs'], 'epoch')}"),
            ("", f"{test['low']:.1%} to {test['high']:.1%} (95%), {test['tested']:,} images"),
            ("parameters", number(test["parameters"])),
            ("multiply-adds", number(test["multiply_adds"])),
            ("weights", str(winner.folder / "weights.safetensors")),
            ("description", str(winner.folder / "network.json")),
        ]
    else:
        facts += [(name.replace("_", "-"), number(v)) for name, v in values.items() if name != metric]
    return facts


def _ledger(console: Console, study: Study, width: int) -> None:
    line = ledger_line(study.ledger)
    fits = len(line) + 8 <= width
    console.print(f"[bold]Ledger[/]  {line}" if fits else f"[bold]Ledger[/]\n{wrapped(line, width, 2)}")
    if study.failures:
        text, count, first = reasons(study.failures)[0]
        line = f"{plural(len(study.failures), 'trial')} failed, {count} by {text} (first: trial {first})"
        console.print(wrapped(line, width, 2), style="red")
