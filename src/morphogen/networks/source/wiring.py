"""What is summed where: cells as values that are sums of operations on values, and the lines that say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Generic, NamedTuple, TypeVar, final

from morphogen.graph import Graph
from morphogen.networks.source.code import LONGEST, total

PartT = TypeVar("PartT")

SHORT: Final = 44
"""An expression that is used once and not longer stands where it is used, without a name of its own."""

BODY: Final = 8
"""Columns by which the lines of a forward pass are indented."""

WIDEST: Final = LONGEST - BODY - len("node99 = ")
"""Characters in a term of a sum."""


class Term(NamedTuple, Generic[PartT]):
    """A part applied to the value numbered `reads`; None is the value itself."""

    part: PartT | None
    reads: int


class Value(NamedTuple, Generic[PartT]):
    """The sum of its terms, or what they hold one after the other along the channels."""

    terms: tuple[Term[PartT], ...]
    joins: bool = False


@final
@dataclass(frozen=True)
class Wiring(Generic[PartT]):
    """Values in the order in which they are computed; the first `inputs` are given.

    output: the number of the result; None where no path leads to it.
    """

    inputs: int
    values: tuple[Value[PartT], ...]
    output: int | None

    @property
    def parts(self) -> list[PartT]:
        """The parts, in the order in which they stand."""
        return [term.part for value in self.values for term in value.terms if term.part is not None]

    @property
    def straight(self) -> bool:
        """Whether each part reads what the one before it gives, from the input to the output."""
        alone = all(
            len(value.terms) == 1 and value.terms[0].part is not None and value.terms[0].reads == number
            for number, value in enumerate(self.values)
        )
        return alone and self.inputs == 1 and self.output == len(self.values) > 0


def simplified(inputs: int, values: Sequence[Value[PartT]], output: int) -> Wiring[PartT]:
    """Return the wiring of the values behind the inputs, without what is zero, a copy, or leads nowhere."""
    same: list[int | None] = list(range(inputs))
    kept: list[Value[PartT]] = []
    for value in values:
        terms = []
        for part, reads in value.terms:
            source = same[reads]
            if source is not None:
                terms.append(Term(part, source))
        if not terms:
            same.append(None)
        elif len(terms) == 1 and terms[0].part is None:
            same.append(terms[0].reads)
        else:
            same.append(inputs + len(kept))
            kept.append(Value(tuple(terms), value.joins))
    last = same[output]
    needed = {last}
    for number in range(inputs + len(kept) - 1, inputs - 1, -1):
        if number in needed:
            needed.update(term.reads for term in kept[number - inputs].terms)
    place = {number: number for number in range(inputs)}
    final_: list[Value[PartT]] = []
    for number, value in enumerate(kept, inputs):
        if number in needed:
            place[number] = inputs + len(final_)
            terms = [Term(part, place[reads]) for part, reads in value.terms]
            final_.append(Value(tuple(terms), value.joins))
    return Wiring(inputs, tuple(final_), None if last is None else place[last])


def of_graph(graph: Graph, joins: Sequence[bool], idle: Container[str]) -> Wiring[int]:
    """Return the wiring of a graph, whose parts are its vertices.

    joins: for each vertex behind the inputs, whether it joins what it reads. idle: labels that only gather.
    """
    values: list[Value[int]] = []
    carries = list(range(graph.inputs))  # for each vertex the number of its value

    def gathered(terms: Sequence[int], join: bool) -> int:
        values.append(Value(tuple(Term(None, carries[term]) for term in terms), join))
        return graph.inputs + len(values) - 1

    for vertex in range(graph.inputs, len(graph.labels)):
        number = gathered(graph.predecessors[vertex], joins[vertex - graph.inputs])
        if graph.labels[vertex] not in idle:
            values.append(Value((Term(vertex, number),)))
            number += 1
        carries.append(number)
    return simplified(graph.inputs, values, gathered(graph.output, False))


def forward(wiring: Wiring[PartT], attributes: Mapping[PartT, str], inputs: Sequence[str]) -> tuple[str, ...]:
    """Return the lines of a forward pass: the inputs by these names, the parts as these attributes."""
    if wiring.output is None:
        return (f"return torch.zeros_like({inputs[0]})",)
    uses = Counter(term.reads for value in wiring.values for term in value.terms)
    readers = {term.reads: (term.part, value.joins) for value in wiring.values for term in value.terms}
    texts = [[name] for name in inputs]  # for each value the terms that stand for it
    lines: list[str] = []
    names = (f"node{number}" for number in count(1))
    for number, value in enumerate(wiring.values, wiring.inputs):
        terms = _terms(value, attributes, texts)
        part, joins = readers.get(number, (None, False))
        call = f"self.{attributes[part]}()" if part is not None else ""
        short = len(" + ".join(terms)) <= min(SHORT, WIDEST - len(call))
        if number != wiring.output and uses[number] == 1 and not joins and short:
            texts.append(terms)
            continue
        before = "return "
        if number != wiring.output:
            texts.append([next(names)])
            before = f"{texts[-1][0]} = "
        while len(terms) == 2 and BODY + len(before) + len(" + ".join(terms)) > LONGEST:
            longer = max((0, 1), key=lambda place: len(terms[place]))
            name = next(names)
            lines.append(f"{name} = {terms[longer]}")
            terms[longer] = name
        lines += total(terms, before, BODY)
    if wiring.output < wiring.inputs:
        lines.append(f"return {inputs[wiring.output]}")
    return tuple(lines)


def _terms(value: Value[PartT], attributes: Mapping[PartT, str], texts: Sequence[Sequence[str]]) -> list[str]:
    """Return the terms of a value as text; what is added many times is multiplied."""
    if value.joins:
        return [f"torch.cat(({', '.join(texts[term.reads][0] for term in value.terms)}), dim=1)"]
    found = []
    for (part, reads), copies in Counter(value.terms).items():
        if part is not None:
            found.append(f"self.{attributes[part]}({' + '.join(texts[reads])})")
        elif copies == 1:
            found += texts[reads]
        else:
            found.append(f"{copies} * {texts[reads][0]}")
    return found
