"""What spaces cost: samples, mutations and keys a second on one core.

    python benchmarks/spaces.py [--repeats 7] [--json FILE]

The aims: at least 20,000 uniform samples a second of cell201 and 1,000 of hierarchical201, 20,000 mutations and
10,000 keys of cell201. CPU time; the measurements take turns, and the best repeat of each counts, so that a busy
machine is unfair to none. Exits with 1 where an aim is missed.

Every repeat has architectures of its own: `Architecture.key` remembers the keys of equal architectures, so what
is timed is the certificate and its digest, as for one that was never seen. Rows without an aim are for comparison.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from morphogen.architecture import Architecture
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.moves import cross, mutate
from morphogen.spaces.space import Space


@dataclass(frozen=True)
class Row:
    """One thing that is measured: what is done `count` times with the architectures that were prepared."""

    name: str
    space: Space
    count: int
    work: Callable[[Space, Sequence[Architecture], int], None]
    aim: int | None = None


def sampling(space: Space, drawn: Sequence[Architecture], repeat: int) -> None:
    """Draw uniformly over architectures."""
    rng = stream(1, repeat)
    for _ in drawn:
        space.sample(rng)


def sampling_productions(space: Space, drawn: Sequence[Architecture], repeat: int) -> None:
    """Draw production by production."""
    rng = stream(1, repeat)
    for _ in drawn:
        space.sample(rng, over="productions")


def mutating(space: Space, drawn: Sequence[Architecture], repeat: int) -> None:
    """Mutate each architecture once."""
    rng = stream(2, repeat)
    for a in drawn:
        mutate(space, a, rng)


def mutating_one(space: Space, drawn: Sequence[Architecture], repeat: int) -> None:
    """Mutate the first architecture again and again, as evolution does with a parent."""
    rng = stream(2, repeat)
    for _ in drawn:
        mutate(space, drawn[0], rng)


def crossing(space: Space, drawn: Sequence[Architecture], repeat: int) -> None:
    """Cross each architecture with the next one."""
    rng = stream(3, repeat)
    for mother, father in zip(drawn, drawn[1:], strict=False):
        cross(space, mother, father, rng)


def naming(space: Space, drawn: Sequence[Architecture], repeat: int) -> None:
    """Find the name of each network."""
    for a in drawn:
        hashlib.blake2b(a.certificate.encode(), digest_size=16).hexdigest()


ROWS = (
    Row("uniform samples", cell201(), 2000, sampling, 20_000),
    Row("uniform samples", hierarchical201(), 200, sampling, 1_000),
    Row("mutations of distinct parents", cell201(), 2000, mutating, 20_000),
    Row("keys of distinct architectures", cell201(), 1000, naming, 10_000),
    Row("samples over productions", cell201(), 1000, sampling_productions),
    Row("samples over productions", hierarchical201(), 50, sampling_productions),
    Row("mutations of one parent", cell201(), 1000, mutating_one),
    Row("mutations of distinct parents", hierarchical201(), 50, mutating),
    Row("crossings", cell201(), 500, crossing),
    Row("keys of distinct architectures", hierarchical201(), 20, naming),
)


def measure(row: Row, repeat: int) -> float:
    """Return how many a second."""
    rng = stream(0, row.name, repeat)
    drawn = [row.space.sample(rng) for _ in range(row.count)]
    begun = time.process_time()
    row.work(row.space, drawn, repeat)
    return row.count / (time.process_time() - begun)


def main() -> None:
    """Measure in turns and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found: list[list[float]] = [[] for _ in ROWS]
    for repeat in range(options.repeats + 1):
        for rates, row in zip(found, ROWS, strict=True):
            rates.append(measure(row, repeat))
    best = [max(rates[1:]) for rates in found]  # the first one fills tables
    table = Table(title="a second, on one core")
    for name in ("what", "space", "best", "aim", ""):
        table.add_column(name, justify="right" if name in ("best", "aim") else "left")
    for row, rate in zip(ROWS, best, strict=True):
        aim, verdict = "", ""
        if row.aim is not None:
            aim, verdict = f"{row.aim:,}", "reached" if rate >= row.aim else "missed"
        table.add_row(row.name, row.space.name, f"{rate:,.0f}", aim, verdict)
    Console().print(table)
    if options.json:
        records = [
            {"what": row.name, "space": row.space.name, "per_second": rate, "aim": row.aim}
            for row, rate in zip(ROWS, best, strict=True)
        ]
        options.json.write_text(json.dumps(records, indent=2) + "\n")
    sys.exit(any(row.aim is not None and rate < row.aim for row, rate in zip(ROWS, best, strict=True)))


if __name__ == "__main__":
    main()
