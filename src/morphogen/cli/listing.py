"""`list`: everything that has a name, with one line about it and its paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from morphogen.cli import completion
from morphogen.cli.errors import Wrong, hint
from morphogen.cli.headings import headings


def listing(
    kind: Annotated[
        str,
        typer.Argument(
            help="spaces, strategies, estimators, operations, evidence ...; all of them unless told.",
            autocompletion=completion.kinds,
            show_default=False,
        ),
    ] = "",
    names: Annotated[bool, typer.Option("--names", help="Print the names alone, one a line.")] = False,
) -> None:
    """List spaces, strategies, estimators, operations and evidence, each with one line and its paper."""
    known = headings()
    chosen = [known[kind]] if kind in known else [] if kind else list(dict.fromkeys(known.values()))
    if not chosen:
        raise Wrong(f"there is no list of {kind}; {hint(kind, set(_plurals(known).values()))}")
    if names:
        print("\n".join(name for each in chosen for name, _, _ in rows(each)))
        return
    from rich.console import Console

    console = Console(highlight=False)
    plural = _plurals(known)
    for number, each in enumerate(chosen):
        if number:
            console.print()
        console.print(plural[each].capitalize(), style="bold")
        console.print(_table(list(rows(each))))


def _plurals(known: dict[str, str]) -> dict[str, str]:
    return {singular: word for word, singular in known.items()}


def rows(kind: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, line and source of everything of one kind."""
    from morphogen.catalog import entries

    if kind == "operation":
        from morphogen.networks import OPERATIONS

        yield "identity", "a skip connection; it vanishes in the graph", ""
        yield "zero", "no connection; it vanishes in the graph", ""
        for operation in OPERATIONS.values():
            yield operation.name, operation.about, ""
    for entry in entries(kind):
        yield entry.name, entry.line, entry.source


def _table(found: list[tuple[str, str, str]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=21)
    table.add_column()
    for name, line, source in found:
        text = Text(line)
        if source:
            text.append(f" [{source}]", style="dim")
        table.add_row(name, text)
    return table
