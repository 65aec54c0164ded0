"""`evidence`: run the experiment behind a claim; exit 0 only where the claim holds."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from morphogen.cli import completion
from morphogen.cli.errors import FAILED, Wrong, note

if TYPE_CHECKING:
    from rich.console import Console

    from morphogen.evidence import Result


def evidence(
    name: Annotated[
        str,
        typer.Argument(
            help="An entry, or all; the list with committed verdicts unless told.",
            autocompletion=completion.claims,
            show_default=False,
        ),
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer seeds and wider bars: seconds, not minutes.")
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Write the result to this file; for all, one file each into this folder."
        ),
    ] = None,
) -> None:
    """Run the experiment behind a claim; exits 0 only where the claim holds."""
    from rich.console import Console

    from morphogen import evidence as entries

    console = Console(highlight=False)
    if not name:
        if quick or json_file:
            raise Wrong("name the entry to run, or all")
        _list(console)
        return
    chosen = entries.names() if name == "all" else (entries.find(name).name,)
    if json_file is not None and name == "all":
        json_file.mkdir(parents=True, exist_ok=True)
    held = True
    for each in chosen:
        result = _run(each, quick)
        _tell(console, result)
        held = held and result.holds
        if json_file is not None:
            file = json_file / f"{each}.json" if name == "all" else json_file
            result.write(file)
            note(f"written to {file}")
    if not held:
        raise typer.Exit(FAILED)


def _run(name: str, quick: bool) -> Result:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from morphogen import evidence as entries

    console = Console(stderr=True, highlight=False)
    bar = Progress(
        BarColumn(20),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar if console.is_terminal else nullcontext():
        task = bar.add_task(name, total=1.0)

        def progress(doing: str, share: float) -> None:
            bar.update(task, completed=share, description=f"{name}: {doing}"[: max(20, console.width - 34)])

        return entries.run(name, quick, progress=progress)


def _tell(console: Console, result: Result) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print(f"[bold]{result.name}[/]  {result.claim} [dim]({result.source})[/]")
    console.print(f"[dim]control[/]  {result.control}")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for finding in result.findings:
        interval = (
            f"[{_brief(finding.interval.low)}, {_brief(finding.interval.high)}]" if finding.interval else ""
        )
        name = f"{finding.name} (control)" if finding.control else finding.name
        verdict = "" if finding.bar is None else "holds" if finding.holds else "FAILS"
        bar = "" if finding.bar is None else str(finding.bar)
        style = "green" if finding.holds else "bold red"
        table.add_row(name, _brief(finding.value), interval, bar, Text(verdict, style))
    console.print(table)
    verdict = "[bold green]holds[/]" if result.holds else "[bold red]does not hold[/]"
    runs = f"{result.seeds} seeds, " if result.seeds else ""
    console.print(f"{verdict}  [dim]{runs}{result.seconds:.0f} s{', quick' if result.quick else ''}[/]\n")


def _list(console: Console) -> None:
    """Print every entry with the verdict that is kept in the package."""
    from rich.table import Table
    from rich.text import Text

    from morphogen import evidence as entries
    from morphogen.catalog import find

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for name in entries.names():
        kept = entries.committed(name)
        verdict: Any = Text("not run", "dim")
        if kept is not None:
            verdict = Text("holds", "green") if kept.holds else Text("FAILS", "bold red")
        entry = find("evidence", name)
        said = Text(entry.line)
        if entry.source:
            said.append(f" [{entry.source}]", "dim")
        table.add_row(name, verdict, said)
    console.print(table)
    note("`morphogen evidence NAME` runs one, --quick in seconds")


def _brief(value: float) -> str:
    """Return a number shortly; very long integers as powers of ten."""
    if isinstance(value, int):
        from morphogen.spaces import brief

        return brief(value) if value >= 0 else str(value)
    return f"{value:.5g}"
