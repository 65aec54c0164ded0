"""Reading a table of your own: every row is looked at, and the first that cannot be used is named."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Iterable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, Final, TypeAlias

from morphogen.architecture import Architecture, ArchitectureError
from morphogen.benchmarks.files import BadTable, MissingData
from morphogen.estimators.table import Table
from morphogen.records import Metric
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.space import Space, brief

Columns: TypeAlias = dict[str, Sequence[Any]]

PARQUET: Final = (".parquet", ".pq")
CSV: Final = (".csv",)


def read_own_table(
    path: Path,
    space: Space,
    objective: str,
    *,
    architecture: str = "architecture",
    maximize: bool = True,
    seconds: str | None = None,
    also: Sequence[str] = (),
    partial: bool = False,
) -> Table:
    """Return a Parquet or CSV file as a table over `space`; see `Benchmark.from_table`."""
    wanted = [architecture, objective, *also, *([] if seconds is None else [seconds])]
    if twice := [name for place, name in enumerate(wanted) if name in wanted[:place]]:
        raise BadTable(f"{path}: the column {twice[0]} is asked for in two places; name another")
    columns = _read(path, wanted)
    rows = _rows(path, columns[architecture], space)
    metrics = {Metric(objective, maximize): _numbers(path, objective, columns[objective])}
    metrics |= {Metric(name, maximize=False): _numbers(path, name, columns[name]) for name in also}
    costs = None if seconds is None else _numbers(path, seconds, columns[seconds])
    for place, cost in enumerate(costs or ()):
        if cost < 0:
            raise BadTable(f"{path}, row {place + 1}: {seconds} is {cost:g}; seconds are at least 0")
    if not partial and len(rows) < space.count():
        missing = next(a for a in space.enumerate() if a not in rows)
        raise BadTable(
            f"{path} has {len(rows):,} of the {brief(space.count())} architectures of {space.name}; the first "
            f"without a row is {missing}. Add them, narrow the space, or say partial=True"
        )
    return Table(path.name, rows, metrics, seconds=costs)


def _rows(path: Path, texts: Sequence[Any], space: Space) -> dict[Architecture, int]:
    """Return the row of each architecture; every one is in the space, none stands twice."""
    rows: dict[Architecture, int] = {}
    for place, text in enumerate(texts):
        where = f"{path}, row {place + 1}"
        if not isinstance(text, str) or not text.strip():
            raise BadTable(f"{where}: there is no architecture but {text!r}; write it as {space.name} does")
        try:
            found = space.parse(text)
        except ArchitectureError as error:
            raise BadTable(f"{where}: {_short(text)} cannot be read as an architecture: {error}") from None
        except SpaceError as error:
            raise BadTable(f"{where}: {error}") from None
        if found in rows:
            raise BadTable(f"{where}: {found} stands in row {rows[found] + 1} already; keep one of them")
        rows[found] = place
    if not rows:
        raise BadTable(f"{path} has no rows")
    return rows


def _numbers(path: Path, name: str, cells: Sequence[Any]) -> list[float]:
    """Return a column as finite numbers."""
    found = []
    for place, cell in enumerate(cells):
        where = f"{path}, row {place + 1}: {name}"
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            raise BadTable(f"{where} is empty; a failed training has no row (say partial=True)")
        if isinstance(cell, bool) or not isinstance(cell, Real | str):
            raise BadTable(f"{where} is {_short(str(cell))}, a {type(cell).__name__}, not a number")
        try:
            number = float(cell)
        except ValueError:
            raise BadTable(f"{where} is {_short(str(cell))!r}, not a number") from None
        if not math.isfinite(number):
            raise BadTable(f"{where} is {number}; a failed training has no row (say partial=True)")
        found.append(number)
    return found


# --- files --------------------------------------------------------------------------------------------------


def _read(path: Path, wanted: Sequence[str]) -> Columns:
    if not path.is_file():
        raise MissingData(f"there is no file {path}")
    if path.suffix.lower() in PARQUET:
        return _read_parquet(path, wanted)
    if path.suffix.lower() in CSV:
        return _read_csv(path, wanted)
    raise BadTable(f"{path}: a table ends in {', '.join((*CSV, *PARQUET))}; export it as one of these")


def _read_csv(path: Path, wanted: Sequence[str]) -> Columns:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            names = [name.strip() for name in next(lines, [])]
            _check_names(path, names, wanted)
            places = {name: names.index(name) for name in wanted}
            columns: dict[str, list[Any]] = {name: [] for name in wanted}
            for cells in lines:
                if not cells:
                    continue  # an empty line, as at the end
                row = len(columns[wanted[0]]) + 1
                if len(cells) != len(names):
                    raise BadTable(
                        f"{path}, row {row} (line {lines.line_num}) has {len(cells)} cells for {len(names)} "
                        "columns; an architecture with commas stands in double quotes"
                    )
                for name, place in places.items():
                    columns[name].append(cells[place])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadTable(f"{path} cannot be read as CSV in UTF-8: {error}") from None
    return dict(columns)


def _read_parquet(path: Path, wanted: Sequence[str]) -> Columns:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingData(f'reading {path.name} needs pyarrow: pip install "morphogen[tables]"') from None
    try:
        _check_names(path, parquet.read_schema(path).names, wanted)
        table = parquet.read_table(path, columns=list(wanted))
    except (pyarrow.ArrowException, OSError) as error:
        raise BadTable(f"{path} cannot be read as Parquet: {error}") from error
    return {name: table.column(name).to_pylist() for name in wanted}


def _check_names(path: Path, names: Iterable[str], wanted: Sequence[str]) -> None:
    known = list(names)
    if not known:
        raise BadTable(f"{path} is empty; its first line names the columns")
    for name in wanted:
        if known.count(name) > 1:
            raise BadTable(f"{path} has {known.count(name)} columns called {name}; rename all but one")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise BadTable(f"{path} has no column {name!r}; {hint}")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
