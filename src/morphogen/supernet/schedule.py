"""Training a supernet, or a stack of them: weights and logits, each on images of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
import torch
from torch import Tensor

from morphogen.networks.batches import Batches, batches_of, resolve
from morphogen.networks.data import ImageData, Indices
from morphogen.networks.training import Descent, Diverged, Recipe, apart, moving, schedule, warm
from morphogen.supernet.mixing import widest
from morphogen.supernet.passes import frozen, still
from morphogen.supernet.relaxation import Relaxation
from morphogen.supernet.stack import Stack, mean_losses
from morphogen.supernet.wiring import Wiring


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a supernet is trained.

    recipe: of the weights, as for any network; its epochs are passes over all images that are given. steps:
    how many instead. logit_rate: of Adam on the logits (betas 0.5 and 0.999); None is reach / steps, with
    which a logit goes about so far at most. share: of the images that are set aside for the logits; a
    schedule of one level, or a region without a choice, sets none aside. widen: whether the batches of the
    weights are as many times larger as there are candidates (the most at any choice): where each image
    passes one of them, a candidate then learns from as many images a step as it would alone.
    """

    recipe: Recipe
    steps: int | None = None
    logit_rate: float | None = None
    reach: float = 1.2
    logit_decay: float = 0.0
    share: float = 0.4
    widen: bool = False


@final
@dataclass(frozen=True, eq=False)
class Trained:
    """What training led to: logits `[m, k]` of each choice, and which images each network used for what.

    weight_split, logit_split: numbers of images `[m, n]`. losses: mean training loss of each step.
    """

    logits: Mapping[str, Tensor]
    weight_split: Tensor
    logit_split: Tensor
    losses: tuple[float, ...] = field(repr=False)


@final
class Logits:
    """The logits of all choices of a stack in one tensor `[m, k]`, apart from its weights."""

    def __init__(self, stack: Stack, relaxation: Relaxation, generator: torch.Generator) -> None:
        self.gates, self.relaxation = stack.gates, relaxation
        self.wirings = [m for m in stack.modules() if isinstance(m, Wiring)] if relaxation.edges else []
        sizes = {gate.name: len(gate.candidates) for gate in self.gates}
        for wiring in self.wirings:
            for target in dict.fromkeys(t for _, t in wiring.edges):
                sizes[f"{wiring.name}>{target}"] = sum(t == target for _, t in wiring.edges)
        self.ends = dict(zip(sizes, np.cumsum([0, *sizes.values()])[1:].tolist(), strict=True))
        self.sizes = sizes
        drawn = torch.randn(stack.models, sum(sizes.values()), generator=generator) * relaxation.spread
        self.flat = drawn.requires_grad_()

    def named(self) -> dict[str, Tensor]:
        """Return the logits of each choice by its name, detached `[m, k]`."""
        return {name: self._of(name).detach().clone() for name in self.sizes}

    def _of(self, name: str) -> Tensor:
        return self.flat[:, self.ends[name] - self.sizes[name] : self.ends[name]]

    def mix(self, images: int, generator: torch.Generator, *, learn: bool) -> None:
        """Set all weights for a batch of so many images."""
        with torch.set_grad_enabled(learn):
            for gate in self.gates:
                gate.weights = list(
                    self.relaxation.weights(self._of(gate.name), images, generator, learn=learn)
                )
            for wiring in self.wirings:
                shares = {
                    target: torch.softmax(self._of(f"{wiring.name}>{target}")[0], 0)
                    for target in dict.fromkeys(t for _, t in wiring.edges)
                }
                order: dict[int, int] = {}
                picked = []
                for _, target in wiring.edges:
                    picked.append(shares[target][order.get(target, 0)])
                    order[target] = order.get(target, 0) + 1
                wiring.shares = torch.stack(picked)


class _Adam:
    """Adam on one tensor."""

    def __init__(self, tensor: Tensor, rate: float, decay: float) -> None:
        self.tensor, self.rate, self.decay, self.count = tensor, rate, decay, 0
        self.first, self.second = torch.zeros_like(tensor), torch.zeros_like(tensor)

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        self.count += 1
        gradient = gradient + self.decay * self.tensor
        self.first.lerp_(gradient, 0.5)
        self.second.lerp_(gradient.square(), 0.001)
        first = self.first / (1 - 0.5**self.count)
        second = self.second / (1 - 0.999**self.count)
        self.tensor.sub_(self.rate * first / (second.sqrt() + 1e-8))


def train(
    stack: Stack,
    relaxation: Relaxation,
    data: ImageData,
    numbers: Indices,
    course: Course,
    rng: np.random.Generator,
    on_step: Callable[[int, int], None] | None = None,
) -> Trained:
    """Train a stack in place on the images numbered `numbers`; each network has splits and batches of its own.

    Where no choice is left, each network is trained as `networks.training.fit` trains it, bit for bit.

    Raises:
        Diverged: a loss became infinite or NaN.
    """
    recipe = course.recipe
    device = resolve(recipe.device)
    generators = [torch.Generator().manual_seed(int(rng.integers(2**62))) for _ in range(stack.models)]
    steps = course.steps or recipe.epochs * _batches(numbers.size, recipe.batch_size)
    choices = bool(stack.gates)
    with apart(device, int(rng.integers(2**62))):
        noise = torch.Generator().manual_seed(int(rng.integers(2**62)))
        stack.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        batches = batches_of(data, device)
        everything = torch.from_numpy(np.array(numbers)).expand(stack.models, -1)
        weight_split = logit_split = everything
        if choices and relaxation.schedule != "one_level":
            weight_split, logit_split = _split(everything, course.share, generators)
        descent = Descent(stack, recipe)
        table = Logits(stack, relaxation, noise)
        rate = course.logit_rate if course.logit_rate is not None else course.reach / steps
        adam = _Adam(table.flat, rate, course.logit_decay)
        times = widest(stack.gates) if course.widen else 1
        wide = replace(recipe, batch_size=times * recipe.batch_size)
        weight_batches = _orders(weight_split, wide, generators)
        logit_batches = _orders(logit_split, recipe, generators) if choices else iter(())
        losses = []
        norms = [] if choices else moving(stack)  # those of a candidate see some of the steps only
        stack.train()
        for step in range(steps):
            warm(norms, step)
            learning = choices and step >= relaxation.warmup * steps
            chosen = next(weight_batches)
            images, labels = _taken(batches, chosen, recipe, generators)
            peak = recipe.peak * schedule(step, steps)
            one_level = learning and relaxation.schedule == "one_level"
            if learning and not one_level:
                held = _taken(batches, next(logit_batches), recipe, generators)
                adam.step(_logit_gradient(stack, table, held, (images, labels), noise, peak))
            table.mix(images.shape[1], noise, learn=one_level)
            each = mean_losses(stack(images), labels, recipe.label_smoothing)
            error = each.sum() if stack.models > 1 else each[0]
            value = float(error.detach()) / stack.models
            if not math.isfinite(value):
                fix = f"lower the learning rate (its peak is {recipe.peak:g})"
                raise Diverged(f"the loss is {value} in step {step + 1} of {steps}; {fix}")
            losses.append(value)
            error.backward()  # type: ignore[no-untyped-call]
            descent.step(peak)
            if one_level:
                assert table.flat.grad is not None
                adam.step(table.flat.grad)
            table.flat.grad = None
            if on_step is not None:
                on_step(step + 1, steps)
        for norm, momentum in norms:
            norm.momentum = momentum
    return Trained(table.named(), weight_split, logit_split, tuple(losses))


def _logit_gradient(
    stack: Stack,
    table: Logits,
    held: tuple[Tensor, Tensor],
    seen: tuple[Tensor, Tensor],
    noise: torch.Generator,
    rate: float,
) -> Tensor:
    def loss(batch: tuple[Tensor, Tensor]) -> Tensor:
        table.mix(batch[0].shape[1], noise, learn=True)
        return mean_losses(stack(batch[0]), batch[1], 0.0).sum()

    if table.relaxation.schedule == "first_order":
        with frozen(stack):
            return torch.autograd.grad(loss(held), table.flat)[0]
    weights = [p for p in stack.parameters() if p.requires_grad]
    with still(stack):
        return hypergradient(lambda: loss(seen), lambda: loss(held), weights, table.flat, rate, stack.models)


def hypergradient(
    training: Callable[[], Tensor],
    validation: Callable[[], Tensor],
    weights: Sequence[Tensor],
    logits: Tensor,
    rate: float,
    models: int = 1,
) -> Tensor:
    """Return the gradient of the validation loss after one step of the weights, with respect to the logits.

    DARTS, second order: with w' = w - rate * grad_w training, it is g - rate * h, where g is the gradient of
    the validation loss at w', and h the mixed second derivative of the training loss along v = grad_w'
    validation, by central differences of width `0.01 / |v|`. The weights are put back bit by bit. For a stack
    of `models` the width is that of all its networks together.
    """
    kept = [w.detach().clone() for w in weights]
    steps = torch.autograd.grad(training(), weights, allow_unused=True)
    with torch.no_grad():
        for w, step in zip(weights, steps, strict=True):
            if step is not None:
                w.sub_(step, alpha=rate)
    direct, *along = torch.autograd.grad(validation(), [logits, *weights], allow_unused=True)
    norm = torch.sqrt(sum((v.square().sum() for v in along if v is not None), torch.zeros(())))
    width = 0.01 * math.sqrt(models) / float(norm.clamp_min(1e-12))

    def moved(by: float) -> Tensor:
        with torch.no_grad():
            for w, old, v in zip(weights, kept, along, strict=True):
                w.copy_(old if v is None else old + by * v)
        found = torch.autograd.grad(training(), logits, allow_unused=True)[0]
        return torch.zeros_like(logits) if found is None else found

    mixed = (moved(width) - moved(-width)) / (2 * width)
    with torch.no_grad():
        for w, old in zip(weights, kept, strict=True):
            w.copy_(old)
    return (torch.zeros_like(logits) if direct is None else direct) - rate * mixed


# --- images ---------------------------------------------------------------------------------------------------


def _batches(images: int, batch_size: int) -> int:
    return max(1, min(math.ceil(images / batch_size), images // 2))


def _split(numbers: Tensor, share: float, generators: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
    """Split each network's images in two disjoint parts, the second of the given share."""
    count = numbers.shape[1]
    first = min(count - 2, max(2, count - round(share * count)))
    if count < 4:
        raise ValueError(
            f"a supernet needs at least 4 images, 2 for its weights and 2 for its logits, got {count}"
        )
    mixed = torch.stack(
        [row[torch.randperm(count, generator=g)] for row, g in zip(numbers, generators, strict=True)]
    )
    return mixed[:, :first], mixed[:, first:]


def _orders(numbers: Tensor, recipe: Recipe, generators: Sequence[torch.Generator]) -> Iterator[Tensor]:
    """Yield batches `[m, n]` for ever, each network's images in an order of its own, anew in each pass."""
    count = numbers.shape[1]
    while True:
        order = torch.stack(
            [row[torch.randperm(count, generator=g)] for row, g in zip(numbers, generators, strict=True)]
        )
        yield from order.tensor_split(_batches(count, recipe.batch_size), dim=1)


def _taken(
    batches: Batches, numbers: Tensor, recipe: Recipe, generators: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor]:
    if recipe.shift or recipe.flip:
        rows = [
            batches.augmented(row, g, shift=recipe.shift, flip=recipe.flip)
            for row, g in zip(numbers, generators, strict=True)
        ]
        return torch.stack([x for x, _ in rows]), torch.stack([y for _, y in rows])
    images, labels = batches.plain(numbers.flatten())
    return images.view(*numbers.shape, *images.shape[1:]), labels.view(numbers.shape)
