"""The class of a whole network: stem, body and head, and the cascade of DARTS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from morphogen.architecture import Architecture, Constructor
from morphogen.graph import Graph
from morphogen.networks.darts import DartsStack, Stage
from morphogen.networks.layers import Layer
from morphogen.networks.skeleton import NetworkSpec
from morphogen.networks.source.blocks import Blocks, Path, numbered
from morphogen.networks.source.code import Call, Class, Width
from morphogen.networks.source.layers import (
    Place,
    Weights,
    Written,
    below,
    placed,
    row,
    steps,
)

READS = ("before", "last")
"""How the cells of DARTS call the two maps that they read."""


class Drawn(NamedTuple):
    """The class of a network and where its weights come from."""

    module: Class
    weights: Weights


def drawn(spec: NetworkSpec, architecture: Architecture | None, symbols: Mapping[Path, str]) -> Drawn:
    """Return the class of a network.

    architecture: what `spec` was made of; without it each graph is one flat class. symbols: for paths of its
    derivation the nonterminals that were replaced there.

    Raises:
        SourceError: a layer that is not one of Morphogen's own.
    """
    blocks = Blocks(_derivations(spec, architecture), symbols)
    stem, body, head = spec.parts()
    place = Place(spec.inputs, Width("", spec.inputs.channels))
    first = [below(step, "stem") for step in steps(stem, place, blocks)]
    place = first[-1].after if first else place
    fields = [("stem", row(first))] if first else []
    lines = ["x = self.stem(x)"] if first else []
    if isinstance(body, DartsStack):
        cells, place = _cascade(body, place, blocks)
        fields += [(name, step) for name, step, _ in cells]
        old, new = "x", "x"
        for name, _, inputs in cells:
            before, last = ("x", "x") if old == "x" else READS
            reads = ", ".join((before, last)[-inputs:])
            lines.append(f"before, last = {last}, self.{name}({reads})")
            old = new = "last"
    else:
        inner = [below(step, "body") for step in steps(body, place, blocks)]
        place = inner[-1].after if inner else place
        grouped = _grouped(inner)
        names = numbered([step.attribute for step in grouped])
        fields += list(zip(names, grouped, strict=True))
        lines += [f"x = self.{name}(x)" for name in names]
        new = "x"
    end = [below(step, "head") for step in steps(head, place, blocks)]
    fields.append(("head", row(end)))
    lines.append(f"return self.head({new})")
    calls = tuple((name, step.call) for name, step in fields)
    about = f"maps images [n, {', '.join(map(str, spec.inputs))}] to logits [n, {spec.classes}]"
    return Drawn(Class("Network", about, (), calls, tuple(lines)), placed(fields))


def _derivations(
    spec: NetworkSpec, architecture: Architecture | None
) -> dict[Graph, tuple[Architecture, Path]]:
    if architecture is None:
        return {}
    if isinstance(architecture.terminal, Constructor):
        parts: list[tuple[Architecture, Path]] = [(p, (n,)) for n, p in enumerate(architecture.args)]
    else:
        parts = [(architecture, ())]
    if spec.graphs != tuple(part.graph for part, _ in parts):
        raise ValueError(f"the network was not made of the architecture {architecture}")
    return dict(zip(spec.graphs, parts, strict=True))


def _grouped(parts: Sequence[Written]) -> list[Written]:
    """Return the parts, with equal ones in a row as one stage."""
    found = []
    for _, members in groupby(parts, key=lambda step: step.call):
        stage = list(members)
        found.append(stage[0] if len(stage) == 1 else row(stage)._replace(attribute="stage"))
    return found


def _cascade(body: DartsStack, place: Place, blocks: Blocks) -> tuple[list[tuple[str, Written, int]], Place]:
    """Return the cells of DARTS, each with its name and the number of maps that it reads."""
    before = last = place
    found = []
    for number, stage in enumerate(body.placed(place.shape)):
        reads = (before, last)[-len(stage.reads) :]
        base = "NormalCell" if stage.cell.graph == body.normal else "ReductionCell"
        step = below(_prepared(base, stage, reads, blocks), f"body.cells.{number}")
        found.append((f"cell_{number + 1}", step, len(reads)))
        before, last = last, step.after
    return found, last


def _prepared(base: str, stage: Stage, reads: Sequence[Place], blocks: Blocks) -> Written:
    """Return a cell of DARTS that is given what brings its inputs to one width."""
    names = READS[-len(reads) :]
    ways = [
        below(_preparation(layer, read, blocks), f"prepare.{number}")
        for number, (layer, read) in enumerate(zip(stage.prepare, reads, strict=True))
    ]
    inner = [Place(shape, Width("channels", 1)) for shape in stage.prepared]
    inside = blocks.operations(stage.cell, names, inner)
    halving = " and halves the map" if base == "ReductionCell" else ""
    fields = [(name, below(step, "cell")) for name, step in inside.fields]
    module = Class(
        base,
        f"reads the {'two cells' if len(reads) == 2 else 'cell'} before it{halving}",
        (*((name, "nn.Module") for name in names), ("channels", "int")),
        (
            *((f"prepare_{name}", name) for name in names),
            *((name, step.call) for name, step in fields),
        ),
        (*(f"{name} = self.prepare_{name}({name})" for name in names), *inside.forward),
        names,
    )
    width = ways[-1].after.width
    after = Place(inside.after.shape, width.times(inside.after.width.factor))
    prepared = [(f"prepare_{name}", way) for name, way in zip(names, ways, strict=True)]
    call = Call(module, (*(way.call for way in ways), width))
    return Written(call, after, placed([*prepared, *fields]), "cell")


def _preparation(layer: Layer, place: Place, blocks: Blocks) -> Written:
    """Return what brings a map to the width of a cell; of several parts it is a class."""
    plain = steps(layer, place, blocks)
    if len(plain) == 1:
        return plain[0]
    out = plain[-1].after.width
    inner = Place(place.shape, Width("incoming", 1), named={out.factor: Width("outgoing", 1)})
    parts = steps(layer, inner, blocks)
    rows = [(str(number), part) for number, part in enumerate(parts)]
    module = Class(
        "ReluConvNorm",
        "ReLU, convolution, batch norm",
        (("incoming", "int"), ("outgoing", "int")),
        tuple((name, part.call) for name, part in rows),
    )
    return Written(Call(module, (place.width, out)), plain[-1].after, placed(rows), "prepare")
