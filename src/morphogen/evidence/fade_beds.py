"""Test beds of FaDE: sets of candidates, the truth about all their paths, and what cheap predictors say."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, final

import numpy as np
from numpy.typing import NDArray

from morphogen.analysis.agreement import spearman
from morphogen.architecture import Architecture, Constructor, Primitive, Topology
from morphogen.benchmarks.files import MissingData
from morphogen.networks import build, cost
from morphogen.networks.data import ImageData, from_arrays, load
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.dag_chain import dags, module
from morphogen.spaces.grammar import Alternative, Call, Grammar, Ref, Rule, ground

if TYPE_CHECKING:
    from morphogen.networks.training import Recipe

Floats: TypeAlias = NDArray[np.float64]
Candidates: TypeAlias = tuple[tuple[Architecture, ...], ...]

BATCH: Final = 50
WIDTH: Final = 16


@final
@dataclass(frozen=True)
class Bed:
    """Images, and k candidates at each of d positions.

    steps: of stand-alone training; a supernet takes `share` of them. rate: peak of Adam for both. least: what
    four supernets must reach on average, where the bed can be judged.
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


def modules(row: Sequence[tuple[int, str]], operation: str = "linear_relu") -> tuple[Architecture, ...]:
    """Return the modules of DAGs given by their vertices and bits, with one operation on all edges."""
    return tuple(module(bits, size, operation) for size, bits in row)


PILOT_DAGS: Final = ((6, "100001000100101"), (2, "1"), (4, "111000"), (5, "1" * 10), (3, "000"))
"""A path of six vertices, one of two, a fork, a full DAG, three lone vertices."""

PILOT: Final = modules(PILOT_DAGS)
"""The candidates of the pilot."""


def random_rows(seed: int, depth: int, candidates: int = 5, operation: str = "linear_relu") -> Candidates:
    """Return random DAGs of two to five vertices (the number uniform, then the DAG), different at each position."""
    rng = stream(seed, "candidates")
    rows = []
    for _ in range(depth):
        row: dict[tuple[int, str], None] = {}
        while len(row) < candidates:
            size = int(rng.integers(2, 6))
            row[size, dags(size)[int(rng.integers(len(dags(size))))]] = None
        rows.append(modules(tuple(row), operation))
    return tuple(rows)


def varied_rows(seed: int, depth: int) -> Candidates:
    """Return one random DAG of each number of vertices from two to six at each position."""
    rng = stream(seed, "varied")
    return tuple(
        modules([(size, dags(size)[int(rng.integers(len(dags(size))))]) for size in range(2, 7)])
        for _ in range(depth)
    )


CONVOLUTIONS: Final = ("conv3x3_relu", "conv3x3_relu", "conv3x3_relu", "conv1x1_relu", "avg_pool")
"""What an edge of a random module of convolutions holds, each with equal probability."""


def mixed_rows(seed: int, depth: int, candidates: int = 5) -> Candidates:
    """Return random DAGs of two to five vertices with a random operation on each edge."""
    rng = stream(seed, "mixed")
    rows = []
    for place in range(depth):
        row: dict[Architecture, None] = {}
        for plain in random_rows(seed * 100 + place, 1, 4 * candidates)[0]:
            drawn = (Architecture(Primitive(str(rng.choice(CONVOLUTIONS)))) for _ in plain.args)
            row[Architecture(plain.terminal, tuple(drawn))] = None
        rows.append(tuple(row)[:candidates])
    return tuple(rows)


def _convolutions(name: str, edges: str, operations: str) -> Architecture:
    """Return a module from its edges `1-2 2-3` and one letter an edge: c and i are 3x3 and 1x1, p is pooling."""
    ends = [edge.split("-") for edge in edges.split()]
    named = {"c": "conv3x3_relu", "i": "conv1x1_relu", "p": "avg_pool"}
    parts = tuple(Architecture(Primitive(named[letter])) for letter in operations)
    return Architecture(Topology(name, tuple((int(s), int(t)) for s, t in ends)), parts)


class _Convolutional(TypedDict):
    steps: int
    rate: float
    root: Literal["map_chain"]
    channels: int
    share: float


CONVOLUTIONAL: Final[_Convolutional] = {
    "steps": 500,
    "rate": 0.01,
    "root": "map_chain",
    "channels": 8,
    "share": 0.6,
}
"""Settings of beds of convolutions: supernets take 300 steps."""

VARIED: Final = (
    _convolutions("one", "1-2", "c"),
    _convolutions("six", "1-2 2-3 3-4 4-5 5-6 6-7", "cccccc"),
    _convolutions("fork", "1-2 1-3 1-4 2-5 3-5 4-5", "cccccc"),
    _convolutions("points", "1-2 2-3 3-4", "iii"),
    _convolutions("pools", "1-2 2-3 3-4", "ppi"),
)
"""A 3x3 convolution; six in a row; a fork of six; three 1x1 in a row; two poolings and a 1x1 convolution."""


@cache
def digits() -> tuple[ImageData, NDArray[np.int64]]:
    """Return scikit-learn's digits, about 1,000 to train and 790 to test."""
    data = load("digits", validation_fraction=0.01, test_fraction=0.44)
    return data, data.train


@cache
def mnist14() -> tuple[ImageData, NDArray[np.int64]]:
    """Return MNIST of 14x14 pixels, 4,000 to train and 3,000 to test."""
    folder = Path(os.environ.get("MORPHOGEN_DATA", "../shared/data"))
    files = folder / "mnist_train.npz", folder / "mnist_test3000.npz"
    for file in files:
        if not file.is_file():
            raise MissingData(f"{file} is not there; set MORPHOGEN_DATA to the folder that holds {file.name}")
    data = load(files[0], files[1]).at(14)
    return data, data.train[:4000]


@cache
def signals() -> tuple[ImageData, NDArray[np.int64]]:
    """Return one-dimensional signals of 40 values in ten classes, 4,000 to train and 1,000 to test.

    After MNIST-1D (Greydanus and Kobak 2024), with prototypes of our own: each signal is the smooth curve of
    its class, scaled, tilted, put at a random place of a longer window, and blurred by correlated noise.
    """
    rng = stream(0, "signals")
    fine = np.linspace(0, 1, 24)
    prototypes = [np.interp(fine, np.linspace(0, 1, 9), rng.normal(size=9)) for _ in range(10)]
    labels = np.arange(5000) % 10
    window, kernel = 64, np.exp(-0.5 * (np.arange(-4, 5) / 2.0) ** 2)
    kernel /= np.linalg.norm(kernel)
    rows = np.zeros((len(labels), window))
    for row, label in zip(rows, labels.tolist(), strict=True):
        place = int(rng.integers(window - len(fine) + 1))
        row[place : place + len(fine)] = rng.uniform(0.6, 1.4) * prototypes[label]
        row += 0.25 * np.convolve(rng.normal(size=window), kernel, mode="same")
        row += rng.uniform(-0.75, 0.75) * np.linspace(-0.5, 0.5, window)
    places = np.linspace(0, window - 1, 40)
    values = np.array([np.interp(places, np.arange(window), row) for row in rows], dtype=np.float32)
    images = values[:, None, None, :]
    test = (images[4000:], labels[4000:])
    data = from_arrays(images[:4000], labels[:4000], test=test, name="signals", validation_fraction=0.01)
    return data, data.train


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


def truth(bed: Bed, seeds: int, tell: Callable[[float], None], most: int = 250) -> Truth:
    """Train every path alone with each seed, in stacks of at most `most` networks."""
    import torch

    from morphogen.supernet import Course, Gumbel, Stack, score, train

    data, numbers = bed.data()
    jobs = [(path, seed) for seed in range(seeds) for path in bed.paths()]
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
            stack, Gumbel(), data, numbers, Course(recipe=bed.recipe, steps=bed.steps), stream(start, "truth")
        )
        test = torch.from_numpy(np.array(data.test)).expand(len(part), -1)
        losses += score(stack, data, test, "cpu")[1].tolist()
        tell((start + len(part)) / len(jobs))
    return Truth(np.array(losses).reshape(seeds, -1), time.process_time() - begun)


@final
@dataclass(frozen=True)
class Ranked:
    """What supernets say: logs of the shares `[m, k]` at each position, leave-one-in losses, entropy, seconds."""

    logs: tuple[Floats, ...]
    alone: tuple[Floats, ...]
    entropy: float
    seconds: float

    def scores(self, how: str, networks: Sequence[int]) -> Floats:
        """Return the score of each path by some of the supernets, their ranks added.

        how: `log` adds the logs of shares, `mean` the shares, `alone` the leave-one-in read-out.
        """
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
    course = Course(recipe=bed.recipe, steps=round(bed.share * bed.steps))
    found = train(stack, Gumbel(), data, numbers, course, stream(seed, "supernets"))
    seconds = time.process_time() - begun
    logs = [torch.log_softmax(found.logits[g.name], 1).double().numpy() for g in stack.gates]
    alone = leave_one_in(stack, data, found.logit_split)
    entropy = float(np.mean([-(np.exp(row) * row).sum(1) / np.log(row.shape[1]) for row in logs]))
    return Ranked(tuple(logs), tuple(alone[g.name].double().numpy() for g in stack.gates), entropy, seconds)


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
