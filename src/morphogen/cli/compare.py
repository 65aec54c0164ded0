"""`compare`: strategies on a real table, or on your own: one table that says who is better, and a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from morphogen.cli import completion, options
from morphogen.cli.errors import INTERRUPTED, Wrong, note, say

if TYPE_CHECKING:
    from morphogen.analysis.comparison import Comparison, FrontComparison
    from morphogen.benchmarks import Benchmark
    from morphogen.strategies import Strategy

TABLE = "The table"
OWN = "Your own table"
STRATEGIES = "random_search,regularized_evolution,local_search"
FRONTIER = "random_search,nsga2"


def compare(
    benchmark: Annotated[
        str,
        typer.Option(
            "--benchmark",
            "-b",
            metavar="NAME|FILE",
            help="NAME or NAME/DATASET (`morphogen list benchmarks`), or a .csv or .parquet file.",
            autocompletion=completion.benchmarks,
            rich_help_panel=TABLE,
        ),
    ] = "nasbench201/cifar10",
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What is improved: of a named table as its docs say, or a column of your own; several for their "
            "frontier.",
            rich_help_panel=TABLE,
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            "--space",
            "-s",
            metavar="NAME|FILE",
            help="The space of your own table: a name, a grammar file, or my.py:space.",
            autocompletion=completion.spaces,
            rich_help_panel=OWN,
        ),
    ] = None,
    architecture: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="The column of the architectures.", rich_help_panel=OWN),
    ] = "architecture",
    minimize: Annotated[
        bool,
        typer.Option(
            "--minimize",
            help="Less of the objective is better; so it is of every one but the first.",
            rich_help_panel=OWN,
        ),
    ] = False,
    partial: Annotated[
        bool,
        typer.Option(
            "--partial",
            help="Architectures without a row are allowed; to ask for one is a query that fails.",
            rich_help_panel=OWN,
        ),
    ] = False,
    strategies: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="With commas between: names (`morphogen list strategies`), or my.py:Strategy; "
            f"{STRATEGIES} unless told, for frontiers {FRONTIER}.",
            rich_help_panel=options.HOW,
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="NAME.SETTING=VALUE",
            help="A setting of one of them, such as regularized_evolution.population=20.",
            rich_help_panel=options.HOW,
        ),
    ] = None,
    queries: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Looks at the table a search.", rich_help_panel=options.HOW),
    ] = 300,
    seeds: Annotated[
        int, typer.Option(metavar="N", min=2, help="Searches a strategy.", rich_help_panel=options.HOW)
    ] = 30,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            "-w",
            metavar="N",
            min=1,
            help="Processes; one a core unless told.",
            show_default=False,
            rich_help_panel=options.REST,
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all numbers there.", rich_help_panel=options.REST),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the regrets there (.svg, .png or .pdf; needs matplotlib).",
            rich_help_panel=options.REST,
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Compare strategies on a real table, or on your own.

    Every strategy is run with the same seeds; exact random search stands beside them.
    """
    from morphogen.analysis.comparison import FrontComparison
    from morphogen.cli.finding import find_benchmark
    from morphogen.cli.standings import tell, tell_front
    from morphogen.study.starting import cores

    _can_be_written(json_file, plot)
    objectives = tuple(dict.fromkeys(objective or ()))
    several = len(objectives) > 1
    table = _own(benchmark, space, objectives, architecture, minimize=minimize, partial=partial)
    if table is None:
        if space is not None or minimize or partial or architecture != "architecture":
            raise Wrong(
                f"{benchmark} knows its own space: --space and the like are for a .csv or .parquet file"
            )
        table = find_benchmark(benchmark, objectives) if several else _named(benchmark, *objectives)
    chosen = _strategies(strategies or (FRONTIER if several else STRATEGIES), option or [])
    if several:
        _check_objectives(table, benchmark, objectives, chosen)
    metric, rows = table.estimator.metrics[0], len(table.estimator)
    if not quiet:
        budget = f"{queries} queries" if queries <= rows else f"{rows} queries (that is every row)"
        sought = " and ".join(objectives) if several else metric.name
        note(f"{table.estimator.name}: {rows:,} rows, {sought}; {seeds} seeds of {budget}")
    try:
        found = _run(table, chosen, objectives if several else (), queries, seeds, workers or cores(), quiet)
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    if isinstance(found, FrontComparison):
        tell_front(found)
    else:
        tell(found, metric.unit)
    if json_file is not None:
        record = {
            "benchmark": benchmark,
            **({} if several else {"objective": metric.name, "unit": metric.unit}),
            "strategies": {name: repr(strategy) for name, strategy in chosen.items()},
            **found.to_json(),
        }
        json_file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        note(f"written to {json_file}")
    if plot is not None:
        from morphogen.comparing import draw

        try:
            draw(
                found,
                plot,
                title=f"{table.estimator.name}, {seeds} seeds",
                unit="" if several else metric.unit,
            )
        except ValueError as error:
            raise Wrong(f"--plot {plot}: {error}") from None
        note(f"drawn to {plot}")


def _can_be_written(json_file: Path | None, plot: Path | None) -> None:
    """Say before the work what would fail after it."""
    for path in (json_file, plot):
        if path is not None and not path.parent.is_dir():
            raise Wrong(f"there is no folder {path.parent} for {path.name}: make it, or name another file")
    if plot is not None:
        from importlib.util import find_spec

        if plot.suffix not in (".svg", ".png", ".pdf"):
            raise Wrong(f"--plot {plot}: name a file that ends in .svg, .png or .pdf")
        if find_spec("matplotlib") is None:
            raise Wrong('--plot needs matplotlib: pip install "morphogen[plot]"')


def _own(
    word: str,
    space: str | None,
    objectives: Sequence[str],
    architecture: str,
    *,
    minimize: bool,
    partial: bool,
) -> Benchmark | None:
    """Return the user's own table, None where `word` names no file."""
    from morphogen.benchmarks import BadTable, Benchmark
    from morphogen.cli.finding import find_space

    if Path(word).suffix.lower() not in (".csv", ".parquet", ".pq"):
        return None
    if space is None or not objectives:
        lacking = "--space" if space is None else "--objective"
        raise Wrong(
            f"{word} is a table of your own: say {lacking}, too, as in --space space.txt --objective acc"
        )
    try:
        return Benchmark.from_table(
            word,
            space=find_space(space),
            objective=objectives[0],
            also=objectives[1:],
            architecture=architecture,
            maximize=not minimize,
            partial=partial,
        )
    except BadTable as error:
        raise Wrong(str(error).replace("partial=True", "--partial")) from None


def _check_objectives(
    table: Benchmark, word: str, objectives: Sequence[str], chosen: Mapping[str, Strategy[Any]]
) -> None:
    """Raise `Wrong` for an objective that the table does not have, or a strategy that cannot improve several."""
    from importlib.util import find_spec

    from morphogen.goals import GoalError, named

    for name in objectives:
        try:
            named(name, table.estimator.metrics)
        except GoalError as error:
            raise Wrong(f"--objective {name}: {str(error).replace('the estimator', word, 1)}") from None
    if single := [name for name, strategy in chosen.items() if strategy.objectives is not None]:
        raise Wrong(
            f"{', '.join(single)} improves one number: leave it out where several objectives are compared, as in "
            f"--strategies {FRONTIER}"
        )
    if find_spec("moocore") is None:
        raise Wrong('hypervolumes need moocore: pip install "morphogen[pareto]"')


def _named(word: str, objective: str | None = None) -> Benchmark:
    """Return the table of the catalogue called `word`, such as `nasbench201/cifar100`."""
    from dataclasses import fields

    from morphogen.benchmarks import Benchmark
    from morphogen.catalog import find
    from morphogen.cli.finding import configured

    name, _, dataset = word.partition("/")
    kind = find("benchmark", name).load()
    settings = [f"{fields(kind)[0].name}={dataset}"] if dataset else []
    settings += [] if objective is None else [f"objective={objective}"]
    made = configured(kind, word, settings)
    assert isinstance(made, Benchmark)
    return made


def _strategies(words: str, settings: list[str]) -> dict[str, Strategy[Any]]:
    """Return the strategies by name, each with its settings."""
    from morphogen.cli.finding import find_strategy

    names = [word.strip() for word in words.split(",") if word.strip()]
    if not names:
        raise Wrong(f"--strategies takes names with commas between, such as {STRATEGIES}")
    given: dict[str, list[str]] = {name: [] for name in names}
    for setting in settings:
        name, dot, rest = setting.partition(".")
        if not dot or name not in given:
            raise Wrong(f"--option {setting}: write NAME.SETTING=VALUE, the name one of {', '.join(given)}")
        given[name].append(rest)
    found = {name: find_strategy(name, wanted) for name, wanted in given.items()}
    if regions := [name for name, strategy in found.items() if strategy.regions]:
        raise Wrong(
            f"{', '.join(regions)} proposes regions, and a table knows single architectures: leave it out"
        )
    return {name.rpartition(":")[2]: strategy for name, strategy in found.items()}


def _run(
    table: Benchmark,
    chosen: dict[str, Strategy[Any]],
    objectives: tuple[str, ...],
    queries: int,
    seeds: int,
    workers: int,
    quiet: bool,
) -> Comparison | FrontComparison:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from morphogen.comparing import compare as compare_strategies
    from morphogen.comparing import compare_frontiers

    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(20), MofNCompleteColumn(), TextColumn("searches"), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    with bar if console.is_terminal and not quiet else nullcontext():
        task = bar.add_task("", total=len(chosen) * seeds)
        how: dict[str, Any] = {"queries": queries, "seeds": seeds, "workers": workers}
        how["progress"] = lambda done, total: bar.update(task, completed=done)
        if objectives:
            return compare_frontiers(table, chosen, objectives, **how)
        return compare_strategies(table, chosen, **how)
