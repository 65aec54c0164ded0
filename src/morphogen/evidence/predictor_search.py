"""Predictor-guided search finds top networks of real tables with a fraction of the queries of other methods.

Settings were chosen on the 12-epoch columns of NAS-Bench-201 and two macro tasks, class_scene and jigsaw. What features
and neighbourhoods lacked, how few networks a search begins with, and the prior of the Gaussian process were then looked
for, with seeds from 5000 on, on all macro tasks and on the eight graph data sets: the seeds of this entry are new
to the settings, these tables are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.intervals import Interval, bootstrap_interval, mean_interval
from morphogen.analysis.sample_efficiency import hitting_times
from morphogen.analysis.significance import holm, paired_test
from morphogen.analysis.trajectory import regret
from morphogen.benchmarks.benchmark import Benchmark, OwnTable
from morphogen.benchmarks.nasbench201 import NASBench201
from morphogen.benchmarks.nasbench_graph import NASBenchGraph
from morphogen.benchmarks.transbench101_macro import TransBench101Macro
from morphogen.estimators.table import Table
from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.evidence.searching import Permuted, Shuffled, answers, hit, target, truth
from morphogen.seeding import stream
from morphogen.strategies.candidates import KEPT, Random
from morphogen.strategies.local_search import LocalSearch
from morphogen.strategies.predictor_guided import PredictorGuided
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.strategies.seen import Unique
from morphogen.strategies.strategy import Strategy

Floats = NDArray[np.float64]

SEEDS: Final = 30
QUICK_SEEDS: Final = 12

FIRST: Final = 3000
"""The first seed: smaller ones were looked at while the settings were chosen, and reported before."""

FOR_FAMILIES: Final = 2
"""Families of tables are searched with so many times as many seeds: with 30, two sets of seeds differed by a fifth."""

FOR_REGRETS: Final = 4
"""Regrets are compared over so many times as many seeds: after 100 queries most of them are 0."""

FOOLED: Final = 100
"""Searches of the control."""

GUIDED: Final = PredictorGuided()
IN_TENS: Final = PredictorGuided(k=10, initial=10)

LOOKED_AT: Final = (25, 50, 100)
"""After how many queries regrets are compared."""

KNOWN: Final[Mapping[str, tuple[float, float]]] = {
    "cifar10": (19, 33),
    "cifar100": (19, 35),
    "imagenet16-120": (27, 34),
}
"""Median queries to one of the best 15 cells at most: one by one, and in rounds of ten."""

LOCAL: Final = "local search"
EVOLUTION: Final = "regularized evolution 30/10"
RIVALS: Final[Mapping[str, Strategy[Any]]] = {
    LOCAL: LocalSearch(unique=Unique.ARCHITECTURE),
    EVOLUTION: RegularizedEvolution(30, 10, unique=Unique.NOTHING),
    f"{LOCAL}, each network once": LocalSearch(unique=Unique.NETWORK),
    f"{EVOLUTION}, each network once": RegularizedEvolution(30, 10, unique=Unique.NETWORK),
}

TASKS: Final = (
    "autoencoder",
    "class_object",
    "class_scene",
    "jigsaw",
    "normal",
    "room_layout",
    "segmentsemantic",
)
MACRO: Final = 43.0
GRAPHS: Final = ("arxiv", "citeseer", "cs", "photo", "cora", "computers", "physics", "pubmed")
GRAPH: Final = 42.3
"""The geometric mean of 20, 31.5, 21, 48, 113.5, 43, 31 and 105.5, medians of another implementation."""

BUDGET: Final = 300
"""After so many queries a search for a top network is given up."""


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Search three families of tables; quickly, one table of one of them."""
    if quick:
        yield from on_cells(("cifar100",), QUICK_SEEDS, True, progress)
        progress("permuted scores", 0.8)
        yield from control(12, 40)
        return
    yield from on_cells(tuple(KNOWN), SEEDS, False, lambda doing, share: progress(doing, 0.4 * share))
    progress("permuted scores", 0.4)
    yield from control(FOOLED, 100)
    macro = {task: TransBench101Macro(task) for task in TASKS}
    yield from family(
        "TransNAS-Bench-101 macro", macro, MACRO, lambda doing, share: progress(doing, 0.45 + 0.2 * share)
    )
    graphs = {name: NASBenchGraph(name) for name in GRAPHS}
    yield from family(
        "NAS-Bench-Graph", graphs, GRAPH, lambda doing, share: progress(doing, 0.65 + 0.35 * share)
    )


def seeded(runs: int) -> range:
    """Return the seeds of so many searches."""
    return range(FIRST, FIRST + runs)


# --- NAS-Bench-201 ------------------------------------------------------------------------------------------


def on_cells(datasets: Sequence[str], seeds: int, quick: bool, progress: Progress) -> Iterator[Finding]:
    """Median queries to a top cell, and regrets against the rivals."""
    queries = LOOKED_AT[:2] if quick else LOOKED_AT
    lacks: dict[tuple[str, str], Floats] = {}
    for place, dataset in enumerate(datasets):
        table = NASBench201(dataset)
        best, top = float(truth(table).max()), target(table)
        strategies = {"predictor-guided": GUIDED, **RIVALS}
        for step, (name, strategy) in enumerate(strategies.items()):
            progress(f"{dataset}: {name}", 0.8 * (place + step / 6) / len(datasets))
            runs = seeds if quick else FOR_REGRETS * seeds
            told = np.stack([answers(table, strategy, queries[-1], seed, best) for seed in seeded(runs)])
            lacks[dataset, name] = regret(told, best)
            times = hitting_times(told[:seeds], top)
            bar = Bar("at most", 26.0 if quick else KNOWN[dataset][0]) if strategy is GUIDED else None
            yield median(f"{dataset}: median queries of {name} to one of the best 15 cells", times, bar)
            if strategy is GUIDED:
                name = f"{dataset}: queries of {name} after which 90% of the searches have such a cell"
                yield Finding(name, float(np.quantile(times, 0.9)))
        if not quick:
            progress(f"{dataset}: rounds of ten", 0.8 * (place + 5 / 6) / len(datasets))
            times = np.array([hit(table, IN_TENS, top, seed, BUDGET) for seed in seeded(seeds)])
            name = f"{dataset}: median queries in rounds of ten to one of the best 15 cells"
            yield median(name, times, Bar("at most", KNOWN[dataset][1]))
    progress("tests", 0.8)
    for (dataset, name), found in lacks.items():
        for n in queries:
            sample = found[:, n - 1]
            what = f"{dataset}: regret of {name} after {n} queries"
            yield Finding(what, float(sample.mean()), None, mean_interval(sample))
    yield from duels(lacks, queries, quick)


def duels(lacks: Mapping[tuple[str, str], Floats], queries: Sequence[int], quick: bool) -> Iterator[Finding]:
    """Whether predictor-guided search has the lower regret, seed by seed, after Holm's correction for all tests."""
    tests = [(dataset, name, n) for dataset, name in lacks if name in RIVALS for n in queries]
    values = [
        paired_test(
            lacks[dataset, "predictor-guided"][:, n - 1],
            lacks[dataset, name][:, n - 1],
            stream(0, "duel", dataset, name, n),
        )
        for dataset, name, n in tests
    ]
    for (dataset, name, n), p in zip(tests, holm(values), strict=True):
        bar = None if quick and (n < 50 or "once" in name) else Bar("at most", 0.05)
        what = f"{dataset}: lower regret than {name} after {n} queries, p-value of the paired test after Holm"
        yield Finding(what, float(p), bar)


# --- families of tables -------------------------------------------------------------------------------------


def family(title: str, tables: Mapping[str, Benchmark], most: float, progress: Progress) -> Iterator[Finding]:
    """Median queries to a top row of each table, beside local search, and their geometric mean."""
    guided: list[float] = []
    local: list[float] = []
    for place, (name, table) in enumerate(tables.items()):
        progress(f"{title}: {name}", place / len(tables))
        top = target(table)
        for method, strategy, medians in (
            ("predictor-guided search", GUIDED, guided),
            (LOCAL, RIVALS[LOCAL], local),
        ):
            times = np.array(
                [hit(table, strategy, top, seed, BUDGET) for seed in seeded(FOR_FAMILIES * SEEDS)]
            )
            found = median(f"{title}, {name}: median queries of {method} to one of the best 0.1%", times)
            medians.append(found.value)
            yield found
    for method, medians, bar in (
        ("predictor-guided search", guided, Bar("at most", most)),
        (LOCAL, local, None),
    ):
        value = float(np.exp(np.log(medians).mean()))
        yield Finding(f"{title}: geometric mean of the medians of {method}", value, bar)
    fewer = sum(one < other for one, other in zip(guided, local, strict=True))
    yield Finding(f"{title}: tables of {len(tables)} with a lower median than {LOCAL}", fewer)


def median(name: str, times: Floats, bar: Bar | None = None) -> Finding:
    """Return the median hitting time with its bootstrap interval; where it is not reached, beyond all times."""
    finite = np.where(np.isfinite(times), times, BUDGET + 1.0)
    between: Interval = bootstrap_interval(
        finite, stream(0, "median", name), statistic=lambda samples: np.median(samples, axis=1)
    )
    return Finding(name, float(np.median(finite)), bar, between)


# --- control ------------------------------------------------------------------------------------------------


def control(runs: int, queries: int) -> Iterator[Finding]:
    """Fooled at every fit, the search must need as long as one that cannot know better.

    Taught permuted scores, that is the same search of a table whose values are dealt out anew. With its
    acquisitions shuffled it is random search that asks for each network once.
    """
    table = NASBench201("cifar100")
    top, pool = target(table), Random(500, KEPT)
    exact = float(distinct_random(table, top, queries).mean())
    permuted = replace(GUIDED, predictor=Permuted(GUIDED.predictor), pool=pool)
    shuffled = replace(GUIDED, acquisition=Shuffled(GUIDED.acquisition), pool=pool)

    def needed(strategy: Strategy[Any]) -> Floats:
        told = np.stack([answers(table, strategy, queries, seed, top) for seed in seeded(runs)])
        return np.minimum(hitting_times(told, top), queries)

    dark = [in_the_dark(table, replace(GUIDED, pool=pool), top, queries, seed) for seed in seeded(runs)]
    times = {
        "permuted scores": needed(permuted),
        "shuffled acquisitions": needed(shuffled),
        "values dealt out anew": np.array(dark),
    }
    what = f"cifar100: mean of min(queries, {queries}) to a top cell with a random pool and"
    for name, other, bar in (
        ("permuted scores", "values dealt out anew", Bar("covers", 0)),
        ("shuffled acquisitions", "", Bar("covers", 0)),
        ("permuted scores", "", None),
        ("values dealt out anew", "", None),
    ):
        less = times[name] - (times[other] if other else exact)
        beside = f"that with {other}" if other else "that of random search"
        of = f"{what} {name}, less {beside}"
        yield Finding(of, float(less.mean()), bar, mean_interval(less, 0.99), bar is not None)
    if runs < FOOLED:
        return
    less = needed(replace(permuted, pool=GUIDED.pool)) - exact
    what = (
        f"cifar100: mean of min(queries, {queries}) to a top cell with permuted scores and the pool of the "
        "default, which holds neighbours of the best, less that of random search"
    )
    yield Finding(what, float(less.mean()), None, mean_interval(less, 0.99))


def in_the_dark(table: NASBench201, strategy: Strategy[Any], top: float, queries: int, seed: int) -> float:
    """Return min(N, queries) of a search that is told the rank of another cell, drawn anew, for each cell."""
    ranks = stream(seed, "dealt").permutation(len(truth(table))).astype(np.float64)
    dealt = OwnTable(
        table.space, Table("dealt out anew", table.estimator.rows, {table.estimator.metrics[0]: ranks})
    )
    rows = np.argsort(ranks)[answers(dealt, strategy, queries, seed).astype(np.intp)]
    return float(np.minimum(hitting_times(truth(table)[rows][None], top)[0], queries))


def distinct_random(table: NASBench201, top: float, queries: int, runs: int = 4000) -> Floats:
    """Return min(N, queries) of random searches that draw cells and ask for each network once."""
    scores, rows = truth(table), table.estimator.rows
    keys = [a.key for a in sorted(rows, key=rows.__getitem__)]
    times = np.full(runs, float(queries))
    for run in range(runs):
        asked: set[str] = set()
        for row in stream(run, "distinct").permutation(len(scores))[: 4 * queries].tolist():
            asked.add(keys[row])
            if scores[row] >= top or len(asked) == queries:
                times[run] = len(asked)
                break
    return times


ENTRY: Final = Entry(
    name="predictor_search",
    claim="With one setting for all, predictor-guided search finds one of the best 0.1% after a median of at "
    "most 19, 19 and 27 queries on NAS-Bench-201 (CIFAR-10, CIFAR-100, ImageNet16-120; 33, 35, 34 in rounds of "
    "ten), has lower regret there after 25, 50 and 100 queries than local search and evolution, and geometric "
    "means of medians of at most 43 on TransNAS-Bench-101 macro and 42.3 on NAS-Bench-Graph.",
    source="Mauch et al. 2020; White et al. 2021; Ament et al. 2023; Real et al. 2019",
    control="A search whose gain is pool, memory or a leak is as good taught permuted scores; with a random pool it "
    "must then equal one of a table dealt out anew, and with shuffled acquisitions random search. (Asked first was "
    "that permuted scores make it random search; it was 26 queries quicker.) Seeds begin at 3000; others and most "
    "tables were looked at before.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "scipy", "pyarrow"),
    refuted="All bars but one hold, the control too. On NAS-Bench-Graph the geometric mean of medians is 45.1 with 60 "
    "seeds, not 42.3: on cora half of the searches need 256 queries where another implementation's need 114, and on "
    "pubmed most find none of the best 0.1% in 300. On TransNAS-Bench-101 macro it is 41.5. With other blocks of "
    "features and other seeds the two were 41.7 and 46.0: both are near their bars, and one setting that is safely "
    "below both is not found.",
)
