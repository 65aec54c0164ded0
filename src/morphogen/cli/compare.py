"""`compare`: strategies on a real table, or on your own: one table that says who is better, and a picture."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from morphogen.cli import completion, options
from morphogen.cli.errors import INTERRUPTED, Wrong, note, say

if TYPE_CHECKING:
    from morphogen.analysis.comparison import Comparison
    from morphogen.benchmarks import Benchmark
    from morphogen.strategies import Strategy

TABLE = "The table"
OWN = "Your own table"
WIDE = 110
STRATEGIES = "random_search,regularized_evolution,local_search"


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
        str | None,
        typer.Option(
            metavar="NAME",
            help="What is improved: of a named table as its docs say, or a column of your own.",
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
        bool, typer.Option("--minimize", help="Less of the objective is better.", rich_help_panel=OWN)
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
        str,
        typer.Option(
            metavar="NAMES",
            help="With commas between: names (`morphogen list strategies`), or my.py:Strategy.",
            rich_help_panel=options.HOW,
        ),
    ] = STRATEGIES,
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
    from morphogen.study.starting import cores

    _can_be_written(json_file, plot)
    table = _own(benchmark, space, objective, architecture, minimize=minimize, partial=partial)
    if table is None:
        if space is not None or minimize or partial or architecture != "architecture":
            raise Wrong(
                f"{benchmark} knows its own space: --space and the like are for a .csv or .parquet file"
            )
        table = _named(benchmark, objective)
    chosen = _strategies(strategies, option or [])
    metric, rows = table.estimator.metrics[0], len(table.estimator.rows)
    if not quiet:
        budget = f"{queries} queries" if queries <= rows else f"{rows} queries (that is every row)"
        note(f"{table.estimator.name}: {rows:,} rows, {metric.name}; {seeds} seeds of {budget}")
    try:
        found = _run(table, chosen, queries, seeds, workers or cores(), quiet)
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    _tell(found, metric.unit)
    if json_file is not None:
        record = {
            "benchmark": benchmark,
            "objective": metric.name,
            "unit": metric.unit,
            "strategies": {name: repr(strategy) for name, strategy in chosen.items()},
            **found.to_json(),
        }
        json_file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        note(f"written to {json_file}")
    if plot is not None:
        from morphogen.comparing import draw

        try:
            draw(found, plot, title=f"{table.estimator.name}, {seeds} seeds", unit=metric.unit)
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
    word: str, space: str | None, objective: str | None, architecture: str, *, minimize: bool, partial: bool
) -> Benchmark | None:
    """Return the user's own table, None where `word` names no file."""
    from morphogen.benchmarks import BadTable, Benchmark
    from morphogen.cli.finding import find_space

    if Path(word).suffix.lower() not in (".csv", ".parquet", ".pq"):
        return None
    if space is None or objective is None:
        lacking = "--space" if space is None else "--objective"
        raise Wrong(
            f"{word} is a table of your own: say {lacking}, too, as in --space space.txt --objective acc"
        )
    try:
        return Benchmark.from_table(
            word,
            space=find_space(space),
            objective=objective,
            architecture=architecture,
            maximize=not minimize,
            partial=partial,
        )
    except BadTable as error:
        raise Wrong(str(error).replace("partial=True", "--partial")) from None


def _named(word: str, objective: str | None) -> Benchmark:
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
    table: Benchmark, chosen: dict[str, Strategy[Any]], queries: int, seeds: int, workers: int, quiet: bool
) -> Comparison:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from morphogen.comparing import compare as compare_strategies

    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(20), MofNCompleteColumn(), TextColumn("searches"), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    with bar if console.is_terminal and not quiet else nullcontext():
        task = bar.add_task("", total=len(chosen) * seeds)
        return compare_strategies(
            table,
            chosen,
            queries=queries,
            seeds=seeds,
            workers=workers,
            progress=lambda done, total: bar.update(task, completed=done),
        )


def _tell(found: Comparison, unit: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    between = " " if console.width >= WIDE else "\n"
    table = Table(box=None, pad_edge=False, padding=(0, 2 if between == " " else 1, 0, 0))
    table.add_column(f"regret{f' in {unit}' if unit else ''} after", overflow="fold")
    for heading in (*map(str, found.queries), "target", "gain"):
        table.add_column(heading, justify="right", no_wrap=True)
    show = _places(max(found.random_regrets))
    exact = [show(value) for value in found.random_regrets]
    table.add_row("exact random search", *exact, f"{found.random_median:,}", "1", style="dim")
    for each in found.standings:
        cells = [
            f"{show(mean)}{between}±{show((high - low) / 2)}"
            for mean, (low, high, _) in zip(each.regrets, each.intervals, strict=True)
        ]
        median = f"> {found.queries[-1]}" if each.median is None else f"{each.median:g}"
        low, high, _ = each.gain.mean_interval
        gain = f"{each.gain.by_mean:.3g}{between}[{low:.2g}, {high:.2g}]"
        table.add_row(each.name, *cells, median, gain)
    console.print(table)
    said = []
    for one in found.standings:
        for other in found.standings:
            if wins := found.wins(one.name, other.name):
                said.append(f"{one.name} beats {other.name} after {_listed(wins)} queries")
    for line in said or ["no strategy beats another: what differs may be chance"]:
        console.print(line, soft_wrap=True)
    note(
        f"{found.seeds} seeds; ± and [ ] are 95% intervals; target: median queries to one of the best "
        f"{found.hits} of {found.size:,} rows; gain: how many times fewer queries than exact random search, "
        f"both cut at {found.queries[-1]}; beats: paired permutation tests, p < .05 after Holm"
    )


def _places(largest: float) -> Any:
    """Return how to write numbers of the size of `largest`: three digits of it."""
    from math import floor, log10

    places = max(0, 2 - floor(log10(largest))) if largest > 0 else 2
    return lambda value: f"{value:.{places}f}"


def _listed(numbers: tuple[int, ...]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last
