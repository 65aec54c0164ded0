"""Small torch networks that are trained side by side: a model axis before every weight, one program for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from morphogen.predictors.folds import Member
from morphogen.predictors.predictor import Floats, Matrix

if TYPE_CHECKING:
    from torch import Tensor

Weights: TypeAlias = "dict[str, Tensor]"
Forward: TypeAlias = "Callable[[Weights, Tensor], Tensor]"
"""Weights with a model axis in front, rows of n architectures -> scores `[models, n]`."""
Loss: TypeAlias = "Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]"
"""Scores `[models, n]`, targets `[n]`, mask `[models, n]` of what a model sees, noise in [0, 1) `[n]` -> loss."""


@final
@dataclass(frozen=True)
class Schedule:
    """AdamW on all rows at once, its rate falling to zero as a half cosine. The ends of a step are those of `rate`."""

    steps: int = 200
    rate: float = 0.01
    decay: float = 0.3


def train_together(
    start: Weights,
    forward: Forward,
    loss: Loss,
    rows: Matrix,
    targets: Floats,
    seen: Sequence[NDArray[np.intp]],
    schedule: Schedule,
    rng: np.random.Generator,
) -> list[Member]:
    """Return a fitted member for each set of rows that a model sees."""
    import torch

    mask = torch.zeros(len(seen), len(targets))
    for model, mine in enumerate(seen):
        mask[model, torch.from_numpy(mine)] = 1
    data, wanted = torch.from_numpy(rows), torch.from_numpy(targets).float()
    weights = {name: tensor.requires_grad_() for name, tensor in start.items()}
    optimizer = torch.optim.AdamW(weights.values(), lr=schedule.rate, weight_decay=schedule.decay)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, schedule.steps)
    for _ in range(schedule.steps):
        optimizer.zero_grad()
        noise = torch.from_numpy(rng.random(len(targets), dtype=np.float32))
        loss(forward(weights, data), wanted, mask, noise).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        falling.step()
    with torch.no_grad():
        scores = forward(weights, data).double().numpy()
    members: list[Member] = []
    for model, mine in enumerate(seen):
        own = {name: tensor[model : model + 1].detach() for name, tensor in weights.items()}
        # A loss on pairs leaves the scale of the scores open.
        spread = float(scores[model, mine].var())
        slope = (
            float(np.cov(scores[model, mine], targets[mine], bias=True)[0, 1]) / spread if spread > 0 else 0.0
        )
        middle = float(targets[mine].mean() - slope * scores[model, mine].mean())
        members.append(_Network(own, forward, slope, middle))
    return members


@final
@dataclass(frozen=True, eq=False)
class _Network(Member):
    weights: Weights
    forward: Forward
    slope: float
    middle: float

    def __call__(self, rows: Matrix) -> tuple[Floats, Floats]:
        import torch

        with torch.no_grad():
            scores = self.forward(self.weights, torch.from_numpy(rows))[0].double().numpy()
        return self.middle + self.slope * scores, np.zeros(len(rows))


def drawn(shape: tuple[int, ...], fan: int, rng: np.random.Generator) -> Tensor:
    """Return normal weights of variance 2 / fan (He et al. 2015)."""
    import torch

    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32) * np.float32((2 / fan) ** 0.5))


def perceptron(
    models: int, width: int, hidden: tuple[int, ...], rng: np.random.Generator
) -> tuple[Weights, Forward]:
    """Return weights and program of multilayer perceptrons with ReLU and one score at the end."""
    import torch

    sizes = (width, *hidden, 1)
    weights = {}
    for layer, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
        weights[f"w{layer}"] = drawn((models, before, after), before, rng)
        weights[f"b{layer}"] = torch.zeros(models, 1, after)

    def forward(weights: Weights, rows: Tensor) -> Tensor:
        x = rows.expand(len(weights["w0"]), *rows.shape) if rows.ndim == 2 else rows
        for layer in range(len(sizes) - 1):
            x = torch.baddbmm(weights[f"b{layer}"], x, weights[f"w{layer}"])
            if layer < len(sizes) - 2:
                x = torch.relu(x)
        return x[..., 0]

    return weights, forward


def squared(scores: Tensor, targets: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
    """Return the summed mean squared errors of the models."""
    return (((scores - targets) ** 2 * mask).sum(dim=1) / mask.sum(dim=1)).sum()


def ordered(scores: Tensor, targets: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
    """Return the summed logistic loss of pairs, each point against 64 others at most (drawn anew by `noise`)."""
    import torch

    count = min(64, len(targets))
    other = torch.argsort(noise)[:count]
    sign = torch.sign(targets[:, None] - targets[other])
    margin = (scores[:, :, None] - scores[:, None, other]) * sign
    weight = mask[:, :, None] * mask[:, None, other] * sign.abs()
    lost = torch.nn.functional.softplus(-margin) * weight
    return (lost.sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp(min=1)).sum()


def standardizer(rows: Matrix) -> tuple[Matrix, Matrix]:
    """Return mean and standard deviation of each column; 1 for a column that does not vary."""
    deviation = rows.std(axis=0)
    return rows.mean(axis=0), np.where(deviation > 1e-6, deviation, 1).astype(np.float32)
