"""What the loop costs: CPU time per trial of evolution with de-duplication on cell201, with a free estimator.

    python benchmarks/overhead.py [--trials 10000] [--repeats 7] [--json FILE]

The aims: at most 0.1 ms a trial in memory and 0.25 ms with the SQLite journal; trial 10,000 costs at most 1.2
times trial 1,000; of the first 2,000 proposals 2,000 are distinct networks. Exits with 1 where one is missed.

cell201 has 15,625 architectures and about 5,500 networks, so 10,000 trials that differ as networks cannot be
had: the long runs avoid repeated architectures, the run of 2,000 avoids repeated networks. After 10,000 trials
two thirds of cell201 have been asked for, and every second mutant is a repeat that is drawn again: what a trial
then costs more is that. The rows "no repeats" search hierarchical201, which no search exhausts, and the rows
"constant" ask for one architecture again and again: the cost of the loop, the journal and the random streams
alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from morphogen.estimators.estimator import Estimator
from morphogen.journal import Event
from morphogen.records import Estimate, Metric, Proposal, Trial
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.space import Space
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.strategies.seen import Unique
from morphogen.strategies.strategy import Strategy
from morphogen.study import Limit, search

AIMS = {"memory": 0.1, "sqlite": 0.25}  # milliseconds a trial
FLAT = 1.2
WINDOW = 500  # trials on either side of a measured one
DISTINCT = 2000


@dataclass(frozen=True)
class Free(Estimator):
    """Answers at once with a random number."""

    metrics = (Metric("accuracy"),)

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        return Estimate({"accuracy": rng.random()})


@dataclass(frozen=True)
class Constant(Strategy[Proposal]):
    """Asks for one architecture again and again."""

    def start(self, space: Space, metric: Metric) -> Proposal:
        return Proposal(space.unrank(0))

    def ask(self, state: Proposal, rng: np.random.Generator) -> Proposal:
        return state

    def tell(self, state: Proposal, trial: Trial) -> Proposal:
        return state


def measured(space: Space, strategy: Strategy[Any], journal: str, trials: int) -> dict[str, Any]:
    """Return CPU milliseconds a trial: over all, near trial 1,000, near the end; and the networks."""
    marks: list[float] = []

    def mark(event: Event) -> None:
        if event["kind"] == "told":
            marks.append(time.process_time())

    study = search(space, strategy, Free(), journal, limit=Limit(trials=trials), on_event=mark)
    steps = [1000 * (late - early) for early, late in itertools.pairwise(marks)]
    early, late = 1000, len(steps) - WINDOW
    return {
        "trials": len(marks),
        "mean_ms": statistics.fmean(steps),
        "trial_1000_ms": statistics.fmean(steps[early - WINDOW : early + WINDOW]),
        "last_ms": statistics.fmean(steps[late - WINDOW : late + WINDOW]),
        "networks": len({trial.architecture.key for trial in study.trials[:DISTINCT]}),
    }


def least(
    name: str, space: Space, strategy: Strategy[Any], kind: str, trials: int, repeats: int
) -> dict[str, Any]:
    """Return the least of several measurements, figure by figure: what other programs add is not ours."""
    found = []
    for _ in range(repeats):
        with TemporaryDirectory() as folder:
            journal = "memory:" if kind == "memory" else str(Path(folder, "study.db"))
            found.append(measured(space, strategy, journal, trials))
    row: dict[str, Any] = {field: min(each[field] for each in found) for field in found[0]}
    return {"name": name, "journal": kind, **row, "ratio": row["last_ms"] / row["trial_1000_ms"]}


def kinds(name: str) -> tuple[str, ...]:
    """Return which journals a row is measured with."""
    return ("memory",) if name == "no repeats" else tuple(AIMS)


def reached(row: dict[str, Any]) -> bool:
    """Whether a row keeps to the aims that it is there for."""
    if row["name"] == "networks":
        return bool(row["networks"] == DISTINCT)
    return bool(
        (row["name"] == "no repeats" or row["mean_ms"] <= AIMS[row["journal"]]) and row["ratio"] <= FLAT
    )


def main() -> int:
    """Measure, print a table, and say whether the aims are reached."""
    parser = argparse.ArgumentParser(description="CPU time per trial of a search with a free estimator")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    by_architecture = RegularizedEvolution(unique=Unique.ARCHITECTURE)
    runs: list[tuple[str, Space, Strategy[Any], int]] = [
        ("constant", cell201(), Constant(), options.trials),
        ("architectures", cell201(), by_architecture, options.trials),
        ("networks", cell201(), RegularizedEvolution(unique=Unique.NETWORK), DISTINCT),
        ("no repeats", hierarchical201(), by_architecture, options.trials),
    ]
    rows = []
    for name, space, strategy, trials in runs:
        repeats = 1 if name == "no repeats" else options.repeats  # to read its journal takes longest
        rows += [least(name, space, strategy, kind, trials, repeats) for kind in kinds(name)]
    titles = "".join(f"{title:>10}" for title in ("ms/trial", "at 1,000", "at end"))
    print(f"{'run':14} {'journal':8}{'trials':>8}{titles}{'ratio':>7}{'networks':>9}")
    for row in rows:
        times = "".join(f"{row[field]:10.4f}" for field in ("mean_ms", "trial_1000_ms", "last_ms"))
        head = f"{row['name']:14} {row['journal']:8}{row['trials']:8,}"
        print(f"{head}{times}{row['ratio']:7.2f}{row['networks']:9,}")
    missed = [f"{row['name']} ({row['journal']})" for row in rows if not reached(row)]
    print(f"missed by {', '.join(missed)}" if missed else "all aims are reached", end="")
    print(": 0.1 ms in memory, 0.25 ms in SQLite, ratio 1.2, 2,000 distinct networks of 2,000")
    if options.json:
        options.json.write_text(
            json.dumps({"rows": rows, "missed": missed}, indent=1) + "\n", encoding="utf-8"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
