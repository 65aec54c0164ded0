"""Layers as calls: what stands in the source for each layer value, and which weights it takes over."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias, final

from morphogen.networks.cells import Cell
from morphogen.networks.dense import BiasedConv, Dense, Flatten, PoolBy, RootMeanSquare
from morphogen.networks.layers import (
    EPSILON,
    Activation,
    Chain,
    Classifier,
    Conv,
    FactorizedReduce,
    Layer,
    Norm,
    Pool,
    Residual,
)
from morphogen.networks.operations import HALVED, OPERATIONS, operation
from morphogen.networks.shapes import Shape
from morphogen.networks.source.code import Call, Class, Width

Weights: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of prefixes in state dicts: in the source, and in the network it was made from."""

NORMS: Final = {"batch": "nn.BatchNorm2d", "instance": "nn.InstanceNorm2d", "layer": "nn.GroupNorm"}
ACTIVATIONS: Final = {"relu": "nn.ReLU", "hardswish": "nn.Hardswish", "mish": "nn.Mish"}


class SourceError(ValueError):
    """A network that cannot be written as source; the message names the layer."""


@final
@dataclass(frozen=True)
class Place:
    """Where in the network something stands: the map that arrives, and how its channels are written.

    flat: whether values arrive as `[n, channels]`. named: widths that have names of their own.
    """

    shape: Shape
    width: Width
    flat: bool = False
    named: Mapping[int, Width] = field(default_factory=dict)

    @property
    def argument(self) -> str:
        """How a class calls its incoming channels."""
        return "features" if self.flat else "channels"

    def inside(self) -> Place:
        """Return the same place seen from inside a class, whose argument its channels are."""
        return Place(self.shape, Width(self.argument, 1), self.flat)

    def sized(self, channels: int | None) -> Width:
        """Return a width given as a number, None for the one that arrives."""
        if channels is None:
            return self.width
        return self.named.get(channels, Width("", channels))


class Written(NamedTuple):
    """A part in the source: how it is made, what leaves it, its weights, and a name for an attribute."""

    call: Call
    after: Place
    weights: Weights
    attribute: str


CellWriter: TypeAlias = Callable[[Cell, Place], "list[Written]"]


def steps(layer: Layer, place: Place, cells: CellWriter) -> list[Written]:
    """Return the parts of a layer, one after the other; none for a layer that does nothing.

    cells: writes the graphs among them.

    Raises:
        SourceError: a layer that is not one of Morphogen's own.
    """
    if isinstance(layer, Cell):
        return cells(layer, place)
    if isinstance(layer, Chain):
        found = []
        for number, part in enumerate(layer.layers):
            for step in steps(part, place, cells):
                found.append(below(step, str(number)))
                place = step.after
        return found
    if isinstance(layer, Residual):
        known = next((worker for worker in OPERATIONS.values() if worker.layer is layer), None)
        if known is None:
            return [_residual("Residual", "the sum of two ways through", layer, place, cells)]
        return [_residual(camel(known.name), known.about, layer, place, cells)]
    if isinstance(layer, Classifier):
        linear = Call("nn.Linear", (place.width, str(layer.classes)))
        after = _after(layer, place, Width("", layer.classes), flat=True)
        return [
            Written(Call("nn.AdaptiveAvgPool2d", ("1",)), after, (), "pool"),
            Written(Call("nn.Flatten", ("1",)), after, (), "flatten"),
            Written(linear, after, (("", "2"),), "linear"),
        ]
    return _single(layer, place)


def operation_step(name: str, place: Place, cells: CellWriter) -> Written | None:
    """Return an operation by its name; None where it does nothing, as `sum` does."""
    worker = operation(name)
    base = camel(name.removesuffix(HALVED)) + ("Halving" if name.endswith(HALVED) else "")
    about = worker.about + (", with stride 2" if name.endswith(HALVED) else "")
    if isinstance(worker.layer, Residual):
        return _residual(base, about, worker.layer, place, cells)
    inner = place.inside()
    parts = steps(worker.layer, inner, cells)
    if len(parts) > 1:
        return in_row(base, about, parts, inner, place)
    alone = steps(worker.layer, place, cells)
    return alone[0]._replace(attribute=snake(base)) if alone else None


def in_row(base: str, about: str, parts: Sequence[Written], inner: Place, outer: Place) -> Written:
    """Return a class of parts in a row, called at the place `outer`; `inner` is that place inside it."""
    rows = [(str(number), part) for number, part in enumerate(parts)]
    module = Class(base, about, ((inner.argument, "int"),), tuple((n, p.call) for n, p in rows))
    return Written(Call(module, (outer.width,)), outward(parts[-1].after, outer), placed(rows), snake(base))


def outward(after: Place, outer: Place) -> Place:
    """Return what leaves a class as seen from outside, where its argument is the width of `outer`."""
    width = outer.width.times(after.width.factor) if after.width.name else after.width
    return Place(after.shape, width, after.flat, outer.named)


def below(step: Written, name: str) -> Written:
    """Return a part whose weights lie below `name` in the network it comes from."""
    return step._replace(weights=tuple((new, joined(name, old)) for new, old in step.weights))


def joined(*names: str) -> str:
    """Return a prefix of a state dict."""
    return ".".join(name for name in names if name)


def placed(parts: Iterable[tuple[str, Written]]) -> Weights:
    """Return the weights of parts that stand at these attributes."""
    return tuple((joined(name, new), old) for name, step in parts for new, old in step.weights)


def row(parts: Sequence[Written]) -> Written:
    """Return parts in a row as one `nn.Sequential`, a single one as it is."""
    if len(parts) == 1:
        return parts[0]
    rows = [(str(number), part) for number, part in enumerate(parts)]
    call = Call("nn.Sequential", tuple(part.call for part in parts))
    return Written(call, parts[-1].after, placed(rows), "layers")


def camel(name: str) -> str:
    """Return the name of a class: `sep_conv3x3` is SepConv3x3, `STAGE` is Stage."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name.removeprefix("bare_")) if word]
    joint = "".join(w.capitalize() if w.isupper() else w[:1].upper() + w[1:] for w in words)
    return joint if joint[:1].isalpha() else f"Part{joint}"


def snake(name: str) -> str:
    """Return the name of an attribute: SepConv3x3 is sep_conv3x3."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def verbatim(name: str) -> Class:
    """Return a class of `networks.modules` word by word."""
    from morphogen.networks import modules

    return Class(name, "", text=inspect.getsource(getattr(modules, name)).rstrip())


def _residual(base: str, about: str, layer: Residual, place: Place, cells: CellWriter) -> Written:
    inner = place.inside()
    ways = []
    for name, way in (("main", layer.main), ("shortcut", layer.shortcut)):
        parts = steps(way, inner, cells)
        if not parts:
            raise SourceError(f"{base}: a way through without layers cannot be written as source")
        ways.append((name, below(row(parts), name)))
    lines = ("return self.main(x) + self.shortcut(x)",)
    module = Class(base, about, ((inner.argument, "int"),), tuple((n, w.call) for n, w in ways), lines)
    return Written(Call(module, (place.width,)), outward(ways[0][1].after, place), placed(ways), snake(base))


def _after(layer: Layer, place: Place, width: Width, *, flat: bool) -> Place:
    return Place(layer.measure(place.shape)[0], width, flat, place.named)


def _single(layer: Layer, place: Place) -> list[Written]:
    """Return a layer that is one call, as a list of it; nothing for one that changes nothing."""
    width = out = place.width
    flat = place.flat
    weights: Weights = (("", ""),)
    if isinstance(layer, Conv):
        out = width.times(layer.widen) if layer.channels is None else place.sized(layer.channels)
        padding = layer.dilation * (layer.kernel // 2)
        words = _words(stride=layer.stride, padding=padding, dilation=layer.dilation)
        groups = (f"groups={width}",) if layer.depthwise else ()
        call = Call("nn.Conv2d", (width, out, str(layer.kernel), *words, *groups, "bias=False"))
        name = "conv"
    elif isinstance(layer, BiasedConv):
        out = place.sized(layer.channels)
        kernel, stride, padding = layer.window(place.shape)
        call = Call("nn.Conv2d", (width, out, str(kernel), *_words(stride=stride, padding=padding)))
        name = "conv"
    elif isinstance(layer, Dense):
        out = place.sized(layer.features)
        call, name = Call("nn.Linear" if flat else verbatim("Dense"), (width, out)), "linear"
    elif isinstance(layer, FactorizedReduce):
        out = place.sized(layer.channels)
        call, name = Call(verbatim("FactorizedReduce"), (width, out)), "reduce"
    elif isinstance(layer, Norm):
        eps = f"eps={EPSILON}"
        arguments = {"batch": (width,), "instance": (width, "affine=True", eps), "layer": ("1", width, eps)}
        call, name = Call(NORMS[layer.kind], arguments[layer.kind]), "norm"
    elif isinstance(layer, Activation):
        call, name, weights = Call(ACTIVATIONS[layer.kind]), layer.kind, ()
    elif isinstance(layer, Pool):
        call, name, weights = _pool(layer), "pool", ()
    elif isinstance(layer, PoolBy):
        sides = [min(layer.factor, side) for side in place.shape[1:]]
        if max(sides) == 1:
            return []
        window = str(sides[0]) if sides[0] == sides[1] else f"({sides[0]}, {sides[1]})"
        call, name, weights = Call("nn.MaxPool2d", (window, "ceil_mode=True")), "pool", ()
    elif isinstance(layer, Flatten):
        if flat:
            return []
        out, flat = width.times(place.shape.pixels), True
        call, name, weights = Call("nn.Flatten", ("1",)), "flatten", ()
    elif isinstance(layer, RootMeanSquare):
        call, name, weights = Call(verbatim("RootMeanSquare")), "norm", ()
    else:
        raise SourceError(
            f"there is no source for layers of the kind {type(layer).__name__}: leave the format source out"
        )
    return [Written(call, _after(layer, place, out, flat=flat), weights, name)]


def _pool(layer: Pool) -> Call:
    words = [str(layer.kernel), f"stride={layer.stride}", *_words(padding=(layer.kernel - 1) // 2)]
    if layer.kernel == 2:
        words.append("ceil_mode=True")
    if layer.kind == "maximum":
        return Call("nn.MaxPool2d", tuple(words))
    return Call("nn.AvgPool2d", (*words, "count_include_pad=False"))


def _words(**given: int) -> tuple[str, ...]:
    """Return the keyword arguments that differ from what torch takes anyway."""
    usual = {"stride": 1, "padding": 0, "dilation": 1}
    return tuple(f"{name}={value}" for name, value in given.items() if value != usual[name])
