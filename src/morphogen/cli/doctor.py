"""`doctor`: is the training deterministic, how noisy is it, do the splits leak, how long is a trial."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Final

import typer

from morphogen.cli import options
from morphogen.cli.errors import FAILED, Failed
from morphogen.cli.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from morphogen.cli.checks import Check

MARKS: Final = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    space: options.Space = "digits_small",
    data: options.Data = None,
    test_data: options.TestData = None,
    estimator: options.Estimator = "training",
    epochs: options.Epochs = None,
    channels: options.Channels = None,
    cells: options.Cells = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    fraction: options.Fraction = None,
    resolution: options.Resolution = None,
    train: options.EstimatorOptions = None,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    time: Annotated[
        str, typer.Option("--time", metavar="TIME", help="About how long the trial runs may take.")
    ] = "45s",
) -> None:
    """Check data and training before a search: determinism, noise, leaks, time.

    Exits 1 where a check fails; a warning does not count.
    """
    from rich.console import Console

    settings = Settings(
        space=space,
        data=data,
        test_data=test_data,
        estimator=estimator,
        training=tuple(train or ()),
        fidelity=options.fidelity(
            epochs=epochs,
            channels=channels,
            cells=cells,
            batch_size=batch_size,
            learning_rate=learning_rate,
            fraction=fraction,
            resolution=resolution,
        ),
        workers=workers,
        seed=seed,
    )
    console = Console(highlight=False)
    found = []
    checks = examined(settings, options.seconds("--time", time) or 0.0)
    while True:
        with _waiting():
            check = next(checks, None)
        if check is None:
            break
        found.append(check.verdict)
        _print(console, check)
    if "fail" in found:
        raise typer.Exit(FAILED)


def examined(settings: Settings, seconds: float) -> Iterator[Check]:
    """Yield the checks one by one; trials run in this process, as a worker would run them."""
    from morphogen.cli import checks
    from morphogen.seeding import stream

    workers = settings.pool().capacity
    yield checks.machine(workers, own=":" in settings.estimator)
    space = settings.find_space()
    estimator, training = settings.find_estimator()
    if training is not None:
        yield checks.leaks(training.data)
    try:
        estimator.rehearse(space, stream(settings.seed, "rehearse"))
        runs = checks.run(space, estimator, settings.seed, seconds)
    except Exception as error:
        raise Failed(f"a trial failed: {type(error).__name__}: {error}") from error
    yield checks.determinism(estimator, runs)
    yield checks.noise(estimator, runs)
    yield checks.duration(runs, workers)


def _waiting() -> AbstractContextManager[object]:
    from rich.console import Console

    console = Console(stderr=True)
    return console.status("looking") if console.is_terminal else nullcontext()


def _print(console: Console, check: Check) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=4)
    table.add_column(width=12)
    table.add_column()
    said = Text(check.found)
    if check.advice:
        said.append(f"\n{check.advice}", style="dim")
    table.add_row(Text(check.verdict, MARKS[check.verdict]), Text(check.name, "bold"), said)
    console.print(Padding(table, (0, 0, 0, 1)))
