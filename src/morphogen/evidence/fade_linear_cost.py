"""FaDE, cost: a region is trained in time linear in depth, though it holds k^d paths."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import numpy as np

from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.evidence.fade_beds import Bed
from morphogen.evidence.fade_candidates import PILOT
from morphogen.evidence.fade_images import digits
from morphogen.networks import build
from morphogen.seeding import stream

DEPTHS: Final = (1, 2, 3, 4, 5, 6)
STEPS: Final = 12
SEEDS: Final = 9
QUICK_SEEDS: Final = 5
TRUTH_STEPS: Final = 800
SHARE: Final = 0.75
"""Steps of a supernet over those of a network alone: the measured recipe."""


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Count calls, then time steps of supernets of growing depth, and those of networks alone."""
    import torch

    from morphogen.networks.training import Recipe
    from morphogen.supernet import Course, Darts, Gumbel, Stack, Supernet, train
    from morphogen.supernet.relaxation import uniform

    data, numbers = digits()
    recipe = Recipe(batch_size=50, optimizer="adamw", weight_decay=0.0, shift=False, device="cpu")
    regions = {depth: Bed("pilot", digits, (PILOT,) * depth).region() for depth in DEPTHS}
    nets = {depth: Supernet(region, (1, 8, 8), 10) for depth, region in regions.items()}
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for depth, net in nets.items():
        net.mix({g.name: uniform(len(PILOT)) for g in net.gates})
        net(images)
        calls = sum(sum(gate.calls) for gate in net.gates)
        yield Finding(f"module calls of a pass at depth {depth}", calls, Bar("equals", len(PILOT) * depth))
    yield Finding(
        "calls that all paths of depth 6 take alone, over those of the supernet",
        len(PILOT) ** 6 * 6 / (len(PILOT) * 6),
        Bar("at least", 3000),
        control=True,
    )
    repeats = QUICK_SEEDS if quick else SEEDS
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def seconds(net: torch.nn.Module, relaxation: Gumbel | Darts) -> float:
        begun = time.process_time()
        train(Stack([net]), relaxation, data, numbers, Course(recipe=recipe, steps=STEPS), stream(0))
        return (time.process_time() - begun) / STEPS

    taken: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
    alone: dict[tuple[int, int], list[float]] = {}
    for repeat in range(repeats):
        for depth in DEPTHS:  # in turn, so that a busy machine is unfair to none
            taken[depth].append(seconds(nets[depth], Gumbel()))
        for depth in (2, 3):
            for module in range(len(PILOT)):  # the mean over one path a module is that over all paths
                path = regions[depth].unrank(module * sum(len(PILOT) ** i for i in range(depth)))
                network = build(path, (1, 8, 8), 10, seed=repeat)
                alone.setdefault((depth, module), []).append(seconds(network, Darts()))
        progress("timing steps", (repeat + 1) / repeats)
    torch.set_num_threads(threads)
    times = np.array([np.median(taken[depth]) for depth in DEPTHS])
    fitted = np.polyval(np.polyfit(DEPTHS, times, 1), DEPTHS)
    explained = 1 - ((times - fitted) ** 2).sum() / ((times - times.mean()) ** 2).sum()
    bar = None if quick else Bar("at least", 0.98)  # a few rounds say little on a busy machine
    yield Finding("R^2 of the time of an iteration on depth", float(explained), bar)
    yield Finding("milliseconds of an iteration at depth 6", float(1000 * times[-1]))
    for depth in (2, 3):
        one = np.mean([np.median(alone[depth, module]) for module in range(len(PILOT))])
        sweep = len(PILOT) ** depth * TRUTH_STEPS * one
        region = SHARE * TRUTH_STEPS * times[depth - 1]
        yield Finding(f"seconds of all paths of depth {depth} alone, one seed", float(sweep))
        yield Finding(f"seconds of one supernet of depth {depth}", float(region))
        bar = None if quick else Bar("at least", {2: 1.0, 3: 5.0}[depth])
        yield Finding(f"saving by one supernet at depth {depth}", float(sweep / region), bar)
        yield Finding(f"saving by four of them at depth {depth}", float(sweep / region / 4))


ENTRY: Final = Entry(
    name="fade_linear_cost",
    claim="A pass through a region of k candidates at each of d positions calls k d modules and its time is linear in "
    "d, while training all k^d paths alone takes k^(d-1) times as many calls.",
    source="Neumeyer, Stier and Granitzer 2024 (FaDE), arXiv 2404.16218",
    control="Calling every path's modules, as a sweep does, must be far from linear.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "torch"),
)
