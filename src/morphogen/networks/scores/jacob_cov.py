"""Covariance of the Jacobian: do different images pull the output apart? (Mellor et al., 2020, version 1)."""

from __future__ import annotations

from typing import Final

import torch

from morphogen.networks.scores.probe import Probe, finite
from morphogen.networks.scores.undefined import UndefinedScore

EPSILON: Final = 1e-5


def jacob_cov(probe: Probe) -> float:
    """Return -sum over i of log(l_i + e) + 1 / (l_i + e) with e = 1e-5; at most -n for n images.

    l are the eigenvalues of the correlation matrix [n, n] of the gradients of the summed outputs, one
    gradient an image. The largest value is that of uncorrelated gradients.

    Raises:
        UndefinedScore: the output does not depend on an image.
    """
    network, images = probe.copy(), probe.images.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(
        network(images).sum(), images, allow_unused=True, materialize_grads=True
    )
    rows = gradient.flatten(1).double()
    rows = rows - rows.mean(dim=1, keepdim=True)
    lengths = rows.norm(dim=1, keepdim=True)
    if not (lengths > 0).all():
        raise UndefinedScore("the gradients of the output by the pixels of an image are all equal")
    rows = rows / lengths
    correlations = rows @ rows.T
    finite(correlations.sum(), "the gradients of the output by the pixels are not finite")
    shifted = torch.linalg.eigvalsh(correlations.cpu()) + EPSILON
    return finite(-(shifted.log() + 1 / shifted).sum(), "the correlation has an eigenvalue below 0")
