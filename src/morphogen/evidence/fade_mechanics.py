"""FaDE, mechanics: a supernet computes what its paths compute alone, and nothing that has no weight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.evidence.fade_beds import Bed
from morphogen.evidence.fade_candidates import PILOT, random_rows
from morphogen.evidence.fade_images import digits
from morphogen.networks import build
from morphogen.seeding import stream
from morphogen.spaces import Space
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.dag_chain import dags

COUNTS: Final = {2: 2, 3: 6, 4: 31, 5: 302, 6: 5984}
SEEDS: Final = 5
QUICK_SEEDS: Final = 2


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Count modules, compare logits, count calls, train one candidate."""
    for vertices, count in COUNTS.items():
        if vertices < 6 or not quick:
            yield Finding(f"DAGs of {vertices} vertices", len(dags(vertices)), Bar("equals", count))
    progress("comparing logits", 0.2)
    seeds = QUICK_SEEDS if quick else SEEDS
    regions = {
        "a chain of linear modules": Bed("pilot", digits, (PILOT, PILOT)).region(),
        "a chain of convolution modules": Bed(
            "conv", digits, random_rows(0, 2, 3, "conv3x3_relu"), root="conv_chain"
        ).region(),
        "cell201": cell201(),
    }
    for place, (name, region) in enumerate(regions.items()):
        yield from agreement(name, region, seeds)
        progress(f"compared {name}", 0.2 + 0.2 * (place + 1))
    yield from one_candidate(seeds)
    progress("trained one candidate", 0.9)
    yield from shares()


def agreement(name: str, region: Space, seeds: int) -> Iterator[Finding]:
    """Logits of paths with inherited weights, stand-alone and in the supernet; calls of structural zeros."""
    import torch

    from morphogen.supernet import Supernet
    from morphogen.supernet.relaxation import uniform

    worst, other, wasted, called = 0.0, np.inf, 0, 0
    for seed in range(seeds):
        net = Supernet(region, (1, 8, 8), 10, channels=8, seed=seed)
        net.mix({g.name: uniform(len(g.candidates)) for g in net.gates})
        images = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            net(images)
            net.eval()
            for draw in range(5):
                path, wrong = (region.sample(stream(seed, draw, which)) for which in ("path", "other"))
                net.select(path)
                for gate in net.gates:
                    gate.reset()
                logits = net(images)
                choice = net.choice(path)
                for gate in net.gates:
                    wasted += sum(n for i, n in enumerate(gate.calls) if i != choice[gate.name])
                    called += sum(gate.calls)
                worst = max(worst, float((logits - net.inherit(path).eval()(images)).abs().max()))
                if wrong.key != path.key:
                    gap = float((logits - net.inherit(wrong).eval()(images)).abs().max())
                    other = min(other, gap)
    yield Finding(f"{name}: largest difference of logits, inherited weights", worst, Bar("at most", 1e-5))
    yield Finding(f"{name}: calls of candidates without weight", wasted, Bar("equals", 0))
    yield Finding(f"{name}: calls of candidates with weight", called)
    yield Finding(
        f"{name}: smallest difference to another path's logits", other, Bar("at least", 1e-3), control=True
    )


def one_candidate(seeds: int) -> Iterator[Finding]:
    """A region of one candidate a position against the network alone, trained by the ordinary loop."""
    import torch

    from morphogen.networks.training import Recipe, fit
    from morphogen.supernet import Course, Gumbel, Stack, Supernet, train

    bed = Bed("pilot", digits, (PILOT, PILOT))
    data, numbers = bed.data()
    recipe = Recipe(epochs=1, optimizer="adamw", shift=False, device="cpu")
    unequal, moved = 0, np.inf
    for seed in range(seeds):
        path = bed.paths()[7 * seed % 25]
        alone = build(path, (1, 8, 8), 10, channels=8, seed=seed)
        before = torch.cat([p.detach().flatten().clone() for p in alone.parameters()])
        region = bed.region().region({(i,): [part] for i, part in enumerate(path.args)})
        net = Supernet(region, (1, 8, 8), 10, channels=8, seed=seed)
        fit(alone, data, numbers[:400], None, recipe, stream(seed))
        train(Stack([net]), Gumbel(), data, numbers[:400], Course(recipe=recipe), stream(seed))
        after = torch.cat([p.detach().flatten() for p in alone.parameters()])
        trained = torch.cat([p.detach().flatten() for p in net.parameters()])
        unequal += int((after != trained).sum())
        moved = min(moved, float((after != before).float().mean()))
    yield Finding(
        "weights of one-candidate regions that differ from stand-alone training", unequal, Bar("equals", 0)
    )
    yield Finding("share of weights that training moved at all", moved, Bar("at least", 0.5), control=True)


def shares() -> Iterator[Finding]:
    """Ranks ignore a constant and follow a permutation; a stack is its supernets side by side."""
    import torch

    from morphogen.supernet import Gumbel, Stack, Supernet
    from morphogen.supernet.relaxation import uniform

    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    ranks, order = Gumbel().probabilities(logits), torch.tensor([4, 2, 0, 1, 3])
    shift = float((Gumbel().probabilities(logits + 3) - ranks).abs().max())
    yield Finding("change of ranks where all logits grow by 3", shift, Bar("at most", 1e-6))
    turned = float((Gumbel().probabilities(logits[:, order]) - ranks[:, order]).abs().max())
    yield Finding("change of ranks under a permutation of candidates", turned, Bar("at most", 1e-6))
    region = Bed("pilot", digits, (PILOT, PILOT)).region()
    nets = [Supernet(region, (1, 8, 8), 10, channels=8, seed=seed) for seed in range(4)]
    images = torch.randn(4, 16, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for net in nets:
        net.mix({g.name: uniform(5) for g in net.gates})
    with torch.no_grad():
        alone = torch.stack([net(images[i]) for i, net in enumerate(nets)])
        gap = float((Stack(nets)(images) - alone).abs().max())
    yield Finding("largest difference of logits, four supernets stacked and alone", gap, Bar("at most", 1e-5))


ENTRY: Final = Entry(
    name="fade_mechanics",
    claim="A supernet over a region computes for each path what the path computes alone with the same weights, "
    "never computes a candidate without weight, and with one candidate a position is stand-alone training bit "
    "for bit.",
    source="Neumeyer, Stier and Granitzer 2024 (FaDE), arXiv 2404.16218; their released code",
    control="The weights of another path must give other logits, and training must move the weights that are "
    "compared.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "torch"),
)
