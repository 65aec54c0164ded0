"""The result of a comparison as one table, and below it who beats whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from morphogen.cli.errors import note

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from morphogen.analysis.comparison import Comparison, FrontComparison, FrontStanding, Standing

WIDE = 110


def tell(found: Comparison, unit: str) -> None:
    """Print the regrets, the queries to the target and the gain of each strategy."""
    console, between = _console()
    headings = (f"regret{f' in {unit}' if unit else ''} after", *map(str, found.queries), "target", "gain")
    table = _table(headings, between)
    show = _places(max(found.random_regrets))
    exact = [show(value) for value in found.random_regrets]
    table.add_row("exact random search", *exact, f"{found.random_median:,}", "1", style="dim")
    for each in found.standings:
        cells = _cells(each, show, between)
        median = f"> {found.queries[-1]}" if each.median is None else f"{each.median:g}"
        low, high, _ = each.gain.mean_interval
        gain = f"{each.gain.by_mean:.3g}{between}[{low:.2g}, {high:.2g}]"
        table.add_row(each.name, *cells, median, gain)
    console.print(table)
    _beats(console, found)
    note(
        f"{found.seeds} seeds; ± and [ ] are 95% intervals; target: median queries to one of the best "
        f"{found.hits} of {found.size:,} rows; gain: how many times fewer queries than exact random search, "
        f"both cut at {found.queries[-1]}; beats: paired permutation tests, p < .05 after Holm"
    )


def tell_front(found: FrontComparison) -> None:
    """Print what each strategy lacks of the hypervolume of the exact frontier."""
    console, between = _console()
    table = _table(("lacks of the frontier, % after", *map(str, found.queries)), between)
    show = _places(100 * max(each.regrets[0] for each in found.standings))
    for each in found.standings:
        table.add_row(each.name, *_cells(each, lambda share: show(100 * share), between))
    console.print(table)
    _beats(console, found)
    *most, last = found.objectives
    note(
        f"{found.seeds} seeds; ± are 95% intervals; the exact frontier of {', '.join(most)} and {last} has "
        f"{found.front:,} different points in {found.size:,} rows; its hypervolume is {found.hypervolume:.4f} of "
        "the box from the worst to the best value of each in all rows; beats: paired permutation tests, p < .05 after "
        "Holm"
    )


def _console() -> tuple[Console, str]:
    """Return where to print, and what stands between a mean and its interval there."""
    from rich.console import Console

    console = Console(highlight=False)
    return console, " " if console.width >= WIDE else "\n"


def _table(headings: tuple[str, ...], between: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2 if between == " " else 1, 0, 0))
    table.add_column(headings[0], overflow="fold")
    for heading in headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cells(each: Standing | FrontStanding, show: Any, between: str) -> list[str]:
    return [
        f"{show(mean)}{between}±{show((high - low) / 2)}"
        for mean, (low, high, _) in zip(each.regrets, each.intervals, strict=True)
    ]


def _beats(console: Console, found: Comparison | FrontComparison) -> None:
    said = []
    for one in found.standings:
        for other in found.standings:
            if wins := found.wins(one.name, other.name):
                said.append(f"{one.name} beats {other.name} after {_listed(wins)} queries")
    for line in said or ["no strategy beats another: what differs may be chance"]:
        console.print(line, soft_wrap=True)


def _places(largest: float) -> Any:
    """Return how to write numbers of the size of `largest`: three digits of it."""
    from math import floor, log10

    places = max(0, 2 - floor(log10(largest))) if largest > 0 else 2
    return lambda value: f"{value:.{places}f}"


def _listed(numbers: tuple[int, ...]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last
