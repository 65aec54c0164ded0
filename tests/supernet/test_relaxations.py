"""Relaxations: their contract, DARTS's hypergradient and derivation, PC-DARTS's partial channels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from morphogen.networks.data import load
from morphogen.networks.training import Recipe
from morphogen.seeding import stream
from morphogen.spaces.cell201 import cell201
from morphogen.supernet import Course, Darts, Gumbel, PCDarts, Relaxation, Stack, Supernet, train
from morphogen.supernet.passes import saved_bytes
from morphogen.supernet.relaxation import uniform
from morphogen.supernet.schedule import Logits, hypergradient

RELAXATIONS = [Darts(), Darts(schedule="unrolled"), PCDarts(), Gumbel(), Gumbel(each_image=False)]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("relaxation", RELAXATIONS, ids=repr)
def test_probabilities_are_a_distribution_and_do_not_know_the_order(relaxation: Relaxation) -> None:
    logits = torch.randn(3, 5, generator=generator())
    shares = relaxation.probabilities(logits)
    assert (shares >= 0).all()
    torch.testing.assert_close(shares.sum(1), torch.ones(3))
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(relaxation.probabilities(logits[:, order]), shares[:, order])
    torch.testing.assert_close(relaxation.probabilities(logits + 5), shares)


@pytest.mark.parametrize("relaxation", RELAXATIONS, ids=repr)
def test_one_candidate_is_the_identity(relaxation: Relaxation) -> None:
    for learn in (True, False):
        (weight,) = relaxation.weights(torch.randn(2, 1), 4, generator(), learn=learn)
        assert weight is not None
        torch.testing.assert_close(weight.float(), torch.ones_like(weight.float()))


@pytest.mark.parametrize("relaxation", RELAXATIONS, ids=repr)
def test_gradients_reach_the_logits(relaxation: Relaxation) -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    weights = relaxation.weights(logits, 6, generator(), learn=True)
    total = sum((i**2 * w.sum() for i, w in enumerate(weights) if w is not None), torch.zeros(()))
    (gradient,) = torch.autograd.grad(total, logits)
    assert gradient.abs().min() > 0
    torch.testing.assert_close(gradient.sum(1), torch.zeros(2), atol=1e-5, rtol=0)


def test_gumbel_draws_by_the_shares() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    masks = Gumbel().weights(logits, 20_000, generator(), learn=False)
    shares = torch.stack([m.float().mean() for m in masks if m is not None])
    torch.testing.assert_close(shares, torch.softmax(logits[0], 0), atol=0.015, rtol=0)
    hard = Gumbel().weights(logits, 50, generator(), learn=True)
    total = torch.stack([w for w in hard if w is not None])
    torch.testing.assert_close(total.sum(0), torch.ones(1, 50))
    assert set(total.round().unique().tolist()) == {0.0, 1.0}
    alone = Gumbel(each_image=False).weights(logits, 50, generator(), learn=False)
    assert sum(w is not None for w in alone) == 1, "what was not drawn is structurally zero"


# --- second order -----------------------------------------------------------------------------------------


def quadratic(rate: float) -> tuple[float, float, Tensor, Tensor]:
    """Return the exact unrolled and first-order gradients on L_train = (w - a)^2 / 2 * 3, L_val = w^2 / 2 + a w."""
    w, a = 0.7, -0.4
    stepped = w - rate * 3 * (w - a)
    # d L_val(w'(a), a) / d a = dL_val/da + dL_val/dw' * dw'/da, and dw'/da = 3 * rate.
    exact = stepped + (stepped + a) * 3 * rate
    return exact, stepped, torch.tensor([w], requires_grad=True), torch.tensor([a], requires_grad=True)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_hypergradient_is_that_of_the_unrolled_step(rate: float) -> None:
    exact, first_order, w, a = quadratic(rate)
    before = w.detach().clone()
    found = hypergradient(
        lambda: (1.5 * (w - a) ** 2).sum(), lambda: (0.5 * w**2 + a * w).sum(), [w], a, rate
    )
    assert float(found) == pytest.approx(exact, rel=1e-3)
    assert abs(first_order - exact) > 0.01 * abs(exact)
    flipped = 2 * first_order - exact
    assert float(found) != pytest.approx(flipped, rel=0.05), "the correction has a minus sign"
    assert torch.equal(w.detach(), before), "weights are put back bit by bit"


def test_the_hypergradient_of_a_network_is_that_of_autograd() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(20, 4), torch.randn(20, 1)
    w1, w2 = torch.randn(4, 6, requires_grad=True), torch.randn(6, 1, requires_grad=True)
    a = torch.randn(6, requires_grad=True)

    def loss(half: slice, weights: tuple[Tensor, Tensor]) -> Tensor:
        return ((torch.tanh(x[half] @ weights[0]) * torch.softmax(a, 0) @ weights[1] - y[half]) ** 2).mean()

    train_half, held_half, rate = slice(0, 10), slice(10, 20), 0.1
    steps = torch.autograd.grad(loss(train_half, (w1, w2)), (w1, w2), create_graph=True)
    moved = tuple(w - rate * s for w, s in zip((w1, w2), steps, strict=True))
    (exact,) = torch.autograd.grad(loss(held_half, moved), a)  # type: ignore[arg-type]
    found = hypergradient(
        lambda: loss(train_half, (w1, w2)), lambda: loss(held_half, (w1, w2)), [w1, w2], a, rate
    )
    assert float((found - exact).norm() / exact.norm()) < 1e-2


# --- derivation -------------------------------------------------------------------------------------------


def brute_force(tables: dict[str, Tensor], texts: dict[str, list[str]], keep: int) -> str:
    edges = {2: ["0.0"], 3: ["0.1", "0.2"], 4: ["0.3", "0.4", "0.5"]}
    chosen = {}
    for names in edges.values():
        ranked = sorted(
            names,
            key=lambda n: -max(float(v) for v, t in zip(tables[n], texts[n], strict=True) if t != "zero"),
        )
        for place, name in enumerate(ranked):
            real = [(float(v), t) for v, t in zip(tables[name], texts[name], strict=True) if t != "zero"]
            chosen[name] = max(real)[1] if place < keep else "zero"
    return f"stack(cell({', '.join(chosen[f'0.{i}'] for i in range(6))}))"


def test_derivation_agrees_with_brute_force() -> None:
    space = cell201()
    net = Supernet(space, (1, 8, 8), 10, channels=4)
    texts = {g.name: list(g.candidates) for g in net.gates}
    zero_wins = 0
    for seed in range(1000):
        tables = {
            name: torch.softmax(torch.randn(5, generator=generator(6 * seed + i)), 0)
            for i, name in enumerate(texts)
        }
        zero_wins += sum(texts[n][int(v.argmax())] == "zero" for n, v in tables.items())
        choice = Darts(keep=2).derive(tables, texts, net.nodes)
        found = net.architecture(choice)
        assert str(found) == brute_force(tables, texts, 2)
        assert found in space
    assert zero_wins > 500
    plain = Darts(keep=None).derive(tables, texts, net.nodes)
    assert plain == {name: int(v.argmax()) for name, v in tables.items()}


def test_pc_darts_ranks_edges_by_the_product() -> None:
    net = Supernet(cell201(), (1, 8, 8), 10, channels=4)
    texts = {g.name: list(g.candidates) for g in net.gates}
    tables = {name: torch.tensor([0.1, 0.1, 0.1, 0.6, 0.1]) for name in texts}
    tables |= {"0>2": torch.ones(1), "0>3": torch.tensor([0.5, 0.5]), "0>4": torch.tensor([0.2, 0.3, 0.5])}
    choice = PCDarts(keep=2).derive(tables, texts, net.nodes)
    assert str(net.architecture(choice)) == "stack(cell(conv3x3, conv3x3, conv3x3, zero, conv3x3, conv3x3))"


# --- partial channels ---------------------------------------------------------------------------------------


def test_partial_channels_keep_fewer_bytes_and_pass_the_rest_on() -> None:
    x = torch.randn(32, 1, 8, 8, generator=generator())
    sizes = []
    for partial in (1, 4):
        net = Supernet(cell201(), (1, 8, 8), 10, channels=16, partial=partial)
        net.mix({g.name: uniform(5) for g in net.gates})
        sizes.append(saved_bytes(lambda net=net: net(x), net))  # type: ignore[misc]
    assert sizes[1] <= 0.45 * sizes[0]
    mixture = net.body[0].part.parts[0]  # type: ignore[index, union-attr]
    maps = torch.randn(2, 16, 8, 8, generator=generator())
    out = mixture(maps)  # type: ignore[operator]
    shuffled = [4 * (c % 4) + c // 4 for c in range(16)]  # where channel c of the output comes from
    for channel in range(16):
        if shuffled[channel] >= 4:
            assert torch.equal(out[:, channel], maps[:, shuffled[channel]])


@pytest.mark.parametrize("schedule", ["first_order", "unrolled", "one_level"])
def test_schedules_move_logits_and_weights(schedule: str) -> None:
    data = load("digits")
    course = Course(
        recipe=Recipe(optimizer="sgd", learning_rate=0.05, shift=False, batch_size=32, device="cpu"),
        steps=3,
        logit_rate=0.01,
    )
    relaxation = Darts(schedule=schedule)  # type: ignore[arg-type]
    stack = Stack([Supernet(cell201(), (1, 8, 8), 10, channels=4)])
    found = train(stack, relaxation, data, data.train[:200], course, stream(0))
    assert all(float(v.std()) > 1e-3 for v in found.logits.values())
    disjoint = not set(found.weight_split[0].tolist()) & set(found.logit_split[0].tolist())
    assert disjoint == (schedule != "one_level")
    parameters = {p.data_ptr() for p in stack.parameters()}
    assert not parameters & {v.data_ptr() for v in found.logits.values()}


def test_pc_darts_warms_up_and_weights_edges() -> None:
    data = load("digits")
    course = Course(recipe=Recipe(optimizer="sgd", shift=False, batch_size=32, device="cpu"), steps=2)
    net = Supernet(cell201(), (1, 8, 8), 10, channels=8, partial=4)
    stack = Stack([net])
    start = Logits(stack, PCDarts(), generator()).named()
    assert set(start) == {f"0.{i}" for i in range(6)} | {"0>2", "0>3", "0>4"}
    found = train(stack, PCDarts(warmup=1.0), data, data.train[:100], course, stream(0))
    assert all(float(v.abs().max()) < 0.01 for v in found.logits.values()), "frozen while it warms up"
    moved = train(
        stack,
        PCDarts(warmup=0.0),
        data,
        data.train[:100],
        Course(recipe=course.recipe, steps=2, logit_rate=0.1),
        stream(0),
    )
    assert float(moved.logits["0>4"].std()) > 0.01
