"""Scores of the loss's gradient: connection sensitivity and gradient norm (Abdelfattah et al., 2021)."""

from __future__ import annotations

from morphogen.networks.scores.probe import Probe, finite


def snip(probe: Probe) -> float:
    """Return the sum of `|w dL/dw|` over the weights of convolutions and linear layers (Lee et al., 2019).

    L is the mean cross-entropy of the minibatch. It is how much the loss would change, to first order, if
    each weight were taken away.
    """
    total = sum(float((weight * gradient).abs().sum()) for weight, gradient in probe.saliencies)
    return finite(total, "the gradient of the loss is not finite")


def grad_norm(probe: Probe) -> float:
    """Return the sum over convolutions and linear layers of the Euclidean norm of dL/dw."""
    total = sum(float(gradient.norm()) for _, gradient in probe.saliencies)
    return finite(total, "the gradient of the loss is not finite")
