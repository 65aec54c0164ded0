"""Many networks as one: a model axis in front of every weight, so that small ones train side by side.

Dense layers become batched matrix products over `[m, n, c]`, convolutions grouped ones over `[n, m * c, h,
w]`; what works channel by channel stays as it is. Networks that differ somewhere are grouped there.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Final, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from morphogen.networks import modules
from morphogen.supernet.braid import Braid, BraidedMixture, StackedDense, can_braid
from morphogen.supernet.mixing import Gate, Mixture, SupernetError, Whole
from morphogen.supernet.routes import moved
from morphogen.supernet.scaling import StackedRootMeanSquare
from morphogen.supernet.wiring import Wiring

SAME = (
    nn.ReLU, nn.Hardswish, nn.Mish, nn.Identity, nn.Flatten, nn.AvgPool2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d,
)  # fmt: skip
"""Layers that treat every channel alike and have no weights; others may say so by `channelwise = True`."""


BRAIDED: Final = 50
"""Networks up to which those that differ are braided.

More of them, and stacked supernets of convolutions, fill the machine as they are; all this was measured on one
CPU.
"""


class _Flat(nn.Module):
    """Flattens maps `[n, m * c, h, w]` to `[m, n, c * h * w]`; what is flat already stays."""

    def __init__(self, models: int) -> None:
        super().__init__()
        self.models = models

    def forward(self, x: Tensor) -> Tensor:
        return x if x.ndim == 3 else x.reshape(x.shape[0], self.models, -1).transpose(0, 1)


class _Groups(nn.Module):
    """Networks that differ here: alike ones together, or all of them braided."""

    def __init__(
        self, places: Sequence[Sequence[int]], parts: Sequence[nn.Module] | Braid, models: int
    ) -> None:
        super().__init__()
        self.parts = parts if isinstance(parts, Braid) else nn.ModuleList(parts)
        self.models = models
        self.sizes = [len(place) for place in places]
        self.register_buffer("there", torch.tensor([i for place in places for i in place]))
        self.register_buffer("back", self.get_buffer("there").argsort())

    def forward(self, x: Tensor) -> Tensor:
        there, back, axis = self.get_buffer("there"), self.get_buffer("back"), 3 if x.ndim == 4 else 0
        rows = torch.split(moved(self._apart(x, self.models), there, back, axis=axis), self.sizes, axis)
        taken = [row.flatten(3).permute(0, 3, 1, 2) if axis else row for row in rows]
        if isinstance(self.parts, Braid):
            outs = [out for out in self.parts(taken) if out is not None]
        else:
            outs = [part(x) for part, x in zip(self.parts, taken, strict=True)]
        joined = torch.cat([self._apart(out, size) for out, size in zip(outs, self.sizes, strict=True)], axis)
        out = moved(joined, back, there, axis=axis)
        return out.flatten(3).permute(0, 3, 1, 2) if axis else out

    def _apart(self, x: Tensor, models: int) -> Tensor:
        """Return `[m, n, c]` as it is, and `[n, m * c, h, w]` as `[n, h, w, m, c]`, which is how it lies in memory."""
        return x.permute(0, 2, 3, 1).view(x.shape[0], *x.shape[2:], models, -1) if x.ndim == 4 else x


@final
class Stack(nn.Module):
    """Networks (or supernets of one region) of equal inputs and classes, trained as one.

    One network alone is run as it is, or, where it is `batched`, as stacks are: candidates of one position that
    are cells of alike operations are computed together. `networks` keep the weights they were stacked with
    until `unstack`.

    Raises:
        SupernetError: a layer that mixes channels across networks (a join) cannot be stacked.
    """

    def __init__(self, networks: Sequence[nn.Module], *, batched: bool = False) -> None:
        super().__init__()
        self.models = len(networks)
        self.batched = batched or self.models > 1
        self._networks = tuple(networks)
        self._links: list[tuple[Tensor, list[Tensor]]] = []
        first = networks[0]
        self.gates: tuple[Gate, ...] = getattr(first, "gates", ())
        if not self.batched:
            self.parts = nn.ModuleList([first])
            return
        rows = zip(*(list(network.children()) for network in networks), strict=True)
        self.parts = nn.ModuleList(self._stacked(row) for row in rows)

    def forward(self, images: Tensor) -> Tensor:
        """Map images `[m, n, c, h, w]` to logits `[m, n, classes]`."""
        if not self.batched:
            return self.parts[0](images[0])[None]  # type: ignore[no-any-return]
        if isinstance(next(m for m in self.parts.modules() if not list(m.children())), _Flat):
            x = images.flatten(2)
        else:
            x = images.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        for part in self.parts:
            x = part(x)
        return x

    @torch.no_grad()
    def unstack(self) -> tuple[nn.Module, ...]:
        """Write the weights back into the networks and return them."""
        for whole, originals in self._links:
            for mine, theirs in zip(whole.view(len(originals), *originals[0].shape), originals, strict=True):
                theirs.copy_(mine)
        return self._networks

    def _joined(self, originals: Sequence[Tensor], *, new_axis: bool = False) -> nn.Parameter:
        tensors = [o.detach() for o in originals]
        whole = nn.Parameter(torch.stack(tensors) if new_axis else torch.cat(tensors))
        self._links.append((whole, list(originals)))
        return whole

    def _stacked(self, group: Sequence[nn.Module]) -> nn.Module:
        first, models = group[0], len(group)
        if all(isinstance(module, nn.Sequential) for module in group):
            lengths = {len(list(module.children())) for module in group}
            if len(lengths) == 1:  # layer by layer, so that only what differs is grouped
                layers = zip(*(list(module.children()) for module in group), strict=True)
                return nn.Sequential(*(self._stacked(layer) for layer in layers))
        kinds = {_kind(module) for module in group}
        if len(kinds) > 1:
            by_kind: dict[str, list[int]] = {}
            for number, module in enumerate(group):
                by_kind.setdefault(_kind(module), []).append(number)
            if models <= BRAIDED and can_braid(group) and all(module.output for module in group):
                cells = [[group[i] for i in places] for places in by_kind.values()]
                return _Groups(list(by_kind.values()), Braid(cells, _kind, self._stacked), models)  # type: ignore[arg-type]
            parts = [self._stacked([group[i] for i in places]) for places in by_kind.values()]
            return _Groups(list(by_kind.values()), parts, models)
        if isinstance(first, nn.Flatten):
            return _Flat(models)
        if isinstance(first, SAME) or getattr(first, "channelwise", False):
            return first
        if isinstance(first, modules.RootMeanSquare):
            return StackedRootMeanSquare(models)
        if isinstance(first, nn.Linear):
            weight = self._joined([m.weight for m in group], new_axis=True)  # type: ignore[misc]
            biases = [m.bias for m in group]
            return StackedDense(weight, None if first.bias is None else self._joined(biases, new_axis=True))  # type: ignore[arg-type]
        if isinstance(first, nn.Conv2d | nn.BatchNorm2d | nn.InstanceNorm2d | nn.GroupNorm):
            return self._channelwise(group)
        if isinstance(first, modules.FactorizedReduce) or True in getattr(first, "joins", ()):
            raise SupernetError(
                "networks that join maps along the channels cannot be stacked; train them one by one"
            )
        if first._parameters or first._buffers:
            raise SupernetError(f"{type(first).__name__} cannot be stacked; train the networks one by one")
        if isinstance(first, Mixture) and first.partial == 1:
            places = [i for i, empty in enumerate(first.nothing) if not empty]
            rows = [list(module.candidates) for module in group if isinstance(module, Mixture)]
            cells = [[row[i] for row in rows] for i in places]
            light = models == 1 or not any(isinstance(m, nn.Conv2d) for m in first.modules())
            if light and len(cells) > 1 and can_braid([cell[0] for cell in cells]):  # see BRAIDED
                braid = Braid(cells, _kind, self._stacked)  # type: ignore[arg-type]
                return BraidedMixture(first.gate, first.nothing, braid, first.norm is not None, models)
        twin = copy.copy(first)
        children = [list(module.named_children()) for module in group]
        twin._modules = {
            row[0][0]: self._stacked([child for _, child in row]) for row in zip(*children, strict=True)
        }
        for absent in first._modules.keys() - twin._modules.keys():
            twin._modules[absent] = None
        if isinstance(twin, Wiring):
            twin.fans = {}
        if isinstance(twin, Mixture | Whole):
            if isinstance(twin, Mixture) and twin.partial > 1:
                raise SupernetError("partial channels cannot be stacked; train the supernets one by one")
            twin.models = models
        return twin

    def _channelwise(self, group: Sequence[nn.Module]) -> nn.Module:
        twin, models = copy.copy(group[0]), len(group)
        twin._parameters, twin._buffers = dict(twin._parameters), dict(twin._buffers)
        for name, parameter in group[0]._parameters.items():
            if parameter is not None:
                twin._parameters[name] = self._joined([m._parameters[name] for m in group])  # type: ignore[misc]
        for name, buffer in group[0]._buffers.items():
            if buffer is not None and buffer.ndim:
                whole = torch.cat([m._buffers[name] for m in group])  # type: ignore[misc]
                twin._buffers[name] = whole
                self._links.append((whole, [m._buffers[name] for m in group]))  # type: ignore[misc]
            elif buffer is not None:
                twin._buffers[name] = buffer.clone()
        if isinstance(twin, nn.Conv2d):
            twin.groups, twin.in_channels = models * twin.groups, models * twin.in_channels
            twin.out_channels *= models
        elif isinstance(twin, nn.GroupNorm):
            twin.num_groups, twin.num_channels = models * twin.num_groups, models * twin.num_channels
        else:
            assert isinstance(twin, nn.BatchNorm2d | nn.InstanceNorm2d)
            twin.num_features *= models
        return twin


def mean_losses(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Return the mean loss `[m]` of each network."""
    if len(logits) == 1:
        return functional.cross_entropy(logits[0], labels[0], label_smoothing=smoothing)[None]
    flat = functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), label_smoothing=smoothing, reduction="none"
    )
    return flat.view(labels.shape).mean(1)


def _kind(module: nn.Module) -> str:
    """Return a text that modules of one structure share."""
    own = [tuple(p.shape) for p in module.parameters(recurse=False)]
    wires = (
        (module.sources, module.output, module.joins)
        if isinstance(module, modules.Cell)
        else module.edges
        if isinstance(module, Wiring)
        else len(module.gate.candidates)
        if isinstance(module, Mixture)
        else ""
    )
    inside = ",".join(_kind(child) for child in module.children())
    settings = module.extra_repr() if not list(module.children()) else ""
    return f"{type(module).__name__}{own}{wires}{settings}({inside})"
