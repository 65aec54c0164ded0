"""What stacking gives: networks and supernets side by side against one by one, and a region against its candidates.

    python benchmarks/stacking.py [--rounds 7]

CPU time on one thread; medians of rounds in which all that is compared takes its turn, so that a busy machine is
unfair to none. Digits, batches of 50, modules of 16 features (linear) or 8 channels (convolutions on maps of 8x8 and,
after pooling, 2x2).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch.nn import functional

from morphogen.evidence.fade_beds import PILOT, Bed, digits
from morphogen.networks import build
from morphogen.networks.training import Recipe
from morphogen.seeding import stream
from morphogen.supernet import Course, Darts, Gumbel, Stack, Supernet, train
from morphogen.supernet.relaxation import uniform

RECIPE = Recipe(batch_size=50, optimizer="adamw", weight_decay=0.0, shift=False, device="cpu")
LINEAR = Bed("pilot", digits, (PILOT, PILOT))
CONVOLUTIONS = Bed("pilot", digits, (PILOT, PILOT), modules="conv", channels=8)
STEPS = 6


def medians(runs: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Return the median milliseconds of CPU time of each run, taken in turn; the first round warms up."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            begun = time.process_time()
            run()
            taken[name].append(1000 * (time.process_time() - begun))
    return {name: float(np.median(times[1:])) for name, times in taken.items()}


def training(stack: Stack) -> Callable[[], None]:
    """Return a run of a few iterations."""
    data, numbers = digits()

    def run() -> None:
        train(stack, Gumbel(), data, numbers, Course(recipe=RECIPE, steps=STEPS), stream(0))

    return run


def supernets(bed: Bed, counts: tuple[int, ...], rounds: int) -> None:
    """Iterations of stacked supernets."""
    region = bed.region()
    stacks = {
        str(m): training(
            Stack([Supernet(region, (1, 8, 8), 10, channels=bed.channels, seed=s) for s in range(m)])
        )
        for m in counts
    }
    found = medians(stacks, rounds)
    for name, value in found.items():
        whole, each = value / found["1"], found["1"] * int(name) / value
        print(
            f"  {name:>4} supernets: {value / STEPS:8.2f} ms an iteration, "
            f"{whole:5.2f} times one, a factor of {each:.1f}"
        )


def sweep(bed: Bed, seeds: int, rounds: int) -> None:
    """Steps of all paths with some seeds, in one stack and one by one."""
    paths = bed.paths()
    stack = Stack(
        [build(p, (1, 8, 8), 10, channels=bed.channels, seed=s) for s in range(seeds) for p in paths]
    )
    alone = [training(Stack([build(p, (1, 8, 8), 10, channels=bed.channels)])) for p in paths]

    def one_by_one() -> None:
        for run in alone:
            run()

    found = medians({"stack": training(stack), "alone": one_by_one}, rounds)
    whole = found["stack"] / STEPS * 800 / 1000
    factor = found["alone"] * seeds / found["stack"]
    print(
        f"  {len(paths)} paths x {seeds} seeds, 800 steps: {whole:.1f} s, {factor:.1f} times faster than one by one"
    )


def region_step(bed: Bed, rounds: int) -> None:
    """A weight step with all candidates computed, against the sum of steps of its candidates alone."""
    net = Supernet(bed.region(), (1, 8, 8), 10, channels=bed.channels)
    net.mix({g.name: uniform(len(g.candidates)) for g in net.gates})
    images, labels = torch.randn(50, 1, 8, 8), torch.arange(50) % 10

    def step(network: torch.nn.Module) -> Callable[[], None]:
        def run() -> None:
            for _ in range(STEPS):
                functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]

        return run

    paths = bed.paths()
    size = len(bed.candidates[0])
    diagonal = [build(paths[i * (size + 1)], (1, 8, 8), 10, channels=bed.channels) for i in range(size)]
    runs = {"region": step(net), **{str(i): step(network) for i, network in enumerate(diagonal)}}
    found = medians(runs, rounds)
    alone = sum(value for name, value in found.items() if name != "region")
    print(f"  a region's step is {found['region'] / alone:.2f} of the sum of its candidates' steps alone")


def routed(bed: Bed, rounds: int) -> None:
    """A supernet iteration with sparse weight steps against one that computes every candidate."""
    data, numbers = digits()
    for models in (1, 4):
        runs = {}
        for name, relaxation in {"sparse": Gumbel(), "dense": Darts(keep=None)}.items():
            stack = Stack(
                [Supernet(bed.region(), (1, 8, 8), 10, channels=bed.channels, seed=s) for s in range(models)]
            )

            def run(stack: Stack = stack, relaxation: Gumbel | Darts = relaxation) -> None:
                train(stack, relaxation, data, numbers, Course(recipe=RECIPE, steps=STEPS), stream(0))

            runs[name] = run
        found = medians(runs, rounds)
        print(
            f"  {models} supernets: an iteration with sparse weight steps is "
            f"{found['sparse'] / found['dense']:.2f} of a dense one"
        )


def main() -> None:
    """Print one line a factor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds measured")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    for name, bed, counts, seeds in (
        ("linear modules", LINEAR, (1, 8, 40), 16),
        ("convolutions", CONVOLUTIONS, (1, 8), 4),
    ):
        print(name)
        supernets(bed, counts, rounds)
        sweep(bed, seeds, max(2, rounds // 2))
        region_step(bed, rounds)
        routed(bed, rounds)


if __name__ == "__main__":
    main()
