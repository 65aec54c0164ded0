"""The source of a network, tried: it is rewritten where rounding in another order would be seen in its logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from morphogen.networks.source.file import Preparation, source_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from morphogen.architecture import Architecture
    from morphogen.networks.network import Network

TOLERANCE: Final = 1e-5
"""By so much the logits of a source may differ, for any image."""

TRIED: Final = TOLERANCE / 2
"""By so much for the images that it is tried on: others may round worse."""

NOISE: Final = 256
"""Images of noise that a source is tried on, too: few images make a deep network round at its worst."""

FLAT: Final = (
    "Each cell is one class, which adds in the order in which the network was trained: it is so deep that "
    "rounding in another order would be seen in its logits."
)


class Faithful(NamedTuple):
    """The text of a file, its weights, and by how much its logits differ. flat: cells are not taken apart."""

    text: str
    state: dict[str, Tensor]
    difference: float
    flat: bool


def faithful_source(
    network: Network,
    architecture: Architecture,
    images: Tensor,
    *,
    symbols: Mapping[tuple[int, ...], str] | None = None,
    preparation: Preparation | None = None,
    about: Sequence[str] = (),
) -> Faithful:
    """Return the source of a network as `source_of` writes it, tried on `images` [n, c, h, w] and on noise.

    A class for each part of the derivation adds what the network adds, in another order. Where the logits then
    differ by more than half of `TOLERANCE`, each cell is one flat class in the network's own order instead: its
    logits are those of the network, bit for bit.

    Raises:
        SourceError: the network has a layer that is not one of Morphogen's own.
    """
    import torch

    text, state = source_of(network, architecture, symbols=symbols, preparation=preparation, about=about)
    noise = torch.randn(NOISE, *images.shape[1:], generator=torch.Generator().manual_seed(0))
    images = torch.cat([images, noise])
    difference = largest_difference(network, made(text, state), images)
    if difference <= TRIED:
        return Faithful(text, state, difference, False)
    told = [*(about or ("An image classifier",)), FLAT]
    text, state = source_of(network, preparation=preparation, about=told)
    return Faithful(text, state, largest_difference(network, made(text, state), images), True)


def made(text: str, state: Mapping[str, Tensor] | None = None) -> nn.Module:
    """Return the network of a source, with these weights or with fresh ones, ready to predict."""
    names: dict[str, Any] = {"__name__": "network", "__file__": "network.py"}
    exec(compile(text, "network.py", "exec"), names)
    network: nn.Module = names["Network"]()
    if state is not None:
        network.load_state_dict(state)
    return network.eval()


def largest_difference(network: nn.Module, other: nn.Module, images: Tensor) -> float:
    """Return by how much the logits of two networks differ at most, both in evaluation mode."""
    import torch

    with torch.inference_mode():
        return float((network.eval()(images) - other.eval()(images)).abs().max())
