"""NSGA-II comes nearer to the exact frontier of accuracy and latency than random search, on real tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.dominance import unbeaten
from morphogen.analysis.hypervolume import Box, hypervolume_of_trials
from morphogen.analysis.intervals import mean_interval
from morphogen.benchmarks.nasbench201 import NASBench201
from morphogen.estimators.table import Table
from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.goals import Objectives
from morphogen.journal.memory import Memory
from morphogen.records import Metric
from morphogen.seeding import stream
from morphogen.strategies.nsga2 import NSGA2
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.seen import Unique
from morphogen.strategies.strategy import Strategy
from morphogen.study.limits import Limit
from morphogen.study.loop import search

SEEDS: Final = 40
QUICK_SEEDS: Final = 6

QUERIES: Final = (50, 100, 200, 300)
"""After how many queries what is lacking is looked at; judged at the last."""

TABLES: Final = (
    ("cifar100", "latency_eyeriss"),
    ("cifar100", "latency_1080ti_1"),
    ("imagenet16-120", "latency_samsung_a50"),
)
"""An accelerator, a graphics card and a telephone; on none of them was a setting tried before."""

RANDOM: Final = RandomSearch(unique=Unique.ARCHITECTURE)
NSGA: Final = NSGA2(unique=Unique.ARCHITECTURE)
"""The defaults, but each of the 15,625 cells is a query of its own: then shuffled values cost exactly nothing."""

JOINT: Final = 0.05
"""The probability that one or more of the intervals of the control misses 0 by chance (Bonferroni)."""

BLOCK: Final = 500
"""Rows compared at a time with all others."""

Floats = NDArray[np.float64]


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Search the frontier of validation accuracy and the latency on a device, with many seeds."""
    tables = TABLES[:1] if quick else TABLES
    for place, (dataset, device) in enumerate(tables):

        def part(doing: str, share: float, place: int = place, dataset: str = dataset) -> None:
            progress(f"{dataset}: {doing}", (place + share) / len(tables))

        table = NASBench201(dataset, also=(device,)).estimator
        yield from on_table(f"{dataset}, {device}", table, QUICK_SEEDS if quick else SEEDS, len(tables), part)


def on_table(name: str, table: Table, seeds: int, family: int, progress: Progress) -> Iterator[Finding]:
    """Everything about one pair of objectives; `family` is how many pairs are tested together."""
    goal = Objectives(table.metrics)
    truth = scores(table, goal)
    front = unbeaten(truth)
    box = Box.of(truth)
    best = box.hypervolume(truth[front])
    yield Finding(f"{name}: rows on the exact frontier", len(front))
    yield Finding(
        f"{name}: rows wrongly on or off it, by all pairs", misplaced(truth, front), Bar("equals", 0)
    )
    apart = abs(best - staircase(truth, box))
    yield Finding(f"{name}: its hypervolume, less that of a staircase", apart, Bar("at most", 1e-9))

    lacks: dict[str, Floats] = {}
    methods: dict[str, Strategy[Any]] = {"random search": RANDOM, "NSGA-II": NSGA}
    for step, (method, strategy) in enumerate(methods.items()):
        progress(method, step / 3)
        lacks[method] = 1 - searches(table, goal, strategy, box, seeds) / best
        for n in QUERIES:
            lack = 100 * lacks[method][:, n - 1]
            found = f"{name}: % of the exact hypervolume that {method} lacks after {n} queries"
            yield Finding(found, float(lack.mean()), None, mean_interval(lack))
    gain = 100 * (lacks["random search"] - lacks["NSGA-II"])[:, -1]
    what = f"{name}: what random search lacks more than NSGA-II after {QUERIES[-1]} queries, % of the hypervolume"
    yield Finding(what, float(gain.mean()), Bar("above", 0), mean_interval(gain))

    progress("NSGA-II, told shuffled values", 2 / 3)
    fooled = 1 - searches(table, goal, NSGA, box, seeds, shuffled=True) / best
    more = 100 * (fooled - lacks["random search"])[:, -1]
    what = f"{name}: what NSGA-II lacks more than random search where cells have each other's values, %"
    yield Finding(what, float(more.mean()), Bar("covers", 0), mean_interval(more, 1 - JOINT / family), True)


def searches(
    table: Table, goal: Objectives, strategy: Strategy[Any], box: Box, seeds: int, *, shuffled: bool = False
) -> Floats:
    """Return the hypervolume after each query of real searches [seeds, queries].

    shuffled: each cell has the values of another one, drawn anew for each seed. The frontier stays what it is,
    and a strategy that repeats nothing finds of it, on average, exactly what random search does.
    """
    space, grown = NASBench201().space, np.empty((seeds, QUERIES[-1]))
    for seed in range(seeds):
        told = dealt(table, seed) if shuffled else table
        before = told.queries
        study = search(
            space,
            strategy,
            told,
            Memory(),
            limit=Limit(trials=QUERIES[-1]),
            seed=seed,
            objectives=[metric.name for metric in goal.metrics],
        )
        grown[seed] = hypervolume_of_trials(study.trials, goal, box)
        assert told.queries - before == QUERIES[-1], "each trial is one query"
    return grown


def dealt(table: Table, seed: int) -> Table:
    """Return the table with its rows dealt out anew: values that belong together stay together."""
    order = stream(seed, "deal").permutation(len(table.rows))
    columns: Mapping[Metric, Floats] = {m: table.column(m.name)[order] for m in table.metrics}
    return Table(f"{table.name} shuffled", table.rows, columns)


def scores(table: Table, goal: Objectives) -> Floats:
    """Return the objectives of each row `[rows, objectives]`, larger is better."""
    return np.stack([table.column(m.name) * (1 if m.maximize else -1) for m in goal.metrics], axis=1)


def misplaced(truth: Floats, front: NDArray[np.intp]) -> int:
    """Return how many rows are wrongly on the front or off it, by comparing every row with every other."""
    beaten = np.empty(len(truth), dtype=bool)
    for start in range(0, len(truth), BLOCK):
        pairs = [(column[:, None], column[None, start : start + BLOCK]) for column in truth.T]
        no_less = np.logical_and.reduce([one >= other for one, other in pairs])
        larger = np.logical_or.reduce([one > other for one, other in pairs])
        beaten[start : start + BLOCK] = (no_less & larger).any(axis=0)
    return int((beaten == np.isin(np.arange(len(truth)), front)).sum())


def staircase(truth: Floats, box: Box) -> float:
    """Return the hypervolume of two objectives by its definition: a sum of steps, best first objective first."""
    worst, best = np.array(box.worst), np.array(box.best)
    points = (truth - worst) / (best - worst)
    area = height = 0.0
    for right, up in points[np.argsort(-points[:, 0], kind="stable")]:
        area += right * max(0.0, up - height)
        height = max(height, up)
    return float(area)


ENTRY: Final = Entry(
    name="nsga2_frontier",
    claim=(
        "On NAS-Bench-201, after 300 queries for accuracy and the latency on a device, NSGA-II lacks less of the "
        "hypervolume of the exact frontier than random search does."
    ),
    source="Deb et al. 2002 (NSGA-II); tables of Dong and Yang 2020, latencies as in Lee et al. 2021 (HELP)",
    control=(
        "Where each cell is given the values of another one there is nothing to learn, and NSGA-II must lack as "
        "much as random search."
    ),
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "scipy", "pyarrow", "moocore"),
)
