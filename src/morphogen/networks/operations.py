"""The operations an architecture can name, each a short composition of layers; nothing here loads torch."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, final

from morphogen.networks.dense import BiasedConv, Dense
from morphogen.networks.layers import (
    Activation,
    Chain,
    Conv,
    FactorizedReduce,
    Layer,
    Norm,
    Pool,
    Residual,
)

RELU: Final = Activation("relu")
BATCH_NORM: Final = Norm("batch")


# Compared by identity: the table is the only place where operations are made, and look-ups stay cheap.
@final
@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A named operation on the sum of what it reads, or, where it `joins`, on all its channels."""

    name: str
    about: str
    layer: Layer
    joins: bool = False


def relu_conv_norm(kernel: int, *, stride: int = 1, widen: int = 1, channels: int | None = None) -> Chain:
    """Return NAS-Bench-201's and DARTS's basic block: ReLU, convolution, batch norm."""
    return Chain((RELU, Conv(kernel, stride, widen=widen, channels=channels), BATCH_NORM))


def _separable(kernel: int, dilation: int = 1) -> tuple[Layer, ...]:
    return (RELU, Conv(kernel, dilation=dilation, depthwise=True), Conv(1), BATCH_NORM)


RESBLOCK: Final = Residual(
    main=Chain((relu_conv_norm(3, stride=2, widen=2), relu_conv_norm(3))),
    shortcut=Chain((Pool("average", kernel=2, stride=2), Conv(1, widen=2))),
)

CONV_DOWN: Final = relu_conv_norm(3, stride=2, widen=2)

_TABLE: Final = (
    Operation("conv1x1", "ReLU, 1x1 convolution, batch norm", relu_conv_norm(1)),
    Operation("conv3x3", "ReLU, 3x3 convolution, batch norm", relu_conv_norm(3)),
    Operation("conv5x5", "ReLU, 5x5 convolution, batch norm", relu_conv_norm(5)),
    Operation("conv7x7", "ReLU, 7x7 convolution, batch norm", relu_conv_norm(7)),
    Operation("depthwise3x3", "ReLU, depthwise 3x3, 1x1 convolution, batch norm", Chain(_separable(3))),
    Operation("sep_conv3x3", "DARTS's separable 3x3 convolution, applied twice", Chain(_separable(3) * 2)),
    Operation("sep_conv5x5", "DARTS's separable 5x5 convolution, applied twice", Chain(_separable(5) * 2)),
    Operation("dil_conv3x3", "DARTS's separable 3x3 convolution of dilation 2", Chain(_separable(3, 2))),
    Operation("dil_conv5x5", "DARTS's separable 5x5 convolution of dilation 2", Chain(_separable(5, 2))),
    Operation("avg_pool", "3x3 average pooling, stride 1", Pool("average")),
    Operation("max_pool", "3x3 maximum pooling, stride 1", Pool("maximum")),
    Operation("resblock", "two conv3x3 and a shortcut: halves the map, doubles the channels", RESBLOCK),
    Operation("conv3x3_down", "conv3x3 of stride 2: halves the map, doubles the channels", CONV_DOWN),
    Operation("max_pool_down", "3x3 maximum pooling of stride 2: halves the map", Pool("maximum", stride=2)),
    Operation("bare_conv1x1", "1x1 convolution alone", Conv(1)),
    Operation("bare_conv3x3", "3x3 convolution alone", Conv(3)),
    Operation("bare_depthwise3x3", "depthwise 3x3 convolution alone", Conv(3, depthwise=True)),
    Operation("relu", "ReLU activation", RELU),
    Operation("hardswish", "hard swish activation", Activation("hardswish")),
    Operation("mish", "Mish activation", Activation("mish")),
    Operation("batch_norm", "normalization of each channel over the batch", BATCH_NORM),
    Operation("instance_norm", "normalization of each channel over the map", Norm("instance")),
    Operation("layer_norm", "normalization over map and channels, scaled a channel", Norm("layer")),
    Operation("factorized_reduce", "DARTS's skip connection of stride 2: halves the map", FactorizedReduce()),
    Operation("linear_relu", "linear layer over the channels, ReLU", Chain((Dense(), RELU))),
    Operation("conv3x3_relu", "3x3 convolution with bias, ReLU", Chain((BiasedConv(), RELU))),
    Operation("conv1x1_relu", "1x1 convolution with bias, ReLU", Chain((BiasedConv(1), RELU))),
    Operation("sum", "the sum of what it reads (a node of a cell)", Chain()),
    Operation("concat", "what it reads, lined up along the channels", Chain(), joins=True),
)

OPERATIONS: Final[dict[str, Operation]] = {operation.name: operation for operation in _TABLE}
"""Every operation by its name; `OPERATIONS["blur"] = Operation("blur", "blurs", layer)` adds one."""

VANISHING: Final = frozenset({"identity", "zero"})
"""Operations that every grammar knows and no network contains: the graph is already rid of them."""

HALVED: Final = "/2"
"""What is put behind the name of an operation that runs with stride 2, as in `conv3x3/2`."""


class UnknownOperation(ValueError):
    """A name that no operation has."""


def operation(name: str) -> Operation:
    """Return the operation called `name`, with stride 2 where `/2` follows its name.

    Raises:
        UnknownOperation: there is none; says which name is nearest.
    """
    found = OPERATIONS.get(name)
    if found is not None:
        return found
    plain = OPERATIONS.get(name.removesuffix(HALVED))
    halved = strided(plain) if plain else None
    if halved is None:
        near = difflib.get_close_matches(name, [*OPERATIONS, *VANISHING], n=1)
        raise UnknownOperation(
            f"no operation is called {name}"
            + (f"; did you mean {near[0]}?" if near else "")
            + " (`morphogen list operations` shows all; networks.operations.OPERATIONS takes new ones)"
        )
    return halved


@cache
def strided(plain: Operation) -> Operation | None:
    """Return the operation with its first window at stride 2; None where it has none or halves already."""
    layer = None if plain.layer.halvings else plain.layer.strided()
    return replace(plain, name=plain.name + HALVED, layer=layer) if layer else None


def missing_operations(names: Iterable[str]) -> list[str]:
    """Return those of `names`, sorted, that neither are operations nor vanish in the graph."""
    return sorted(set(names) - OPERATIONS.keys() - VANISHING)


def require_operations(names: Iterable[str], space: str) -> None:
    """Refuse a space, called `space`, with operations that do not exist.

    Raises:
        UnknownOperation: names them all.
    """
    if unknown := missing_operations(names):
        raise UnknownOperation(
            f"{space} has operations that no network can be built of: {', '.join(unknown)} "
            "(`morphogen list operations` shows all)"
        )
