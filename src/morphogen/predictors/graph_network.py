"""Graph convolution network on the vertices, forwards and backwards (Wen et al. 2020, Neural Predictor)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.predictors.folds import Folded, Member
from morphogen.predictors.graph_batch import ABSENT, Codes, batches
from morphogen.predictors.predictor import Floats, Matrix, Model, Predictor
from morphogen.predictors.stacked import Forward, Schedule, Weights, drawn, squared, train_together

if TYPE_CHECKING:
    from torch import Tensor


@final
@dataclass(frozen=True)
class GraphNetwork(Predictor):
    """Networks of `layers` graph convolutions, one for each fold left out, trained side by side; needs torch.

    Each layer averages what a vertex reads and what reads it, with separate weights. It sees nothing but the
    graph: the labels that occur in training, and who sums whom. Parts of a constructor are graphs side by side.
    """

    layers: int = 3
    width: int = 32
    schedule: Schedule = Schedule(steps=150)
    folds: int = 3

    def learn(
        self, architectures: Sequence[Architecture], targets: Floats, rng: np.random.Generator
    ) -> Model:
        """Learn all members at once."""
        labels = np.unique(np.concatenate([batch.labels.ravel() for batch in batches(architectures)]))
        labels = labels[labels != ABSENT]

        def encode(asked: Sequence[Architecture]) -> Matrix:
            return graphs_as_rows(asked, labels)

        def train(
            rows: Matrix, targets: Floats, seen: Sequence[NDArray[np.intp]], rng: np.random.Generator
        ) -> Sequence[Member]:
            weights, forward = convolutions(len(seen), len(labels) + 2, self.width, self.layers, rng)
            return train_together(weights, forward, squared, rows, targets, seen, self.schedule, rng)

        return Folded.learn(encode, architectures, targets, train, self.folds, rng)


def graphs_as_rows(architectures: Sequence[Architecture], labels: Codes) -> Matrix:
    """Return `[n, v, 1 + v]`: the number of each vertex's label, and how often it sums each vertex.

    Label numbers: 0 where there is no vertex, 1 + i for `labels[i]`, 1 + len(labels) for one not among them.
    """
    listed = list(batches(architectures))
    first = np.zeros(len(architectures), np.intp)
    for batch in listed:
        np.add.at(first, batch.owner, batch.labels.shape[1])
    size = int(first.max())
    rows = np.zeros((len(architectures), size, 1 + size), np.float32)
    first[:] = 0
    for batch in listed:
        # Parts of one architecture may stand in one batch: those of equal number do not overlap.
        for number in np.unique(batch.part):
            at = np.flatnonzero(batch.part == number)
            owner, wide = batch.owner[at], batch.labels.shape[1]
            place = np.minimum(np.searchsorted(labels, batch.labels[at]), len(labels) - 1)
            known = np.where(labels[place] == batch.labels[at], 1 + place, 1 + len(labels))
            kind = np.where(batch.labels[at] == ABSENT, 0, known)
            start = first[owner]
            rows[owner[:, None], start[:, None] + np.arange(wide), 0] = kind
            vertex, slot, row = np.nonzero(batch.sources[:, :, at] < wide)
            source = batch.sources[vertex, slot, at[row]]
            np.add.at(rows, (owner[row], start[row] + vertex, 1 + start[row] + source), 1)
            first[owner] += wide
    return rows


def convolutions(
    models: int, kinds: int, width: int, layers: int, rng: np.random.Generator
) -> tuple[Weights, Forward]:
    """Return weights and program of graph networks with `kinds` label numbers (0 is no vertex)."""
    import torch

    weights = {"kind": drawn((models, kinds, width), width, rng)}
    for layer in range(layers):
        for side in ("self", "down", "up"):
            weights[f"{side}{layer}"] = drawn((models, width, width), 3 * width, rng)
    weights["last"] = drawn((models, 3 * width, 1), 3 * width, rng)
    weights["bias"] = torch.zeros(models, 1)

    def forward(weights: Weights, rows: Tensor) -> Tensor:
        reads = rows[..., 1:]
        kind = rows[..., 0].long()
        there = (kind > 0).float()[..., None]
        down = reads / reads.sum(dim=2, keepdim=True).clamp(min=1)
        up = reads.transpose(1, 2)
        up = up / up.sum(dim=2, keepdim=True).clamp(min=1)
        x = weights["kind"][:, kind] * there
        for layer in range(layers):
            parts = (x, down @ x, up @ x)
            mixed = [
                torch.einsum("mnvi,mij->mnvj", part, weights[f"{side}{layer}"])
                for part, side in zip(parts, ("self", "down", "up"), strict=True)
            ]
            x = torch.relu(mixed[0] + mixed[1] + mixed[2]) * there
        count = there.sum(dim=1)
        pooled = torch.cat([x.sum(dim=2) / count, x.sum(dim=2) / 8, x.amax(dim=2)], dim=-1)
        return torch.einsum("mni,mij->mn", pooled, weights["last"]) + weights["bias"]

    return weights, forward
