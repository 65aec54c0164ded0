"""What a trained stack says: losses of paths, and of each candidate alone at its place."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from morphogen.networks.batches import Batches, batches_of, resolve
from morphogen.networks.data import ImageData
from morphogen.supernet.passes import recalibrate
from morphogen.supernet.relaxation import Weights, only, uniform
from morphogen.supernet.stack import Stack, mean_losses
from morphogen.supernet.supernet import set_weights

SCORED: Final = 256  # images of each network at a time


def calibrate(stack: Stack, data: ImageData, numbers: Tensor, device: str = "auto") -> None:
    """Recalibrate batch norms of a stack, mixed as the gates stand, on images `[m, n]` (1,024 at most)."""
    batches = batches_of(data, resolve(device))
    recalibrate(stack, [_images(batches, part)[0] for part in _parts(numbers[:, :1024])])


@torch.inference_mode()
def score(stack: Stack, data: ImageData, numbers: Tensor, device: str = "auto") -> tuple[Tensor, Tensor]:
    """Return accuracy `[m]` and mean cross-entropy `[m]` on images `[m, n]`, mixed as the gates stand."""
    batches = batches_of(data, resolve(device))
    stack.eval()
    right, lost = torch.zeros(len(numbers)), torch.zeros(len(numbers))
    for part in _parts(numbers):
        images, labels = _images(batches, part)
        logits = stack(images)
        right += (logits.argmax(2) == labels).sum(1)
        lost += mean_losses(logits, labels, 0.0) * part.shape[1]
    return right / numbers.shape[1], lost / numbers.shape[1]


def leave_one_in(stack: Stack, data: ImageData, numbers: Tensor) -> dict[str, Tensor]:
    """Return minus the loss `[m, k]` of each candidate alone at its place, with equal weights elsewhere."""
    plain: dict[str, Weights] = {g.name: uniform(len(g.candidates)) for g in stack.gates}
    found = {}
    for gate in stack.gates:
        rows = []
        for number in range(len(gate.candidates)):
            set_weights(stack.gates, {**plain, gate.name: only(number, len(gate.candidates))})
            rows.append(-score(stack, data, numbers)[1])
        found[gate.name] = torch.stack(rows, dim=1)
    return found


def _parts(numbers: Tensor) -> tuple[Tensor, ...]:
    return numbers.tensor_split(math.ceil(numbers.shape[1] / SCORED), dim=1)


def _images(batches: Batches, numbers: Tensor) -> tuple[Tensor, Tensor]:
    images, labels = batches.plain(numbers.flatten())
    return images.view(*numbers.shape, *images.shape[1:]), labels.view(numbers.shape)
