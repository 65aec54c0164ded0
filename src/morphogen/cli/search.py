"""`search` and `resume`: run a search, show it, and leave its best network trained and saved."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from morphogen.cli import options
from morphogen.cli.errors import INTERRUPTED, Failed, Wrong, note, say
from morphogen.cli.settings import SMALL, Settings, strategy_for
from morphogen.cli.with_recipe import with_recipe

if TYPE_CHECKING:
    from morphogen.spaces import Space
    from morphogen.strategies import Strategy


def search(
    space: options.MaybeSpace = None,
    data: options.Data = None,
    test_data: options.TestData = None,
    benchmark: options.Benchmark = None,
    strategy: options.Strategy = None,
    option: options.Options = None,
    estimator: options.Estimator = "training",
    metric: options.MetricName = None,
    objective: options.Objectives = None,
    constraint: options.Constraints = None,
    weight: options.Weights = None,
    trials: options.Trials = None,
    time: options.Time = None,
    cost: options.Cost = None,
    timeout: options.Timeout = None,
    epochs: options.Epochs = None,
    channels: options.Channels = None,
    cells: options.Cells = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    fraction: options.Fraction = None,
    resolution: options.Resolution = None,
    train: options.EstimatorOptions = None,
    fidelity: options.FidelityFile = None,
    final_epochs: options.FinalEpochs = None,
    no_final: options.NoFinal = False,
    study: options.StudyFile = Path("study.db"),
    workers: options.Workers = None,
    seed: options.Seed = 0,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Search a space of networks, and train the best one found.

    Everything is written down in --study as it happens. Stopped or killed, the same command goes on.
    """
    if benchmark is not None and space is not None:
        raise Wrong(f"{benchmark} is a table with its own space: --space goes without it")
    settings = Settings(
        space=space or SMALL,
        data=data,
        test_data=test_data,
        benchmark=benchmark,
        strategy=strategy or strategy_for(objective or [], weight or []),
        options=tuple(option or ()),
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
        trials=trials,
        seconds=options.seconds("--time", time),
        cost=options.seconds("--cost", cost),
        timeout=options.seconds("--timeout", timeout),
        workers=workers,
        seed=seed,
        metric=metric,
        objectives=tuple(objective or ()),
        constraints=tuple(constraint or ()),
        weights=tuple(weight or ()),
        final_epochs=0 if no_final else final_epochs,
    )
    if fidelity is not None:
        settings = with_recipe(settings, fidelity, quiet=quiet)
    _run(settings, study, as_json=as_json, quiet=quiet)


def resume(
    study: options.Study,
    trials: options.Trials = None,
    time: options.Time = None,
    cost: options.Cost = None,
    workers: options.Workers = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Go on with a search by the settings that it was begun with.

    Limits given here take the place of the recorded ones, and count what was spent before.
    """
    from morphogen.cli.reading import open_study

    path = Path(study)
    with_notes = open_study(study)
    settings = Settings.from_notes(with_notes.notes, path)
    if workers is not None:
        settings = replace(settings, workers=workers)
    if trials or time or cost:
        settings = replace(
            settings,
            trials=trials,
            seconds=options.seconds("--time", time),
            cost=options.seconds("--cost", cost),
        )
    _run(settings, path, as_json=as_json, quiet=quiet)


def _run(settings: Settings, path: Path, *, as_json: bool, quiet: bool) -> None:
    from morphogen.cli.closing import close
    from morphogen.cli.progress import watched
    from morphogen.cli.tally import Tally
    from morphogen.journal import open_journal
    from morphogen.study import Interrupted, Processes, RehearsalFailed
    from morphogen.study import search as search_for

    if re.match(r"\w{2,}:", str(path)):
        raise Wrong(f"--study {path}: name a file, such as study.db")
    if not path.parent.is_dir():
        raise Wrong(
            f"there is no folder {path.parent} for the study {path.name}: make it, or name another file"
        )
    space, strategy = settings.find_space(), settings.find_strategy()
    limit, pool = settings.limit(), settings.pool()
    settings.goal_words()  # mistakes in them show before data are read
    estimator, training = settings.find_estimator()
    settings.check(strategy, estimator)
    tally = Tally(limit)
    with suppress(KeyError, TypeError):  # of a damaged journal; the search itself says what is wrong
        tally.replay(open_journal(path).read())
    if not quiet:
        workers = pool.capacity if isinstance(pool, Processes) else 0
        data = training.data if training else None
        _announce(settings, path, tally, str(space), data, workers, regions=strategy.regions)
    try:
        with watched(tally, pool.capacity, quiet=quiet) as see:
            found = search_for(
                space,
                strategy,
                estimator,
                path,
                limit=limit,
                seed=settings.seed,
                pool=pool,
                **settings.goal_words(),
                on_event=see,
                notes=settings.to_notes(path),
            )
        close(found, settings, training, path, fresh=tally.done > tally.before, as_json=as_json, quiet=quiet)
    except RehearsalFailed as error:
        raise Failed(f"{error}{_positions(strategy, space)}") from error
    except (Interrupted, KeyboardInterrupt) as error:
        what = (
            f"{tally.done} finished {tally.word}s are" if tally.done != 1 else f"1 finished {tally.word} is"
        )
        during = "" if isinstance(error, Interrupted) else " while the winner was trained"
        say(f"interrupted{during}; {what} in {path}. `morphogen resume {path}` goes on from there")
        raise typer.Exit(INTERRUPTED) from None


def _positions(strategy: Strategy[Any], space: Space) -> str:
    """Return how other parts of the networks are searched, where the strategy can be told so."""
    if not (is_dataclass(strategy) and "nonterminal" in {field.name for field in fields(strategy)}):
        return ""
    names = ", ".join(rule.name for rule in space.grammar.rules)
    return f" (-o nonterminal=NAME says which parts have candidates: {names})"


def _announce(
    settings: Settings, path: Path, tally: object, space: str, data: object, workers: int, *, regions: bool
) -> None:
    """Say what is searched, how, and what is there already."""
    from morphogen.cli.reading import plural
    from morphogen.cli.tally import Tally
    from morphogen.networks.data import ImageData

    assert isinstance(tally, Tally)
    note(space)
    if isinstance(data, ImageData):
        channels, height, width = data.shape
        sizes = ", ".join(f"{getattr(data, s).size:,} {s}" for s in ("train", "validation", "test"))
        note(f"{data.name}: {sizes} images of {channels}x{height}x{width}, {len(data.classes)} classes")
        for change in data.notes:
            note(change)
    where = plural(workers, "worker") if workers else "this process"
    note(f"{settings.strategy} with {where}, written to {path}")
    noun = "region" if regions else "trial"
    if not settings.limited:
        note(f"no limit given: {settings.limit().trials} {noun}s (--trials, --time or --cost says otherwise)")
    if tally.done or tally.running:
        note(f"{plural(tally.done, f'finished {noun}')} there already: going on from there")
