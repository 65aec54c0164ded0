"""What stacking gives: networks side by side against one by one, and a step of DARTS against a plain loop.

    python benchmarks/stacking.py [--rounds 7]

CPU time on one thread; medians of rounds in which all that is compared takes its turn, so that a busy machine is
unfair to none; each factor beside its bar. Digits, batches of 50, modules of 16 features (linear) or 8 channels
(convolutions on maps of 4x4).
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from morphogen.evidence.fade_beds import CONVOLUTIONAL, Bed
from morphogen.evidence.fade_candidates import PILOT, VARIED
from morphogen.evidence.fade_images import digits
from morphogen.networks import build
from morphogen.networks.batches import batches_of
from morphogen.networks.training import Recipe
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.supernet import Course, Darts, Gumbel, Stack, Supernet, train
from morphogen.supernet.relaxation import uniform
from morphogen.supernet.wiring import Wiring

RECIPE: Final = Recipe(batch_size=50, optimizer="adamw", weight_decay=0.0, shift=False, device="cpu")
LINEAR: Final = Bed("pilot", digits, (PILOT, PILOT))
CONVOLUTIONS: Final = Bed("five", digits, (VARIED, VARIED), **CONVOLUTIONAL)
STEPS: Final = 6
CHANNELS: Final = 16
"""Of the supernet of DARTS."""


def judged(text: str, value: float, bar: float, *, most: bool = False) -> None:
    """Print a figure beside its bar."""
    met = value <= bar if most else value >= bar
    word = "at most" if most else "at least"
    print(f"  {text}: {value:.2f} ({word} {bar:g}: {'met' if met else 'NOT met'})", flush=True)


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


def supernets(bed: Bed, counts: tuple[int, ...], rounds: int) -> dict[int, float]:
    """Print iterations of stacked supernets, and return how many times one alone they take."""
    region = bed.region()

    def stack(count: int) -> Stack:
        return Stack([Supernet(region, (1, 8, 8), 10, channels=bed.channels, seed=s) for s in range(count)])

    found = medians({str(m): training(stack(m)) for m in counts}, rounds)
    for name, value in found.items():
        print(f"  {name:>4} supernets: {value / STEPS:8.2f} ms an iteration", flush=True)
    return {int(name): value / found["1"] for name, value in found.items()}


def sweep(bed: Bed, seeds: int, rounds: int) -> tuple[float, float]:
    """Return the seconds of 800 steps of all paths with some seeds in one stack, and the factor to one by one."""
    paths = bed.paths()
    stack = Stack(
        [build(p, (1, 8, 8), 10, channels=bed.channels, seed=s) for s in range(seeds) for p in paths]
    )
    alone = [training(Stack([build(p, (1, 8, 8), 10, channels=bed.channels)])) for p in paths]

    def one_by_one() -> None:
        for run in alone:
            run()

    found = medians({"stack": training(stack), "alone": one_by_one}, rounds)
    return found["stack"] / STEPS * 800 / 1000, found["alone"] * seeds / found["stack"]


def region_step(bed: Bed, rounds: int) -> tuple[float, float]:
    """Return a step with all candidates computed, one by one and batched, over its candidates' steps alone."""
    images, labels = torch.randn(50, 1, 8, 8), torch.arange(50) % 10

    def step(stack: Stack) -> Callable[[], None]:
        for gate in stack.gates:
            gate.weights = list(uniform(len(gate.candidates)))

        def run() -> None:
            for _ in range(STEPS):
                functional.cross_entropy(stack(images[None])[0], labels).backward()  # type: ignore[no-untyped-call]

        return run

    def supernet() -> Supernet:
        return Supernet(bed.region(), (1, 8, 8), 10, channels=bed.channels)

    paths, size = bed.paths(), len(bed.candidates[0])
    alone = [Stack([build(paths[i * (size + 1)], (1, 8, 8), 10, channels=bed.channels)]) for i in range(size)]
    runs = {"plain": step(Stack([supernet()])), "batched": step(Stack([supernet()], batched=True))}
    found = medians(runs | {str(i): step(stack) for i, stack in enumerate(alone)}, rounds)
    total = sum(value for name, value in found.items() if name not in runs)
    return found["plain"] / total, found["batched"] / total


class Plain(nn.Module):
    """The obvious way to mix: an edge sums all its operations, zero among them, one after the other."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__()
        self.edges, self.parts = wiring.edges, wiring.parts

    def forward(self, x: Tensor) -> Tensor:
        """Map a map to what reaches the last node."""
        nodes = {1: x}
        for (source, target), part in zip(self.edges, self.parts, strict=True):
            z, terms = nodes[source], []
            for weight, nothing, candidate in zip(
                part.gate.weights, part.nothing, part.candidates, strict=True
            ):
                terms.append(weight * (z * 0.0 if nothing else candidate(z)))
            total = sum(terms[1:], terms[0])
            nodes[target] = nodes[target] + total if target in nodes else total
        return nodes[max(target for _, target in self.edges)]


def plainly(network: nn.Module) -> nn.Module:
    """Replace the wirings of a supernet by plain ones, in place."""
    for name, child in list(network.named_children()):
        if isinstance(child, Wiring):
            setattr(network, name, Plain(child))
        else:
            plainly(child)
    return network


def darts_step(rounds: int) -> tuple[float, float]:
    """Return how many times faster a search step of DARTS is than by a plain loop, and their largest gap.

    A step is one of Adam on the logits and one of SGD on the weights, on cell201 and digits. The gap is that of
    the gradients of weights and logits, over the largest gradient.
    """
    data, numbers = digits()
    net = Supernet(cell201(), (1, 8, 8), 10, channels=CHANNELS).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    other = copy.deepcopy(net)
    gates, plain = other.gates, plainly(other)
    logits = torch.zeros(len(gates), len(gates[0].candidates), requires_grad=True)
    weights = torch.optim.SGD(plain.parameters(), 0.025, 0.9, weight_decay=3e-4)
    choices = torch.optim.Adam([logits], 3e-4, (0.5, 0.999), weight_decay=1e-3)
    batches = batches_of(data, torch.device("cpu"))

    def loss(network: nn.Module, own: tuple[object, ...], chosen: Tensor) -> Tensor:
        for gate, row in zip(own, torch.softmax(logits, 1), strict=True):
            gate.weights = list(row)  # type: ignore[attr-defined]
        images, labels = batches.plain(chosen)
        return functional.cross_entropy(network(images), labels)

    chosen = torch.from_numpy(numbers[:50].copy())
    one = torch.autograd.grad(loss(net, net.gates, chosen), [logits, *net.parameters()])
    two = torch.autograd.grad(loss(plain, gates, chosen), [logits, *plain.parameters()])
    gap = max(float((a - b).abs().max()) for a, b in zip(one, two, strict=True))
    largest = max(float(b.abs().max()) for b in two)

    def obvious() -> None:
        for _ in range(STEPS):
            for optimizer in (choices, weights):
                optimizer.zero_grad()
                loss(plain, gates, chosen).backward()  # type: ignore[no-untyped-call]
                optimizer.step()

    recipe = Recipe(batch_size=50, learning_rate=0.025, weight_decay=3e-4, shift=False, device="cpu")
    course = Course(recipe=recipe, steps=STEPS, logit_rate=3e-4, logit_decay=1e-3, share=0.5)
    stack = Stack([net])
    found = medians(
        {"ours": lambda: train(stack, Darts(), data, numbers, course, stream(0)), "plain": obvious}, rounds
    )
    return found["plain"] / found["ours"], gap / largest


def main() -> None:
    """Print one line a factor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds measured")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print("linear modules")
    judged("8 supernets, times one", supernets(LINEAR, (1, 8, 40), rounds)[8], 2, most=True)
    seconds, factor = sweep(LINEAR, 16, max(2, rounds // 2))
    judged("seconds of 25 paths x 16 seeds, 800 steps", seconds, 60, most=True)
    print(f"  that is {factor:.1f} times faster than one by one")
    one_by_one, batched = region_step(LINEAR, rounds)
    judged("a region's step, over the sum of its candidates' steps alone", one_by_one, 1.1, most=True)
    judged("the same with operations of one kind batched", batched, 0.7, most=True)
    print("convolutions on maps of 4x4")
    times = supernets(CONVOLUTIONS, (1, 8, 32), rounds)
    judged("8 supernets, times one", times[8], 2, most=True)
    judged("speed of 32 supernets, times one by one", 32 / times[32], 5)
    judged("speed of 25 paths x 4 seeds, times one by one", sweep(CONVOLUTIONS, 4, max(2, rounds // 2))[1], 4)
    print("DARTS on cell201")
    speed, gap = darts_step(rounds)
    judged("speed of a search step, times a plain loop of mixed operations", speed, 1.3)
    judged("largest gap of their gradients, over the largest gradient", gap, 1e-5, most=True)


if __name__ == "__main__":
    main()
