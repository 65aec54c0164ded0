"""DARTS and PC-DARTS, mechanics: hypergradient in closed form, derivation by brute force, bytes of partial channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from morphogen.evidence.entry import Bar, Entry, Finding, Progress
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201

SEEDS: Final = 20
QUICK_SEEDS: Final = 5
DRAWS: Final = 1000
EDGES: Final = {2: (0,), 3: (1, 2), 4: (3, 4, 5)}
"""The edges into each node of a cell of cell201."""


def experiment(quick: bool, progress: Progress) -> Iterator[Finding]:
    """Check the second order, the derivation and the partial channels."""
    yield from hypergradients(QUICK_SEEDS if quick else SEEDS)
    progress("hypergradients compared", 0.3)
    yield from derivations(DRAWS // 5 if quick else DRAWS)
    progress("derivations compared", 0.8)
    yield from bytes_kept()
    progress("done", 1.0)


def hypergradients(seeds: int) -> Iterator[Finding]:
    """On L_train = c (w - a)^2 / 2 and L_val = w^2 / 2 + a w the unrolled gradient is known."""
    import torch

    from morphogen.supernet.schedule import hypergradient

    worst = wrong_sign = 0.0
    gap = best_first = float("inf")
    restored = 0
    for seed in range(seeds):
        start, logit, curve, rate = (float(x) for x in stream(seed).uniform(0.2, 1.0, 4))
        w = torch.tensor([start], dtype=torch.float64, requires_grad=True)
        a = torch.tensor([-logit], dtype=torch.float64, requires_grad=True)
        stepped = start - rate * curve * (start + logit)
        exact = stepped + (stepped - logit) * curve * rate

        def training(w: torch.Tensor = w, a: torch.Tensor = a, curve: float = curve) -> torch.Tensor:
            return (0.5 * curve * (w - a) ** 2).sum()

        def validation(w: torch.Tensor = w, a: torch.Tensor = a) -> torch.Tensor:
            return (0.5 * w**2 + a * w).sum()

        found = float(hypergradient(training, validation, [w], a, rate).detach())
        size = max(abs(exact), 0.05)
        worst = max(worst, abs(found - exact) / size)
        best_first = min(best_first, abs(stepped - exact) / size)
        wrong_sign = max(wrong_sign, abs((2 * stepped - exact) - found) / size)
        gap = min(gap, abs(found - (2 * stepped - exact)) / size)
        restored += int(float(w.detach()) != start)
    yield Finding("largest relative error of the second-order gradient", worst, Bar("at most", 1e-3))
    yield Finding("weights that were not put back exactly", restored, Bar("equals", 0))
    yield Finding(
        "smallest relative error without the correction", best_first, Bar("at least", 2e-3), control=True
    )
    yield Finding("smallest relative error with its sign flipped", gap, Bar("at least", 2e-3), control=True)


def derivations(draws: int) -> Iterator[Finding]:
    """Random logits of cell201 against a derivation written out edge by edge."""
    import torch

    from morphogen.supernet import Darts, Supernet

    net = Supernet(cell201(), (1, 8, 8), 10, channels=4)
    texts = {gate.name: list(gate.candidates) for gate in net.gates}
    unequal = plain = wins = 0
    for draw in range(draws):
        values = stream(draw, "logits").normal(size=(6, 5))
        tables = {f"0.{edge}": torch.softmax(torch.from_numpy(values[edge]), 0) for edge in range(6)}
        chosen = ["zero"] * 6
        for edges in EDGES.values():
            strongest = []
            for edge in edges:
                shares = tables[f"0.{edge}"].tolist()
                real = [
                    (share, name)
                    for share, name in zip(shares, texts[f"0.{edge}"], strict=True)
                    if name != "zero"
                ]
                strongest.append((max(real), edge))
                wins += max(zip(shares, texts[f"0.{edge}"], strict=True))[1] == "zero"
            for (_, name), edge in sorted(strongest, reverse=True)[:2]:
                chosen[edge] = name
        expected = f"stack(cell({', '.join(chosen)}))"
        unequal += str(net.architecture(Darts().derive(tables, texts, net.nodes))) != expected
        plain += str(net.architecture(Darts(keep=None).derive(tables, texts, net.nodes))) != expected
    yield Finding(f"derivations of {draws} that differ from brute force", unequal, Bar("equals", 0))
    yield Finding("edges at which zero had the largest weight", wins, Bar("at least", draws // 2))
    yield Finding(
        "derivations that the plain maximum gets wrong, share",
        plain / draws,
        Bar("at least", 0.5),
        control=True,
    )


def bytes_kept() -> Iterator[Finding]:
    """Bytes kept for the backward pass, with all channels and with a quarter of them."""
    import torch

    from morphogen.supernet import Supernet
    from morphogen.supernet.passes import saved_bytes
    from morphogen.supernet.relaxation import uniform

    images = torch.randn(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    kept = {}
    for partial in (1, 2, 4):
        net = Supernet(cell201(), (1, 8, 8), 10, channels=16, partial=partial)
        net.mix({gate.name: uniform(5) for gate in net.gates})
        kept[partial] = saved_bytes(lambda net=net: net(images), net)  # type: ignore[misc]
    yield Finding(
        "bytes kept with 1/4 of the channels over those with all", kept[4] / kept[1], Bar("at most", 0.45)
    )
    yield Finding("the same with 1/2 of the channels", kept[2] / kept[1], Bar("at least", 0.45), control=True)


ENTRY: Final = Entry(
    name="darts_mechanics",
    claim="The second-order step of DARTS is the gradient through one step of the weights, its derivation keeps the "
    "two strongest edges into each node, and PC-DARTS keeps less than half the bytes.",
    source="Liu, Simonyan and Yang 2019 (DARTS); Xu et al. 2020 (PC-DARTS)",
    control="Without the correction, or with its sign flipped, the gradient must be wrong; so must a derivation by the "
    "plain maximum; half of the channels must keep more than a quarter does.",
    experiment=experiment,
    seeds=SEEDS,
    quick_seeds=QUICK_SEEDS,
    packages=("numpy", "torch"),
)
