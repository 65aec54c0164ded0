"""Regions as people see them: the candidates of each position side by side, their ranks as bars."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.console import Group
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from morphogen.cli.reading import cut

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from morphogen.cli.tally import Tally
    from morphogen.journal import Event
    from morphogen.records import Trial
    from morphogen.study import Study

NARROW: Final = 26
"""Columns of a position, so that three of them fit on a terminal of 80."""

MOST: Final = 12
"""Positions that are shown of a region."""

LEGEND: Final = "ranks, best first (+ new in this region, > stays in the next one)"

Region = Sequence[Mapping[str, Any]]
"""Positions as a journal holds them: path and the texts of the candidates."""

Ranks = Sequence[Sequence[float]]


class Neighbours(NamedTuple):
    """The candidates at each path in the regions before and after; None where there is no such region."""

    before: Mapping[tuple[int, ...], Sequence[str]] | None = None
    after: Mapping[tuple[int, ...], Sequence[str]] | None = None


def by_path(region: Region | None) -> Mapping[tuple[int, ...], Sequence[str]] | None:
    """Return the candidates at each path."""
    return None if region is None else {tuple(p["path"]): p["candidates"] for p in region}


def columns(region: Region, ranks: Ranks, width: int, beside: Neighbours) -> RenderableType:
    """Return the positions side by side, as many as fit into `width`; each with its candidates, best first."""
    shown = list(zip(region, ranks, strict=True))[:MOST]
    largest = max((share for _, row in shown for share in row), default=1.0)
    across = max(1, min(width // NARROW, len(shown)))
    wide = min(2 * NARROW, width // across - 2)
    table = Table.grid(padding=(0, 2, 0, 0), expand=False)
    for start in range(0, len(shown), across):
        row = shown[start : start + across]
        table.add_row(*(_column(position, shares, largest, wide, beside) for position, shares in row))
    if len(region) > len(shown):
        table.add_row(Text(f"and {len(region) - len(shown)} more positions", "dim"))
    return table


def _column(
    position: Mapping[str, Any],
    shares: Sequence[float],
    largest: float,
    width: int,
    beside: Neighbours,
) -> Group:
    path = tuple(position["path"])
    before = beside.before.get(path) if beside.before is not None else None
    after = beside.after.get(path) if beside.after is not None else None
    if after is not None and set(after) == set(position["candidates"]):
        after = None  # where all of them stay, marks would tell nothing
    longest = max(len(brief(text, width)) for text in position["candidates"])
    name = min(1 + longest, width - 8)
    bar = width - name - 5
    column = Table.grid(padding=(0, 0, 0, 0))
    column.add_column(width=name + 1, no_wrap=True)
    column.add_column(width=bar)
    column.add_column(width=4, no_wrap=True)
    title = Text(cut(f" position {'.'.join(map(str, path)) or 'root'}", width), "dim")
    ordered = sorted(zip(position["candidates"], shares, strict=True), key=lambda pair: -pair[1])
    for rank, (text, share) in enumerate(ordered):
        fresh = "+" if before is not None and text not in before else " "
        stays = ">" if after is not None and text in after else " "
        style = "bold green" if rank == 0 else "dim" if after is not None and stays == " " else ""
        full = "green" if rank == 0 else "cyan"
        column.add_row(
            Text(cut(f"{fresh}{brief(text, name - 1)}", name), style),
            ProgressBar(total=largest, completed=share, width=bar, complete_style=full, finished_style=full),
            Text(f"{_share(share)}{stays}", style),
        )
    return Group(title, column)


def _share(share: float) -> str:
    return f"{share:.2f}"[1:] if share < 0.995 else "1.0"


def brief(text: str, width: int) -> str:
    """Return the text of a candidate in at most `width` characters: alike arguments are counted."""
    alike = re.fullmatch(r"(\w+)\((\w+)((?:, \2)*)\)", text)
    if alike is None:
        return cut(text, width)
    if alike[1].startswith("dag"):  # its bits say all
        return cut(alike[1], width)
    return cut(f"{alike[1]}({alike[2]} x{1 + alike[3].count(',')})", width)


def said(number: int, estimate: Mapping[str, Any], tally: Tally) -> Text:
    """Return the line about a finished region: seconds, its value, the best so far, how decided the ranks are."""
    head = Text.assemble((f"region {number}", "bold"), f"  {estimate['cost']:.1f} s")
    if failure := estimate.get("failure"):
        why = f"{failure['type']}: {failure['message']}".splitlines()[0]
        return head.append(f"  failed by {why}", "red")
    (metric, _), values = tally.metric, estimate["values"]
    head.append(f"  {metric} {values[metric]:.4f}")
    if tally.best is not None and tally.best[0] == number:
        head.append("  the best so far", "bold green")
    elif tally.best is not None:
        head.append(f"  best {tally.best[1][metric]:.4f} in region {tally.best[0]}", "dim")
    if "entropy" in values and metric != "entropy":
        head.append(f"  rank entropy {values['entropy']:.2f}", "dim")
    return head


def of_trial(study: Study, trial: Trial, width: int) -> RenderableType | None:
    """Return the ranks of a trial that is a region, with what was new in it and what stayed; None for any other."""
    if not trial.proposal.region or trial.estimate is None or not trial.estimate.ranks:
        return None
    region = trial.proposal.to_json()["region"]
    around = [_region(study, trial.number + by) for by in (-1, 1)]
    return columns(region, trial.estimate.ranks, width, Neighbours(*map(by_path, around)))


def _region(study: Study, number: int) -> Region | None:
    if not 0 <= number < len(study.trials):
        return None
    found: Region | None = study.trials[number].proposal.to_json().get("region")
    return found


def noun(study: Study) -> str:
    """Return what a trial of the study is called."""
    return "region" if study.regions else "trial"


class Blocks:
    """Prints each finished region once it is known what became of it: a line, and the ranks below."""

    def __init__(self, tally: Tally, console: Console) -> None:
        self.tally = tally
        self.console = console
        self.told: tuple[int, Mapping[str, Any]] | None = None
        self.begun = False

    def see(self, event: Event) -> None:
        """Count an event; a finished region is shown when the next one is asked."""
        self.tally.see(event)
        if event["kind"] == "asked":
            self.show(event["proposal"].get("region"))
        elif event["kind"] == "told" and event["number"] in self.tally.regions:
            self.show()
            self.told = (event["number"], event["estimate"])

    def show(self, after: Region | None = None) -> None:
        """Print the region that was finished last, unless that was done."""
        if self.told is None:
            return
        number, estimate = self.told
        self.told = None
        ranks, regions = estimate.get("ranks", ()), self.tally.regions
        if ranks and not self.begun:
            self.console.print(Text(LEGEND, "dim"))
            self.begun = True
        self.console.print(said(number, estimate, self.tally))
        if ranks:
            beside = Neighbours(by_path(regions.get(number - 1)), by_path(after))
            shown = columns(regions[number], ranks, min(self.console.width, 100) - 2, beside)
            self.console.print(Padding(shown, (0, 0, 0, 2)))
