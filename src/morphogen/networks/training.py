"""The training loop: stochastic gradient descent on one thread, the same result for the same stream."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from morphogen.networks.batches import Batches, batches_of, resolve
from morphogen.networks.data import ImageData, Indices

MOMENTUM: Final = 0.9
WARMUP: Final = 0.05
_SCORED: Final = 128  # images at a time; more leave the cache and gain nothing


class Diverged(ArithmeticError):
    """A loss that is not finite any more; `curve` holds the epochs before."""

    def __init__(self, message: str, curve: tuple[Mapping[str, float], ...] = ()) -> None:
        super().__init__(message)
        self.curve = curve


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is trained.

    batch_size: images a step (the batches of an epoch are as equal as can be, none is larger). learning_rate:
    at its peak, after a linear warmup over 5% of the steps and before a cosine down to 0; None is 0.1 for sgd
    and 0.01 for adamw. weight_decay: of weights only, not of biases and norms. shift: moves each image by up
    to an eighth of its side and fills up with zeros. flip: mirrors every other image. device: auto is the
    fastest there is. stop: part of the steps of all epochs after which training ends.
    """

    epochs: int = 10
    batch_size: int = 64
    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float | None = None
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    shift: bool = True
    flip: bool = False
    device: str = "auto"
    stop: float = 1.0

    def __post_init__(self) -> None:
        if self.optimizer not in ("sgd", "adamw"):
            raise ValueError(f"optimizer must be sgd or adamw, got {self.optimizer!r}")
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError(
                f"training needs 1 epoch and 2 images a batch, got {self.epochs} and {self.batch_size}"
            )
        positive = self.learning_rate is None or self.learning_rate > 0
        if not (0 <= self.label_smoothing < 1 and self.weight_decay >= 0 and positive):
            raise ValueError(
                "label smoothing lies in [0, 1), weight decay is not negative, learning rate is positive"
            )
        if not 0 < self.stop <= 1:
            raise ValueError(f"training stops after a part of its steps in (0, 1], got {self.stop}")

    @property
    def peak(self) -> float:
        """The highest learning rate."""
        return self.learning_rate or {"sgd": 0.1, "adamw": 0.01}[self.optimizer]


@final
@dataclass(frozen=True, slots=True)
class Fitted:
    """What training led to: accuracy (a fraction) and loss on the held-out images, NaN where there are none.

    curve: for each epoch its number from 1, the train_loss (with label smoothing), and both figures after it;
    the last may be a part of an epoch.
    """

    accuracy: float
    loss: float
    curve: tuple[Mapping[str, float], ...]


def fit(
    network: nn.Module,
    data: ImageData,
    train: Indices,
    held_out: Indices | None,
    recipe: Recipe,
    rng: np.random.Generator,
) -> Fitted:
    """Train `network` in place on the images numbered `train`; score it on `held_out` after every epoch.

    Everything random comes from `rng`, torch's own generators and number of threads are left as they were. On
    a CPU the result is the same bit for bit.

    Raises:
        Diverged: the loss became infinite or NaN.
    """
    device = resolve(recipe.device)
    steps = max(1, min(math.ceil(train.size / recipe.batch_size), train.size // 2))
    last = max(1, round(recipe.stop * recipe.epochs * steps))
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    numbers = torch.from_numpy(np.array(train))
    curve: list[Mapping[str, float]] = []
    accuracy = loss = math.nan

    def refuse_unless_finite(value: float, when: str) -> None:
        if not math.isfinite(value):
            fix = f"lower the learning rate (its peak is {recipe.peak:g})"
            raise Diverged(
                f"the loss is {value} {when} of epoch {epoch} of {recipe.epochs}; {fix}", tuple(curve)
            )

    with apart(device, int(rng.integers(2**62))):
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        batches = batches_of(data, device)
        descent = Descent(network, recipe)
        norms = moving(network)
        for epoch in range(1, math.ceil(last / steps) + 1):
            network.train()
            total = seen = 0.0
            order = numbers[torch.randperm(train.size, generator=generator)]
            for step, chosen in enumerate(order.tensor_split(steps)[: last - (epoch - 1) * steps]):
                rate = recipe.peak * schedule((epoch - 1) * steps + step, recipe.epochs * steps)
                images, labels = batches.augmented(chosen, generator, shift=recipe.shift, flip=recipe.flip)
                warm(norms, (epoch - 1) * steps + step)
                error = functional.cross_entropy(
                    network(images), labels, label_smoothing=recipe.label_smoothing
                )
                value = error.item()
                refuse_unless_finite(value, f"in step {step + 1} of {steps}")
                total += value * len(chosen)
                seen += len(chosen)
                error.backward()  # type: ignore[no-untyped-call]
                descent.step(rate)
            point = {"epoch": epoch, "train_loss": total / seen}
            if held_out is not None:
                accuracy, loss = _score(network, batches, held_out)
                refuse_unless_finite(loss, "on the held-out images at the end")
                point |= {"loss": loss, "accuracy": accuracy}
            curve.append(point)
        for norm, momentum in norms:
            norm.momentum = momentum
    return Fitted(accuracy, loss, tuple(curve))


def score(network: nn.Module, data: ImageData, numbers: Indices, device: str = "auto") -> tuple[float, float]:
    """Return accuracy (a fraction) and mean cross-entropy of `network` on the images with these numbers."""
    place = resolve(device)
    with apart(place, 0):
        network.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return _score(network, batches_of(data, place), numbers)


Norms: TypeAlias = list[tuple[nn.modules.batchnorm._BatchNorm, float]]


def moving(network: nn.Module) -> Norms:
    """Return the batch normalizations that keep a moving average, with its momentum."""
    every = (m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm))
    return [(norm, norm.momentum) for norm in every if norm.momentum is not None]


def warm(norms: Norms, step: int) -> None:
    """Let the averages be plain means in the first steps (from 0): a few are then enough to be scored by."""
    for norm, momentum in norms:
        norm.momentum = max(momentum, 1 / (step + 1))


@contextmanager
def apart(device: torch.device, seed: int) -> Iterator[None]:
    """One thread, and a seeded generator for what the network draws (dropout); both are put back."""
    threads = torch.get_num_threads()
    cards = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(cards):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def schedule(step: int, steps: int) -> float:
    """Return the share of the peak rate at `step`: linear warmup, then a cosine to zero."""
    warmup = max(1.0, WARMUP * steps)
    if step < warmup - 1:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step + 1 - warmup) / max(1.0, steps + 1 - warmup)))


@final
class Descent:
    """SGD with Nesterov momentum, or AdamW, in torch's functional form.

    The optimizer classes would load torch's compiler, two seconds in every process.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        weights = [p for p in network.parameters() if p.requires_grad]
        self.groups = (
            ([p for p in weights if p.ndim > 1], recipe.weight_decay),
            ([p for p in weights if p.ndim <= 1], 0.0),
        )
        self.adaptive = recipe.optimizer == "adamw"
        self.fused = all(p.device.type in ("cpu", "cuda") for p in weights)
        self.first: dict[torch.Tensor, torch.Tensor] = {p: torch.zeros_like(p) for p in weights}
        self.second = {p: torch.zeros_like(p) for p in self.first} if self.adaptive else {}
        self.steps = {p: torch.zeros((), device=p.device) for p in self.first} if self.adaptive else {}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move all weights that have a gradient, and drop the gradients."""
        for weights, decay in self.groups:
            live: list[torch.Tensor] = [p for p in weights if p.grad is not None]
            gradients = [p.grad for p in live if p.grad is not None]
            first = [self.first[p] for p in live]
            if self.adaptive:
                second, steps = [self.second[p] for p in live], [self.steps[p] for p in live]
                adamw(
                    live,
                    gradients,
                    first,
                    second,
                    [],
                    steps,
                    fused=self.fused,
                    foreach=False,
                    maximize=False,
                    amsgrad=False,
                    beta1=MOMENTUM,
                    beta2=0.999,
                    eps=1e-8,
                    lr=rate,
                    weight_decay=decay,
                )
            else:
                sgd(
                    live,
                    gradients,
                    list(first),
                    fused=self.fused,
                    foreach=False,
                    maximize=False,
                    momentum=MOMENTUM,
                    dampening=0,
                    nesterov=True,
                    lr=rate,
                    weight_decay=decay,
                )
            for p in live:
                p.grad = None


@torch.inference_mode()
def _score(network: nn.Module, batches: Batches, numbers: Indices) -> tuple[float, float]:
    network.eval()
    right = lost = 0.0
    for start in range(0, numbers.size, _SCORED):
        images, labels = batches.plain(torch.from_numpy(np.array(numbers[start : start + _SCORED])))
        logits = network(images)
        right += float((logits.argmax(1) == labels).sum())
        lost += float(functional.cross_entropy(logits, labels, reduction="sum"))
    return right / numbers.size, lost / numbers.size
