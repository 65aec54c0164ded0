"""The edges out of one node together: what they all compute of one map is computed once, or in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from morphogen.networks import modules
from morphogen.supernet.mixing import Mixture


def _operation(candidate: nn.Module) -> nn.Module | None:
    """Return the one operation of a cell, an identity where it has none, None for any other cell."""
    if not isinstance(candidate, modules.Cell) or candidate.inputs != 1 or True in candidate.joins:
        return None
    if not len(candidate.operations):
        return nn.Identity() if candidate.output == [0] else None
    alone = candidate.sources == [[0]] and candidate.output == [1]
    return candidate.operations[0] if alone else None


def _block(operation: nn.Module) -> tuple[nn.Conv2d, nn.BatchNorm2d] | None:
    """Return the convolution and the batch norm of an operation that is ReLU, convolution, batch norm."""
    parts = list(operation.children()) if isinstance(operation, nn.Sequential) else []
    if len(parts) != 3 or not isinstance(parts[0], nn.ReLU):
        return None
    _, conv, norm = parts
    if not isinstance(conv, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
        return None
    plain = conv.bias is None and conv.groups == 1 and norm.affine and norm.track_running_stats
    return (conv, norm) if plain else None


@final
class Fan:
    """The mixtures on the edges out of one node, whose candidates at one place are of one kind.

    A map that many edges read is rectified and pooled once; alike convolutions become one with more
    channels, and their weights in the mixture are folded into the scale of its batch norm.
    """

    def __init__(self, mixtures: Sequence[Mixture]) -> None:
        self.mixtures = tuple(mixtures)

    @staticmethod
    def fits(mixtures: Iterable[Mixture]) -> bool:
        """Whether the candidates of all these mixtures are alike, and none is more than one operation."""
        kinds = set()
        for mixture in mixtures:
            if mixture.norm is not None:
                return False
            kind = [str(mixture.partial)]
            for candidate, nothing in zip(mixture.candidates, mixture.nothing, strict=True):
                operation = None if nothing else _operation(candidate)
                weighted = operation is not None and next(operation.parameters(), None) is not None
                if not nothing and (operation is None or (weighted and _block(operation) is None)):
                    return False
                kind.append(str(operation))
            kinds.add(tuple(kind))
        return len(kinds) == 1

    def ready(self) -> bool:
        """Whether all weights are plain numbers, one a candidate; else each mixture is computed alone."""
        every = [w for mixture in self.mixtures for w in mixture.gate.weights if w is not None]
        norms = [m for mixture in self.mixtures for m in mixture.modules() if isinstance(m, nn.BatchNorm2d)]
        return all(w.numel() == 1 and w.dtype != torch.bool for w in every) and None not in {
            norm.momentum for norm in norms
        }

    def __call__(self, x: Tensor) -> list[Tensor | None]:
        """Map a map to the mixture of each edge, None where nothing has a weight."""
        partial = self.mixtures[0].partial
        if partial == 1:
            return self._mixed(x)
        inside, bypass = x.tensor_split([x.shape[1] // partial], dim=1)
        pairs = zip(self.mixtures, self._mixed(inside), strict=True)
        return [mixture.rejoined(mixed, inside, bypass) for mixture, mixed in pairs]

    def _mixed(self, x: Tensor) -> list[Tensor | None]:
        outs: list[Tensor | None] = [None] * len(self.mixtures)
        wide: dict[tuple[int, ...], Tensor] = {}
        rectified: Tensor | None = None
        for place, nothing in enumerate(self.mixtures[0].nothing):
            live = tuple(i for i, m in enumerate(self.mixtures) if m.gate.weights[place] is not None)
            if nothing or not live:
                continue
            operations = [self._counted(i, place, len(x)) for i in live]
            shares = [w for i in live if (w := self.mixtures[i].gate.weights[place]) is not None]
            blocks = [b for operation in operations if (b := _block(operation)) is not None]
            if blocks:
                rectified = functional.relu(x) if rectified is None else rectified
                joined = _together(rectified, blocks, shares)
                wide[live] = wide[live] + joined if live in wide else joined
                continue
            whole = operations[0](x)
            for i, share in zip(live, shares, strict=True):
                before = outs[i]
                plain = not share.requires_grad and share == 1
                if before is not None:
                    outs[i] = torch.addcmul(before, whole, share.reshape(()))
                else:
                    outs[i] = whole if plain else whole * share.reshape(())
        for live, joined in wide.items():
            for i, term in zip(live, joined.chunk(len(live), dim=1), strict=True):
                before = outs[i]
                outs[i] = term if before is None else before + term
        return outs

    def _counted(self, edge: int, place: int, images: int) -> nn.Module:
        gate = self.mixtures[edge].gate
        gate.calls[place] += 1
        gate.images[place] += images
        operation = _operation(self.mixtures[edge].candidates[place])
        assert operation is not None
        return operation


def _together(
    x: Tensor, blocks: Sequence[tuple[nn.Conv2d, nn.BatchNorm2d]], shares: Sequence[Tensor]
) -> Tensor:
    """Return each convolution and batch norm of one map, times its share, side by side along the channels."""
    (conv, norm), count = blocks[0], len(blocks)
    weight = torch.cat([c.weight for c, _ in blocks]) if count > 1 else conv.weight
    y = functional.conv2d(x, weight, None, conv.stride, conv.padding, conv.dilation)
    scale = torch.cat([n.weight * w for (_, n), w in zip(blocks, shares, strict=True)])
    shift = torch.cat([n.bias * w for (_, n), w in zip(blocks, shares, strict=True)])
    kept = [(n.running_mean, n.running_var) for _, n in blocks]
    mean, variance = (torch.cat([pair[i] for pair in kept if pair[i] is not None]) for i in (0, 1))  # type: ignore[misc]
    assert norm.momentum is not None
    y = functional.batch_norm(y, mean, variance, scale, shift, norm.training, norm.momentum, norm.eps)
    if norm.training:
        with torch.no_grad():
            for (_, one), m, v in zip(blocks, mean.chunk(count), variance.chunk(count), strict=True):
                assert one.running_mean is not None
                assert one.running_var is not None
                one.running_mean.copy_(m)
                one.running_var.copy_(v)
                if one.num_batches_tracked is not None:
                    one.num_batches_tracked += 1
    return y
