"""FaDE, planted signal: one useful module among crippled ones is ranked first, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.evidence.fade_images import digits
from morphogen.networks import OPERATIONS, Operation
from morphogen.networks.dense import Dense
from morphogen.networks.layers import Activation, Chain, Layer
from morphogen.networks.shapes import FREE, Cost, Shape
from morphogen.seeding import stream
from morphogen.spaces import Space

if TYPE_CHECKING:
    from torch import nn

SEEDS: Final = 20
QUICK_SEEDS: Final = 2
STEPS: Final = 600
QUICK_STEPS: Final = 250
WIDTH: Final = 12
AVERAGED: Final = 4
"""Supernets in a run: their ranks are averaged, as the estimator does."""

USEFUL: Final = "linear_relu, linear_relu"
CRIPPLED: Final = {
    "silent": ("linear_relu, silent", "linear_relu, linear_relu, silent", "linear_relu, silent, silent"),
    "narrow": ("narrow, linear_relu", "linear_relu, narrow", "narrow, narrow"),
}
"""Modules that give nothing but zeros, and modules through which one unit passes."""


@final
@dataclass(frozen=True, slots=True)
class Times(Layer):
    """Multiplies everything by a constant."""

    factor: float

    def measure(self, shape: Shape) -> tuple[Shape, Cost]:
        return shape, FREE

    def module(self, shape: Shape) -> nn.Module:
        import torch

        class Scale(torch.nn.Module):
            channelwise = True

            def __init__(self, factor: float) -> None:
                super().__init__()
                self.factor = factor

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x * self.factor

        return Scale(self.factor)


@contextmanager
def operations(scale: float) -> Iterator[None]:
    """Add the operations of the experiment for a while."""
    relu = Activation("relu")
    narrow = Chain((Dense(1), relu, Dense(WIDTH), relu))
    OPERATIONS["narrow"] = Operation("narrow", "two linear layers with one unit between", narrow)
    OPERATIONS["silent"] = Operation("silent", "multiplies by zero", Times(0.0))
    OPERATIONS["scaled"] = Operation("scaled", "multiplies by a constant", Times(scale))
    try:
        yield
    finally:
        del OPERATIONS["narrow"], OPERATIONS["silent"], OPERATIONS["scaled"]


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Train stacks of supernets whose useful slots differ, with both kinds of crippled modules."""
    progress("scaling outputs", 0.0)
    for kind in CRIPPLED:
        change = change_by_scale(kind)
        yield Finding(
            f"{kind}: relative change of the logits' gradient, outputs times 10", change, Bar("at most", 1e-3)
        )
    turns, seeds = ((0, 2), QUICK_SEEDS // 2) if quick else (range(4), SEEDS // 4)
    steps, least = (QUICK_STEPS, 0.5) if quick else (STEPS, 0.95)
    kinds = ("silent",) if quick else tuple(CRIPPLED)
    for number, kind in enumerate(kinds):
        found: list[NDArray[np.float64]] = []
        slots: list[tuple[int, int]] = []
        for turn in turns:
            progress(
                f"{kind}: useful modules in slots {turn} and {(turn + 1) % 4}",
                (number + turn / 4) / len(kinds),
            )
            slots += [(turn, (turn + 1) % 4)] * seeds
            found.append(ranks(kind, slots[-1], seeds * AVERAGED, steps))
        yield from judged(kind, found, np.array(slots), seeds, least)
    progress("done", 1.0)


def judged(
    kind: str, found: list[NDArray[np.float64]], where: NDArray[np.int64], seeds: int, least: float
) -> Iterator[Finding]:
    """How often the useful modules are first; only the bar of the silent ones is the method's own (see ENTRY)."""
    single, shares = np.concatenate(found), _averaged(found)
    first = shares.argmax(axis=2)
    barred = kind == "silent"
    name = f"{kind}: runs with the useful module first at every position"
    yield Finding(name, _all(first == where), Bar("at least", least) if barred else None)
    yield Finding(f"{kind}: positions with the useful module first", float((first == where).mean()))
    alone = single.argmax(axis=2) == np.repeat(where, AVERAGED, axis=0)
    yield Finding(f"{kind}: the same runs by single supernets", _all(alone))
    yield Finding(
        f"{kind}: mean rank of the useful module", float(_own(shares, where).mean()), Bar("at least", 0.3)
    )
    moved = np.roll(where, seeds, axis=0)
    bar = Bar("at most", 0.25)
    yield Finding(
        f"{kind}: runs that look right with the slots of other runs", _all(first == moved), bar, control=True
    )
    fixed = np.zeros_like(where)
    yield Finding(
        f"{kind}: runs that a preference for slot 0 gets right", _all(fixed == where), bar, control=True
    )


def change_by_scale(kind: str) -> float:
    """Return how much the first gradient of the logits changes where all modules give ten times as much."""
    import torch
    from torch.nn import functional

    from morphogen.networks.batches import batches_of
    from morphogen.supernet import Gumbel, Stack, Supernet
    from morphogen.supernet.schedule import Logits

    data, numbers = digits()
    images, labels = batches_of(data, torch.device("cpu")).plain(torch.from_numpy(numbers[:200].copy()))
    gradients = []
    for scale in (1.0, 10.0):
        with operations(scale):
            stack = Stack([Supernet(region(kind, (1, 2)), data.shape, 10, channels=WIDTH, seed=0)])
        table = Logits(stack, Gumbel(), torch.Generator().manual_seed(0))
        table.mix(len(labels), torch.Generator().manual_seed(1), learn=True)
        loss = functional.cross_entropy(stack(images[None])[0], labels)
        gradients.append(torch.autograd.grad(loss, table.flat)[0])
    one, ten = gradients
    return float((one - ten).norm() / one.norm())


def _all(right: NDArray[np.bool_]) -> float:
    return float(right.all(axis=1).mean())


def _averaged(rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean shares `[runs, positions, candidates]` of the supernets of each run."""
    joined = np.concatenate(rows)
    return np.asarray(joined.reshape(-1, AVERAGED, *joined.shape[1:]).mean(axis=1))


def _own(shares: NDArray[np.float64], where: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.take_along_axis(shares, where[:, :, None], axis=2)[:, :, 0]


def region(kind: str, slots: tuple[int, int]) -> Space:
    """Return the region with the useful module in slot `slots[position]`."""
    rules = []
    for name, slot in zip("AB", slots, strict=True):
        parts = list(CRIPPLED[kind])
        parts.insert(slot, USEFUL)
        rules.append(f"{name} -> " + " | ".join(f"chain({part}, scaled)" for part in parts))
    return Space.from_text("constructor mlp_chain 2\nNET -> mlp_chain(A, B)\n" + "\n".join(rules))


def ranks(kind: str, slots: tuple[int, int], seeds: int, steps: int) -> NDArray[np.float64]:
    """Return the final shares `[seeds, positions, candidates]` of so many supernets."""
    import torch

    from morphogen.networks.training import Recipe
    from morphogen.supernet import Course, Gumbel, Stack, Supernet, train

    space = region(kind, slots)
    data, numbers = digits()
    recipe = Recipe(
        batch_size=50, optimizer="adamw", weight_decay=0.0, shift=False, learning_rate=0.003, device="cpu"
    )
    with operations(1.0):
        nets = [Supernet(space, data.shape, 10, channels=WIDTH, seed=seed) for seed in range(seeds)]
    stack = Stack(nets)
    course = Course(recipe=recipe, steps=steps)
    found = train(stack, Gumbel(), data, numbers, course, stream(*slots))
    rows = [torch.softmax(found.logits[gate.name], 1).double().numpy() for gate in stack.gates]
    return np.stack(rows, axis=1)


ENTRY: Final = Entry(
    name="fade_planted",
    claim="Averaged over four supernets, FaDE ranks the one useful module among silent ones first at every position, "
    "in whatever slot it stands, and the scale of what modules give does not matter. Among modules through which one "
    "unit passes it does so less often, as reported.",
    source="Neumeyer, Stier and Granitzer 2024 (FaDE), arXiv 2404.16218; the experiment is ours",
    control="A preference for a slot, or ranks read from runs with other slots, must miss the useful modules.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "torch"),
)
