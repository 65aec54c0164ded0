"""What is shown while a search runs: a live picture on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from morphogen.cli.options import clock
from morphogen.cli.reading import number
from morphogen.cli.regions import Blocks

if TYPE_CHECKING:
    from morphogen.cli.tally import Tally
    from morphogen.journal import Event

EVERY: Final = 10.0  # seconds between lines where there is no terminal
WIDEST: Final = 100
COLUMNS: Final = ("parameters", "seconds")


@contextmanager
def watched(tally: Tally, workers: int, *, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """Show the search inside the block; yields what is to be called with each event."""
    console = Console(stderr=True, highlight=False)
    blocks = Blocks(tally, console)
    if quiet:
        yield tally.see
    elif console.is_terminal and not console.is_dumb_terminal:
        with Live(
            get_renderable=lambda: picture(tally, workers, console.width, console.height),
            console=console,
            refresh_per_second=4,
            transient=True,
        ):
            yield blocks.see
            blocks.show()
    else:
        lines = Lines(blocks)
        yield lines.see
        blocks.show()
        lines.show()


class Lines:
    """One line after the first trial, then one every few seconds when a trial has finished; regions as blocks."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.tally = tally = blocks.tally
        self.shown = -EVERY
        self.told = tally.done

    def see(self, event: Event) -> None:
        """Count an event; perhaps print a line."""
        self.blocks.see(event)
        if self.tally.regions:
            self.told = self.tally.done
        elif event["kind"] == "told" and time.monotonic() - self.shown >= EVERY:
            self.show()

    def show(self) -> None:
        """Print where the search stands, if anything finished since the last line."""
        tally = self.tally
        if tally.done == self.told:
            return
        self.shown, self.told = time.monotonic(), tally.done
        best = ""
        if tally.best:
            place, values, _ = tally.best
            best = f"; best {tally.metric[0]} {number(values[tally.metric[0]])} (trial {place})"
        failed = f", {tally.failed} failed" if tally.failed else ""
        failed += f", {tally.refused:,} refused" if tally.refused else ""
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"{tally.so_far() or f'{tally.done} trials'}: {tally.done} done{failed}, "
            f"{len(tally.running)} running{best}"
        )


def picture(tally: Tally, workers: int, width: int, height: int = 24) -> RenderableType:
    """Return the state of a search as it is shown on a terminal of so many columns and lines."""
    width = min(width, WIDEST)
    bar = Table.grid(padding=(0, 1), expand=False)
    words = Text(tally.so_far(), no_wrap=True, overflow="ellipsis")
    bar.add_row(ProgressBar(total=1.0, completed=tally.share, width=max(8, width - len(words) - 4)), words)
    counts = Text.assemble(
        ("done ", "dim"), str(tally.done),
        ("  running ", "dim"), f"{len(tally.running)} of {max(1, workers)}",
        ("  failed ", "dim"), (str(tally.failed), "red" if tally.failed else ""),
    )  # fmt: skip
    if tally.refused:
        counts.append("  refused ", "dim").append(f"{tally.refused:,}")
    if tally.rate:
        a_minute = 60 * tally.rate
        counts.append(
            f"  {a_minute:.0f} a minute" if a_minute >= 2 else f"  {60 * a_minute:.0f} an hour", "dim"
        )
    if not tally.awake:
        counts = Text("getting ready: trying a small network, starting workers", "dim")
    parts: list[RenderableType] = [bar, counts]
    if tally.best:
        parts += _best(tally, width)
    if tally.regions:  # those that are finished stand above
        now = tally.now()
        parts += [
            Text(f"region {place} is trained, {clock(now - since)}", "dim")
            for place, (_, since) in sorted(tally.running.items())[:4]
        ]
    elif height >= 18 and (tally.last or tally.running):
        parts += [Text(), _last(tally, width)]
    return Padding(Group(*parts), (0, 0, 0, 1))


def _best(tally: Tally, width: int) -> list[RenderableType]:
    assert tally.best is not None
    place, values, text = tally.best
    line = Text.assemble(
        ("best ", "dim"), (f"{tally.metric[0]} {number(values[tally.metric[0]])}", "bold green"),
        (f"  {tally.word} {place}", "dim"),
    )  # fmt: skip
    if "parameters" in values:
        line.append(f"  {number(values['parameters'])} parameters", "dim")
    shown = Text(f"  {text}", style="cyan", no_wrap=True, overflow="ellipsis")
    shown.truncate(width - 2, overflow="ellipsis")
    line.truncate(width - 2, overflow="ellipsis")
    return [line, shown]


def _last(tally: Tally, width: int) -> Table:
    """Return the last finished trials and those that run, as a table."""
    name = tally.metric[0]
    known = {metric for _, estimate in tally.last for metric in estimate["values"]}
    more = [column for column in COLUMNS if column in known and column != name] if width >= 50 else []
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("trial", justify="right")
    table.add_column(name, justify="right", min_width=8)
    for column in more:
        table.add_column(column, justify="right")
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=max(8, width - 50))
    for place, estimate in tally.last:
        best = tally.best is not None and tally.best[0] == place
        if failure := estimate.get("failure"):
            why = f"{failure['type']}: {failure['message']}".splitlines()[0]
            table.add_row(str(place), Text("failed", "red"), *[""] * len(more), Text(why, "red"))
            continue
        values = estimate["values"]
        shown = [f"{values[c]:.1f}" if c == "seconds" else number(values[c]) for c in more]
        style = "bold green" if best else ""
        table.add_row(
            str(place), Text(number(values[name]), style), *shown, Text("best" if best else "", style)
        )
    now = tally.now()
    for place, (_, since) in sorted(tally.running.items())[:4]:
        seconds = [f"{now - since:.1f}" if column == "seconds" else "" for column in more]
        table.add_row(*(Text(cell, "dim") for cell in (str(place), "running", *seconds, "")))
    return table
