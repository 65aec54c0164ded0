"""What a cheap recipe saves a search that makes its own networks: seconds to an equal test loss, on digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.intervals import Interval, mean_interval
from morphogen.architecture import Architecture
from morphogen.estimators.darts import Darts
from morphogen.estimators.estimator import Estimator
from morphogen.evidence.bpe_bed import CONVOLUTIONAL, Bed, Trainer
from morphogen.evidence.bpe_digits import measured
from morphogen.evidence.bpe_transfer import found_on_digits
from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.journal.memory import Memory
from morphogen.networks.data import load
from morphogen.records import Estimate, Fidelity, Metric, Proposal, Trial
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.strategies.one_shot import OneShot
from morphogen.strategies.random_search import RandomSearch
from morphogen.strategies.regularized_evolution import RegularizedEvolution
from morphogen.strategies.reinforce import Reinforce
from morphogen.strategies.strategy import Strategy
from morphogen.study.limits import Limit
from morphogen.study.loop import search

Floats = NDArray[np.float64]

SEEDS: Final = 10
QUICK_SEEDS: Final = 2

WIDTH: Final = 8

STRATEGIES: Final[Mapping[str, Strategy[Any]]] = {
    "random search": RandomSearch(),
    "regularized evolution": RegularizedEvolution(population=8, tournament=3),
    "REINFORCE": Reinforce(),
}

FULL: Final = 16
"""Networks that a search with full training looks at."""

CHEAP: Final = (16, 32, 64)
"""Networks that a search by the recipe looks at; what it costs to reach an equal loss is read off these."""

BEST: Final = 2
"""The best by the recipe are trained in full, and the better by validation is taken."""

FACTOR: Final = 3.7
"""Measured before on a small pool: 3.7 to 6.6."""

ONE_THIRTIETH: Final = 1
"""The place of this limit in the bed."""


@final
@dataclass(frozen=True, eq=False)
class Trains(Estimator):
    """The validation loss of a network trained by `fidelity`, and its seconds."""

    fidelity: Fidelity
    name: tuple[Any, ...]

    metrics = (Metric("loss", maximize=False),)
    fingerprint = "training on digits"

    def estimate(self, proposal: Proposal, rng: np.random.Generator) -> Estimate:
        return loss_of(proposal.architecture, self.fidelity, *self.name, int(rng.integers(2**62)))


def loss_of(architecture: Architecture, fidelity: Fidelity, *name: Any, test: bool = False) -> Estimate:
    """Train a network on digits; its loss on the validation or the test split, and the seconds as the cost."""
    trained = Trainer(load("digits"), [(architecture, WIDTH)])
    value, seconds = trained(0, fidelity, *name, test=test)
    return Estimate({"loss": -value}, seconds)


class Reached(NamedTuple):
    """Test loss of the network that is left, trained anew, and the seconds of the search."""

    loss: float
    seconds: float


@final
@dataclass(frozen=True, eq=False)
class Search:
    """One pair of searches, with full training and by the recipe; what is trained in full is trained once."""

    space: Space
    full: Fidelity
    recipe: Fidelity
    seed: int
    last: dict[Architecture, float] = field(default_factory=dict)
    finalists: dict[Architecture, Estimate] = field(default_factory=dict)

    def judged(self, architecture: Architecture) -> float:
        """Return the test loss after a training that no search has seen."""
        if architecture not in self.last:
            found = loss_of(architecture, self.full, "judged", self.seed, str(architecture), test=True)
            self.last[architecture] = found.values["loss"]
        return self.last[architecture]

    def trials(self, strategy: Strategy[Any], fidelity: Fidelity, count: int) -> Sequence[Trial]:
        estimator = Trains(fidelity, (self.seed,))
        study = search(self.space, strategy, estimator, Memory(), limit=Limit(trials=count), seed=self.seed)
        return study.trials

    def in_full(self, strategy: Strategy[Any], count: int) -> Reached:
        """Every network is trained in full."""
        trials = self.trials(strategy, self.full, count)
        best = min(trials, key=loss)
        return Reached(self.judged(best.architecture), sum(cost(trial) for trial in trials))

    def by_recipe(
        self, trials: Sequence[Trial], count: int, rng: np.random.Generator | None = None
    ) -> Reached:
        """The first networks by the recipe, the best of them in full; with `rng` any of them, as a control."""
        seen = trials[:count]
        losses = np.array([loss(trial) for trial in seen])
        order = np.argsort(losses if rng is None else rng.permutation(losses), kind="stable")
        spent, best = sum(cost(trial) for trial in seen), []
        for place in order[:BEST]:
            architecture = seen[place].architecture
            if architecture not in self.finalists:
                name = ("finalist", self.seed, str(architecture))
                self.finalists[architecture] = loss_of(architecture, self.full, *name)
            best.append((self.finalists[architecture].values["loss"], architecture))
            spent += self.finalists[architecture].cost
        return Reached(self.judged(min(best, key=lambda pair: pair[0])[1]), spent)


def loss(trial: Trial) -> float:
    """Return the loss of a finished trial."""
    assert trial.estimate is not None
    return trial.estimate.values["loss"]


def cost(trial: Trial) -> float:
    """Return the seconds of a finished trial."""
    assert trial.estimate is not None
    return trial.estimate.cost


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Find a recipe; then pairs of searches, with full training and by the recipe."""
    bed, seeds, full, cheap = (Bed.small(), QUICK_SEEDS, 3, (4,)) if quick else (Bed(), SEEDS, FULL, CHEAP)
    table = measured(bed, lambda doing, share: progress(f"{doing} on digits", 0.2 * share), "pool")
    picks, bills = found_on_digits(bed, table, 1)
    recipe = picks[0][min(ONE_THIRTIETH, len(bed.limits) - 1)]
    space = Space.from_text(CONVOLUTIONAL, "small")
    pairs = [Search(space, bed.full, recipe, seed) for seed in range(seeds)]
    target, dear = 0.0, 0.0
    for place, (name, strategy) in enumerate(STRATEGIES.items()):
        ends, cheaply, fooled = [], [], []
        for number, pair in enumerate(pairs):
            progress(name, 0.2 + 0.7 * (place + number / seeds) / len(STRATEGIES))
            ends.append(pair.in_full(strategy, full))
            trials = pair.trials(strategy, recipe, cheap[-1])
            cheaply.append([pair.by_recipe(trials, count) for count in cheap])
            fooled.append(pair.by_recipe(trials, cheap[-1], stream(pair.seed, "dealt")))
        at_full, by_recipe = np.array(ends), np.array(cheaply)
        yield from compared(name, at_full, by_recipe, cheap, bills[0], quick)
        worse = np.array(fooled)[:, 0] - by_recipe[:, -1, 0]
        yield Finding(
            f"{name}: test loss with the recipe's losses dealt out to other networks, less that by the recipe",
            float(worse.mean()),
            Bar("at least", -10.0 if quick else 0.0),
            mean_interval(worse),
            control=True,
        )
        if place == 0:
            target, dear = float(at_full[:, 0].mean()), float(at_full[:, 1].mean())
    yield from by_gradient(pairs, quick, target, dear, progress)
    yield Finding("seconds that the search of the recipe takes, with its reference trainings", bills[0])


def compared(
    name: str, full: Floats, cheap: Floats, counts: Sequence[int], bill: float, quick: bool
) -> Iterator[Finding]:
    """Yield losses and costs; full [seeds, 2], cheap [seeds, counts, 2]."""
    yield Finding(f"{name}, full training: test loss", full[:, 0].mean(), None, mean_interval(full[:, 0]))
    for place, count in enumerate(counts):
        less = cheap[:, place, 0] - full[:, 0]
        yield Finding(
            f"{name}, {count} networks by the recipe: test loss, less that with full training",
            float(less.mean()),
            None,
            mean_interval(less),
        )
    reached = np.flatnonzero(cheap[:, :, 0].mean(axis=0) <= full[:, 0].mean())
    place = int(reached[0]) if reached.size else len(counts) - 1

    def factor(rows: NDArray[np.intp]) -> float:
        return float(full[rows, 1].mean() / cheap[rows, place, 1].mean())

    everyone = np.arange(len(full))
    what = (
        f"{counts[place]} networks"
        if reached.size
        else f"{counts[place]} networks, which do not reach its loss"
    )
    low, high = _interval(factor, len(full))
    yield Finding(
        f"{name}: times that the recipe saves ({what})",
        factor(everyone) if reached.size or quick else 0.0,
        Bar("at least", 0.0 if quick else FACTOR),
        Interval(low, high),
    )
    saved = float((full[:, 1] - cheap[:, place, 1]).mean())
    if saved > 0:
        yield Finding(f"{name}: searches after which the recipe is paid for", bill / saved)


def _interval(statistic: Any, count: int) -> tuple[float, float]:
    draws = stream(0, "factor").integers(count, size=(1000, count))
    low, high = np.quantile([statistic(rows) for rows in draws], [0.025, 0.975])
    return float(low), float(high)


def by_gradient(
    pairs: Sequence[Search], quick: bool, target: float, dear: float, progress: Progress
) -> Iterator[Finding]:
    """Yield what DARTS derives over regions of the same space, and what it costs."""
    data, found = load("digits"), []
    strategy = OneShot(candidates=4 if quick else 8, nonterminal="B")
    estimator = Darts(data, epochs=1 if quick else 30, channels=WIDTH, validate=False)
    for number, pair in enumerate(pairs):
        progress("DARTS", 0.9 + 0.1 * number / len(pairs))
        study = search(pair.space, strategy, estimator, Memory(), limit=Limit(trials=1), seed=pair.seed)
        (trial,) = study.trials
        found.append((pair.judged(trial.architecture), cost(trial)))
    losses, seconds = np.array(found).T
    yield Finding(
        "DARTS: test loss of the derived network, less that of random search with full training",
        float(losses.mean() - target),
        None,
        mean_interval(losses - target),
    )
    yield Finding(
        "DARTS: times that it is cheaper than random search with full training", dear / float(seconds.mean())
    )


ENTRY: Final = Entry(
    name="bpe_open_search",
    claim="On digits, in a space whose networks are made on the way, random search, evolution and REINFORCE by a "
    "recipe of 1/30 of full training reach the test loss of 16 networks trained in full for 3.7 times less.",
    source="Zheng et al. 2020 (BPE)",
    control="With the recipe's losses dealt out to other networks the finalists must be worse.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "scipy", "scikit-learn", "torch"),
)
