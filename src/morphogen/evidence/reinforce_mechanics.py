"""REINFORCE: its gradient by finite differences, its regrets on a table, its entropy, and what noise teaches it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import immutables
import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.intervals import Interval, mean_interval
from morphogen.analysis.sample_efficiency import expected_best
from morphogen.benchmarks.nasbench201 import NASBench201
from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.records import Estimate, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.space import walk
from morphogen.strategies.reinforce import Place, Reinforce, entropy, gradient, log_probability
from morphogen.strategies.seen import Unique

Floats = NDArray[np.float64]

SEEDS: Final = 200
QUICK_SEEDS: Final = 8

QUERIES: Final = 300
JUDGED: Final = 150

KNOWN: Final = {
    "cifar10": {0.1: 0.66, 1.0: 0.52},
    "cifar100": {0.1: 1.26, 1.0: 0.66},
    "imagenet16-120": {0.1: 1.18, 1.0: 0.79},
}
"""Regrets after 150 queries in another implementation, by the rate for rewards of 0 to 1."""

THEIRS: Final = 40
"""Seeds of that implementation. Its means are as noisy as that makes them, which sets the bar."""

ERRORS: Final = 2.64
"""Standard errors of a difference by which one of six may be off by chance, at 5 % for all six together."""

FIRST: Final = 1000
"""The first seed. Seeds 0 to 199 were looked at with a narrower bar, meant for 200 seeds on both sides."""

MARGINS: Final = {"cifar10": 0.06, "cifar100": 0.12, "imagenet16-120": 0.15}
"""By how much a search told permuted values may look better than random search."""

STILL: Final = 1e-12
"""A rate at which nothing is learned."""

NESTED: Final = "NET -> chain(A, A) | a | residual(A, NET, b)\nA -> a | b | chain(c, NET)\ndepth 3\n"

Logits = immutables.Map[Place, tuple[float, ...]]


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Check the gradient, then search the score columns, really and told permuted values."""
    progress("gradient", 0.0)
    yield from exact(3 if quick else 20)
    seeds = QUICK_SEEDS if quick else SEEDS
    datasets = ("cifar100",) if quick else tuple(KNOWN)
    for place, dataset in enumerate(datasets):
        progress(dataset, (0.05 + place) / (len(datasets) + 0.1))
        yield from on_table(NASBench201(dataset, "score"), seeds, quick)


def exact(architectures: int) -> Iterator[Finding]:
    """Yield by how much the gradient is not that of finite differences, and what probabilities sum to."""
    worst, step = 0.0, 1e-5
    spaces = (cell201(), digits_small(), Space.from_text(NESTED, "nested"))
    for space in spaces:
        logits, rng = random_logits(space), stream(1, "architectures")
        for _ in range(architectures):
            architecture = space.sample(rng)
            found = gradient(space, logits, architecture)
            for place in {(p, s) for p, s, _, _ in walk(space, architecture) if (p, s) in logits}:
                for index in range(len(logits[place])):
                    ends = [
                        log_probability(space, _moved(logits, place, index, sign * step), architecture)
                        for sign in (1, -1)
                    ]
                    slope = found[place][index] if place in found else 0.0
                    worst = max(worst, abs(slope - (ends[0] - ends[1]) / (2 * step)))
    yield Finding(
        "gradient of three spaces, largest difference from central differences", worst, Bar("at most", 1e-7)
    )
    nested = spaces[-1]
    logits = random_logits(nested)
    total = sum(math.exp(log_probability(nested, logits, a)) for a in nested.enumerate())
    yield Finding("nested space: probabilities of all architectures, sum", total, Bar("within", 1, 1e-9))


def random_logits(space: Space) -> Logits:
    """Return random logits at every place that some architectures have."""
    rng, logits = stream(0, "logits"), Logits()
    for architecture in [space.sample(rng) for _ in range(100)]:
        for path, symbol, _, _ in walk(space, architecture):
            if (path, symbol) not in logits:
                count = len(space.compiled.symbols[symbol].choices)
                logits = logits.set((path, symbol), tuple(rng.normal(size=count).tolist()))
    return logits


def _moved(logits: Logits, place: Place, index: int, by: float) -> Logits:
    known = list(logits[place])
    known[index] += by
    return logits.set(place, tuple(known))


def on_table(benchmark: NASBench201, seeds: int, quick: bool) -> Iterator[Finding]:
    """Yield regrets and entropies on one data set."""
    name, best = benchmark.dataset, benchmark.best()[1]
    values = benchmark.estimator.column()
    alone = best - float(expected_best(values, [JUDGED])[0])
    yield Finding(f"{name}: regret of random search after {JUDGED} queries, exact", alone)
    start = 6 * math.log(5)
    numbers = range(FIRST, FIRST + seeds)
    rates, queries = ({1.0: KNOWN[name][1.0]}, JUDGED) if quick else (KNOWN[name], QUERIES)
    for rate, known in rates.items():
        runs = [searched(benchmark, rate, seed, queries=queries) for seed in numbers]
        found = np.array([best - max(told[:JUDGED]) for told, _ in runs])
        margin = ERRORS * float(found.std(ddof=1)) * (1 / seeds + 1 / THEIRS) ** 0.5
        bar = Bar("within", known, round(margin, 3))
        yield over(f"{name}: regret at rate {rate:g} after {JUDGED} queries", found, bar)
        if rate == 1:
            yield over(f"{name}: the same less that of random search", found - alone, Bar("below", 0))
            if queries > JUDGED:
                later = np.array([best - max(told) for told, _ in runs])
                yield over(f"{name}: regret at rate {rate:g} after {queries} queries", later)
        falls = np.array([end / start for _, end in runs])
        what = (
            f"{name}: entropy of the policy at rate {rate:g} after {queries} queries, as a part of the first"
        )
        yield over(what, falls, Bar("below", 1))
    # The best of n draws with repeats: each is among the k smallest with probability k / N.
    ordered = np.sort(values)
    shares = (np.arange(len(ordered) + 1) / len(ordered)) ** JUDGED
    repeating = best - float(np.diff(shares) @ ordered)
    runs = [searched(benchmark, STILL, seed, queries=JUDGED) for seed in numbers]
    found = np.array([best - max(told) for told, _ in runs]) - repeating
    what = f"{name}: regret at a rate of {STILL:g} less the exact one of random search with repeats"
    yield over(what, found, Bar("covers", 0), control=True, level=0.9999 if quick else 0.99)
    still = max(abs(end / start - 1) for _, end in runs)
    yield Finding(
        f"{name}: change of entropy at that rate, largest", still, Bar("at most", 1e-9), control=True
    )
    runs = [searched(benchmark, 1.0, seed, queries=JUDGED, permuted=True) for seed in numbers]
    found = np.array([best - max(told) for told, _ in runs]) - alone
    what = f"{name}: regret at rate 1, told permuted values, less the exact one of random search"
    yield over(what, found, Bar("at least", -MARGINS[name] * (3 if quick else 1)), control=True)


def searched(
    benchmark: NASBench201, rate: float, seed: int, *, queries: int = QUERIES, permuted: bool = False
) -> tuple[list[float], float]:
    """Return the accuracies that one search is told, in per cent, and the entropy of its policy at the end."""
    table = benchmark.estimator
    metric, values, rows = table.metrics[0], table.column(), table.rows
    if permuted:
        values = stream(seed, "permute").permutation(values)
    # The rate is for rewards of 0 to 1, the table is in per cent.
    strategy: Any = Reinforce(learning_rate=rate / 100, scaled=False, unique=Unique.NOTHING)
    state, told = strategy.start(benchmark.space, metric), []
    for number in range(queries):
        state = strategy.learn(state)
        asked = strategy.ask(state, stream(seed, number))
        trial = Trial(number, Proposal(asked.architecture))
        value = float(values[rows[asked.architecture]])
        state = strategy.tell(strategy.tell(state, trial), trial.told(Estimate({metric.name: value})))
        told.append(value)
    return told, entropy(benchmark.space, state.logits, next(iter(rows)))


def over(
    name: str, values: Floats, bar: Bar | None = None, *, control: bool = False, level: float = 0.95
) -> Finding:
    """The mean over the seeds with its interval."""
    interval: Interval = mean_interval(values, level)
    return Finding(name, float(values.mean()), bar, interval, control)


ENTRY: Final = Entry(
    name="reinforce_mechanics",
    claim="REINFORCE over the choices of a grammar moves along the exact gradient; on NAS-Bench-201's score column "
    "its regrets after 150 queries, at two rates, are those of another implementation as far as its 40 seeds tell, at "
    "rate 1 below random search, and the entropy of its policy falls.",
    source="Williams 1992; Dong and Yang 2020",
    control="At a rate of nothing it must be random search with repeats, with a policy that stays uniform; told "
    "permuted values it must not beat random search.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "scipy", "pyarrow"),
)
