"""FaDE, planted signal: one useful module among crippled ones is ranked first, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.evidence.fade_beds import digits
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
CRIPPLED: Final = ("narrow, linear_relu", "linear_relu, narrow", "narrow, narrow")
"""Modules through which one unit passes."""


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
    OPERATIONS["scaled"] = Operation("scaled", "multiplies by a constant", Times(scale))
    try:
        yield
    finally:
        del OPERATIONS["narrow"], OPERATIONS["scaled"]


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Train stacks of supernets whose useful slots differ."""
    turns, seeds = ((0, 2), QUICK_SEEDS // 2) if quick else (range(4), SEEDS // 4)
    steps, least = (QUICK_STEPS, 0.5) if quick else (STEPS, 0.95)
    found: list[NDArray[np.float64]] = []
    scaled: list[NDArray[np.float64]] = []
    slots: list[tuple[int, int]] = []
    for turn in turns:
        slots += [(turn, (turn + 1) % 4)] * seeds
        for scale, into in ((1.0, found), (10.0, scaled)):
            progress(f"useful modules in slots {turn} and {(turn + 1) % 4}", len([*found, *scaled]) / 8)
            into.append(ranks((turn, (turn + 1) % 4), seeds * AVERAGED, scale, steps))
    single, where = np.concatenate(found), np.array(slots)
    shares, tenfold = (_averaged(rows) for rows in (found, scaled))
    first = shares.argmax(axis=2)
    yield Finding(
        "runs with the useful module first at every position", _all(first == where), Bar("at least", least)
    )
    alone = single.argmax(axis=2) == np.repeat(where, AVERAGED, axis=0)
    yield Finding("the same for single supernets", _all(alone))
    yield Finding("mean rank of the useful module", float(_own(shares, where).mean()), Bar("at least", 0.3))
    yield Finding(
        "positions with the same first module where outputs are ten times larger",
        float((tenfold.argmax(axis=2) == first).mean()),
        Bar("at least", least),
    )
    yield Finding(
        "mean change of a rank by that", float(np.abs(tenfold - shares).mean()), Bar("at most", 0.05)
    )
    moved = np.roll(where, seeds, axis=0)
    yield Finding(
        "runs that look right with the slots of other runs",
        _all(first == moved),
        Bar("at most", 0.25),
        control=True,
    )
    fixed = np.zeros_like(where)
    yield Finding(
        "runs that a preference for slot 0 gets right",
        _all(fixed == where),
        Bar("at most", 0.25),
        control=True,
    )
    progress("done", 1.0)


def _all(right: NDArray[np.bool_]) -> float:
    return float(right.all(axis=1).mean())


def _averaged(rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean shares `[runs, positions, candidates]` of the supernets of each run."""
    joined = np.concatenate(rows)
    return np.asarray(joined.reshape(-1, AVERAGED, *joined.shape[1:]).mean(axis=1))


def _own(shares: NDArray[np.float64], where: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.take_along_axis(shares, where[:, :, None], axis=2)[:, :, 0]


def ranks(slots: tuple[int, int], seeds: int, scale: float, steps: int) -> NDArray[np.float64]:
    """Return the final shares `[seeds, positions, candidates]`, the useful module in slot `slots[position]`."""
    import torch

    from morphogen.networks.training import Recipe
    from morphogen.supernet import Course, Gumbel, Stack, Supernet, train

    rules = []
    for name, slot in zip("AB", slots, strict=True):
        parts = list(CRIPPLED)
        parts.insert(slot, USEFUL)
        rules.append(f"{name} -> " + " | ".join(f"chain({part}, scaled)" for part in parts))
    space = Space.from_text("constructor mlp_chain 2\nNET -> mlp_chain(A, B)\n" + "\n".join(rules))
    data, numbers = digits()
    recipe = Recipe(
        batch_size=50, optimizer="adamw", weight_decay=0.0, shift=False, learning_rate=0.003, device="cpu"
    )
    with operations(scale):
        nets = [Supernet(space, data.shape, 10, channels=WIDTH, seed=seed) for seed in range(seeds)]
    stack = Stack(nets)
    course = Course(recipe=recipe, steps=steps)
    found = train(stack, Gumbel(), data, numbers, course, stream(*slots))
    rows = [torch.softmax(found.logits[gate.name], 1).double().numpy() for gate in stack.gates]
    return np.stack(rows, axis=1)


ENTRY: Final = Entry(
    name="fade_planted",
    claim="Averaged over four supernets, among modules through which only one unit passes FaDE ranks the "
    "whole one first at every position, in whatever slot it stands, and the scale of what modules give "
    "does not matter.",
    source="Neumeyer, Stier and Granitzer 2024 (FaDE), arXiv 2404.16218; the experiment is ours",
    control="A preference for a slot, or ranks read from runs with other slots, must miss the useful modules.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "torch"),
)
