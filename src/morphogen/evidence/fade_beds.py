"""Test beds of FaDE: sets of candidates, the truth about all their paths, and what cheap predictors say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.agreement import spearman
from morphogen.architecture import Architecture, Constructor
from morphogen.evidence.fade_candidates import Candidates
from morphogen.networks import build, cost
from morphogen.networks.data import ImageData
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.grammar import Alternative, Call, Grammar, Ref, Rule, ground

if TYPE_CHECKING:
    from morphogen.networks.training import Recipe

Floats: TypeAlias = NDArray[np.float64]

BATCH: Final = 50
WIDTH: Final = 16


@final
@dataclass(frozen=True)
class Bed:
    """Images, and k candidates at each of d positions.

    steps: of stand-alone training; a supernet takes `share` of them. rate: peak of Adam for both. least: what
    four supernets must reach on average, where the bed can be judged. widen: as in `Course`.
    """

    name: str
    data: Callable[[], tuple[ImageData, NDArray[np.int64]]]
    candidates: Candidates
    steps: int = 800
    rate: float = 0.003
    root: Literal["mlp_chain", "conv_chain", "map_chain"] = "mlp_chain"
    channels: int = WIDTH
    share: float = 0.75
    least: float | None = None
    widen: bool = False

    def region(self) -> Space:
        """Return the region of all paths."""
        names = [f"P{place}" for place in range(len(self.candidates))]
        rows = [
            Rule(name, tuple(Alternative(ground(part)) for part in row))
            for name, row in zip(names, self.candidates, strict=True)
        ]
        chain = Call(Constructor(self.root, len(rows)), tuple(map(Ref, names)))
        return Space(Grammar("NET", (Rule("NET", (Alternative(chain),)), *rows)), self.name)

    @property
    def recipe(self) -> Recipe:
        """How paths alone and supernets are trained."""
        from morphogen.networks.training import Recipe

        fixed = {"optimizer": "adamw", "weight_decay": 0.0, "shift": False, "device": "cpu"}
        return Recipe(batch_size=BATCH, learning_rate=self.rate, **fixed)  # type: ignore[arg-type]

    def paths(self) -> list[Architecture]:
        """Return all paths, the last position running fastest."""
        chain = Constructor(self.root, len(self.candidates))
        return [Architecture(chain, parts) for parts in product(*self.candidates)]


class _Convolutional(TypedDict):
    steps: int
    rate: float
    root: Literal["map_chain"]
    channels: int
    share: float


CONVOLUTIONAL: Final[_Convolutional] = {
    "steps": 500,
    "rate": 0.005,
    "root": "map_chain",
    "channels": 8,
    "share": 0.6,
}
"""Settings of beds of convolutions: supernets take 300 steps. At a rate of 0.01 seeds differ more."""


@final
@dataclass(frozen=True)
class Truth:
    """Test losses `[seeds, paths]` of all paths trained alone, and the seconds that took."""

    losses: Floats
    seconds: float

    @property
    def score(self) -> Floats:
        """Minus the mean loss of each path."""
        return np.asarray(-self.losses.mean(axis=0))

    @property
    def ceiling(self) -> float:
        """The most that a perfect estimator could correlate: from split halves, after Spearman and Brown."""
        rng, found = np.random.default_rng(0), []
        for _ in range(50):
            order = rng.permutation(len(self.losses))
            half = len(order) // 2
            one, two = self.losses[order[:half]].mean(0), self.losses[order[half : 2 * half]].mean(0)
            rho = spearman(one, two)
            found.append(2 * rho / (1 + rho))
        return float(max(0.0, float(np.mean(found))) ** 0.5)

    def sweep(self, seeds: int) -> float:
        """Return the mean correlation of so many seeds with all others: a sweep of every path."""
        rng, found = np.random.default_rng(1), []
        for _ in range(40):
            order = rng.permutation(len(self.losses))
            found.append(spearman(self.losses[order[:seeds]].mean(0), self.losses[order[seeds:]].mean(0)))
        return float(np.mean(found))

    @property
    def reliability(self) -> float:
        """The share of what varies between the means of paths that is not noise of their seeds."""
        noise = self.losses.var(axis=0, ddof=1).mean() / len(self.losses)
        return float(np.clip(1 - noise / self.losses.mean(axis=0).var(ddof=1), 0.05, 1.0))

    @property
    def spread(self) -> float:
        """The standard deviation between the means of paths over that between the seeds of one path."""
        within = self.losses.var(axis=0, ddof=1).mean()
        return float(np.sqrt(self.losses.mean(axis=0).var(ddof=1) / within))


def truth(bed: Bed, seeds: range, tell: Callable[[float], None], most: int = 250) -> Truth:
    """Train every path alone with each seed, in stacks of at most `most` networks."""
    import torch

    from morphogen.supernet import Course, Gumbel, Stack, score, train

    data, numbers = bed.data()
    jobs = [(path, seed) for seed in seeds for path in bed.paths()]
    losses: list[float] = []
    begun = time.process_time()
    for start in range(0, len(jobs), most):
        part = jobs[start : start + most]
        nets = [
            build(path, data.shape, len(data.classes), channels=bed.channels, seed=seed + 1000 * i)
            for i, (path, seed) in enumerate(part, start)
        ]
        stack = Stack(nets)
        train(
            stack,
            Gumbel(),
            data,
            numbers,
            Course(recipe=bed.recipe, steps=bed.steps),
            stream(1000 * seeds.start + start, "truth"),
        )
        test = torch.from_numpy(np.array(data.test)).expand(len(part), -1)
        losses += score(stack, data, test, "cpu")[1].tolist()
        tell((start + len(part)) / len(jobs))
    return Truth(np.array(losses).reshape(len(seeds), -1), time.process_time() - begun)


@final
@dataclass(frozen=True)
class Ranked:
    """What supernets say: logs of the shares `[m, k]` at each position, leave-one-in losses, entropy.

    seconds: of training; read: of the leave-one-in losses.
    """

    logs: tuple[Floats, ...]
    alone: tuple[Floats, ...]
    entropy: float
    seconds: float
    read: float

    def scores(self, how: str, networks: Sequence[int]) -> Floats:
        """Return the score of each path by some of the supernets, their ranks added.

        how: `log` adds the logs of shares, `mean` the shares, `alone` the leave-one-in read-out; `both` adds the
        ranks by `log` and by `alone`.
        """
        if how == "both":
            return self.scores("log", networks) + self.scores("alone", networks)
        rows = {"log": self.logs, "mean": tuple(map(np.exp, self.logs)), "alone": self.alone}[how]
        total = np.zeros(int(np.prod([row.shape[1] for row in rows])))
        for network in networks:
            total += positions(outer([row[network] for row in rows]))
        return total


def ranked(bed: Bed, supernets: int, seed: int) -> Ranked:
    """Train so many supernets of a bed as one stack, by the measured recipe."""
    import torch

    from morphogen.supernet import Course, Gumbel, Stack, Supernet, leave_one_in, train

    data, numbers = bed.data()
    region = bed.region()
    begun = time.process_time()
    nets = [
        Supernet(region, data.shape, len(data.classes), channels=bed.channels, seed=seed * 10_000 + i)
        for i in range(supernets)
    ]
    stack = Stack(nets)
    course = Course(recipe=bed.recipe, steps=round(bed.share * bed.steps), widen=bed.widen)
    found = train(stack, Gumbel(), data, numbers, course, stream(seed, "supernets"))
    seconds = time.process_time() - begun
    logs = [torch.log_softmax(found.logits[g.name], 1).double().numpy() for g in stack.gates]
    alone = leave_one_in(stack, data, found.logit_split)
    read = time.process_time() - begun - seconds
    entropy = float(np.mean([-(np.exp(row) * row).sum(1) / np.log(row.shape[1]) for row in logs]))
    rows = tuple(alone[g.name].double().numpy() for g in stack.gates)
    return Ranked(tuple(logs), rows, entropy, seconds, read)


def outer(rows: Sequence[Floats]) -> Floats:
    """Return the sum of one value a position for every path `[k^d]`."""
    total = np.zeros(1)
    for row in rows:
        total = (total[:, None] + row).ravel()
    return total


def positions(values: Floats) -> Floats:
    """Return the rank of each value, ties averaged."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64)


def shuffled(bed: Bed, score: Floats, draws: int = 2000) -> tuple[float, float]:
    """Return the 95% interval of the correlation with random shares at each position."""
    rng = np.random.default_rng(2)
    found = [spearman(outer([rng.random(len(row)) for row in bed.candidates]), score) for _ in range(draws)]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def depths(bed: Bed) -> Floats:
    """Return the number of operations on the longest way through each path."""

    def longest(path: Architecture) -> float:
        total = 0.0
        for part in path.args:
            graph, level = part.graph, [0.0]
            for sources in graph.predecessors[1:]:
                level.append(1 + max(level[s] for s in sources))
            total += max(level[v] for v in graph.output)
        return total

    return np.array([longest(path) for path in bed.paths()])


def parameters(bed: Bed) -> Floats:
    """Return the parameters of each path."""
    return np.array(
        [cost(p, (1, 8, 8), 10, channels=bed.channels).parameters for p in bed.paths()], dtype=float
    )
