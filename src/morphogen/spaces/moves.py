"""Moves between architectures of one space: mutation, crossover, neighbours, distance; pure functions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias

import numpy as np

from morphogen.architecture import Architecture
from morphogen.spaces.compiled import Form, Open
from morphogen.spaces.count import Value, below, locate
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.space import Path, Space, walk

PATIENCE = 100
"""Tries before a move looks through all possibilities."""

REMEMBERED = 1 << 15
"""Of so many parents and mutants the form is kept: a search meets them again and again."""


def mutate(space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Return an architecture that differs in one decision: another alternative, its inside drawn uniformly.

    The decision is drawn uniformly among those with at least two alternatives.

    Raises:
        SpaceError: the architecture cannot be changed within the space.
    """
    form, code = _open(space, architecture)
    places = form.places
    for _ in range(PATIENCE if places else 0):
        where, other = rng.random(2).tolist()
        path, symbol, room, unit = places[int(where * len(places))]
        choices = space.compiled.symbols[symbol].choices
        chosen = code // unit % len(choices)
        others = space.table.others(symbol, chosen, room)
        if not others:
            continue
        index, sums, total, part = others[int(other * len(others))]
        swapped = part is not None and choices[chosen].leaf is not None  # leaf for leaf: the form stays
        moved = code + (index - chosen) * unit
        if swapped and moved in form.known:
            return form.known[moved]
        if part is None:
            value, number = locate(sums, below(total, rng) if total > 1 else 0)
            part = space.table.unrank_choice(symbol, index, room, value, number)
        child = architecture.replace(path, part)
        if _allowed(space, child):
            if swapped:
                _remember(space, child, form, moved)
            return child
    for number in rng.permutation(len(places)):
        place = places[number]
        blocks = _blocks(space, architecture, place)
        if blocks:
            path, symbol, room, _ = place
            index = blocks[int(rng.random() * len(blocks))][0]
            sums = {value: total for i, value, total in blocks if i == index}
            value, number = locate(sums, below(sum(sums.values()), rng))
            return architecture.replace(path, space.table.unrank_choice(symbol, index, room, value, number))
    raise SpaceError(f"{architecture} has no neighbour in {space.name}: no single decision can be changed")


def cross(
    space: Space,
    mother: Architecture,
    father: Architecture,
    rng: np.random.Generator,
    *,
    anywhere: bool = False,
) -> Architecture:
    """Return `mother` with one part taken over from `father`, from the same place and the same nonterminal.

    With `anywhere`, the part may come from any place of `father` where that nonterminal stands (as in
    BOHNAS). Where the parents offer nothing new, as when they are equal, the child is `mother` itself.
    """
    if mother == father:
        return mother
    donors: dict[object, list[Architecture]] = {}
    for path, symbol, _, _ in walk(space, father):
        if path or anywhere:
            donors.setdefault(symbol if anywhere else (symbol, path), []).append(father.at(path))
    places: list[Place] = []
    offers: list[list[Architecture]] = []
    for path, symbol, _, room in walk(space, mother):
        offer = donors.get(symbol if anywhere else (symbol, path))
        if path and offer:
            places.append((path, mother.at(path), room))
            offers.append(offer)

    def child(place: int, number: int) -> Architecture | None:
        path, old, room = places[place]
        part = offers[place][number]
        if part == old or not _fits(part, room):
            return None
        made = mother.replace(path, part)
        return made if made != father and _allowed(space, made) else None

    return _first(rng, [len(offer) for offer in offers], child) or mother


def self_cross(space: Space, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Return the architecture with two of its parts of one nonterminal swapped (Schrodi et al. 2023).

    Neither part contains the other. Where no two parts can be swapped the architecture itself is returned.
    """
    groups: dict[int, list[Place]] = {}
    for path, symbol, _, room in walk(space, architecture):
        groups.setdefault(symbol, []).append((path, architecture.at(path), room))
    # Each place, with those of its nonterminal that stand before it.
    places = [(group, index) for group in groups.values() for index in range(1, len(group))]

    def child(place: int, number: int) -> Architecture | None:
        group, index = places[place]
        (one, here, room), (two, there, other_room) = group[index], group[number]
        inside = one[: len(two)] == two or two[: len(one)] == one
        if inside or here == there or not (_fits(there, room) and _fits(here, other_room)):
            return None
        made = architecture.replace(one, there).replace(two, here)
        return made if _allowed(space, made) else None

    return _first(rng, [index for _, index in places], child) or architecture


Place: TypeAlias = tuple[Path, Architecture, int | None]


def _first(
    rng: np.random.Generator, sizes: Sequence[int], child: Callable[[int, int], Architecture | None]
) -> Architecture | None:
    """Return a random one of the children `child(row, number)`, number < sizes[row], that are not None."""
    ends = list(accumulate(sizes))
    total = ends[-1] if ends else 0

    def found(number: int) -> Architecture | None:
        row = bisect_right(ends, number)
        return child(row, number - ends[row] + sizes[row])

    for _ in range(PATIENCE if total > PATIENCE else 0):
        made = found(int(rng.random() * total))
        if made is not None:
            return made
    return next((made for number in rng.permutation(total) if (made := found(int(number)))), None)


def neighbours(space: Space, architecture: Architecture, *, limit: int = 1000) -> Iterator[Architecture]:
    """Yield every architecture that differs in exactly one decision (and what follows from it).

    Where a nonterminal derives more than `limit` architectures, what follows is not listed: the parts stay,
    and such a decision changes only where another alternative can have these parts. So the relation is
    symmetric.
    """
    for place in _open(space, architecture)[0].places:
        _, symbol, room, _ = place
        if sum(space.table.sums(symbol, room).values()) <= limit:
            yield from _elsewhere(space, architecture, place)
        else:
            yield from _around(space, architecture, place)


def distance(space: Space, one: Architecture, two: Architecture) -> int:
    """Return the number of decisions in which two architectures differ; a metric.

    Where the terminals differ, everything below counts: the larger number of decisions of the two parts.
    """
    space.check(one)
    space.check(two)
    return _distance(space, space.compiled.root, one, two)


def _distance(space: Space, symbol: int, one: Architecture, two: Architecture) -> int:
    if one == two:
        return 0
    first, second = space.compiled.choice_of(symbol, one), space.compiled.choice_of(symbol, two)
    if first != second:
        return max(_size(space, symbol, one), _size(space, symbol, two))
    children = space.compiled.symbols[symbol].choices[first].children
    return sum(_distance(space, c, a, b) for c, a, b in zip(children, one.args, two.args, strict=True))


def _size(space: Space, symbol: int, part: Architecture) -> int:
    chosen = space.compiled.symbols[symbol].choices[space.compiled.choice_of(symbol, part)]
    here = int(len(space.compiled.symbols[symbol].choices) > 1)
    return here + sum(_size(space, c, a) for c, a in zip(chosen.children, part.args, strict=True))


def _open(space: Space, architecture: Architecture) -> tuple[Form, int]:
    """Return the form of an architecture and its number in it. This is a hot path: leaves are not queued."""
    known = space.compiled.opened.get(architecture)
    if known is not None:
        return known
    head, symbols = space.compiled.head, space.compiled.symbols
    form, code, unit = Form(), 0, 1
    todo: list[tuple[Path, int, int, int | None, Architecture]]
    root = space.compiled.root
    todo = [((), root, head(root, architecture), space.compiled.room, architecture)]
    while todo:
        path, symbol, chosen, room, node = todo.pop()
        if len(symbols[symbol].choices) > 1:
            form.places.append((path, symbol, room, unit))
            code, unit = code + chosen * unit, unit * len(symbols[symbol].choices)
        inside = None if room is None else room - 1
        for index, child in enumerate(symbols[symbol].choices[chosen].children):
            part = node.args[index]
            if part.args:
                todo.append(((*path, index), child, head(child, part), inside, part))
            elif len(symbols[child].choices) > 1:
                form.places.append(((*path, index), child, inside, unit))
                code, unit = code + head(child, part) * unit, unit * len(symbols[child].choices)
    _remember(space, architecture, form, code)
    return form, code


def _remember(space: Space, architecture: Architecture, form: Form, code: int) -> None:
    opened = space.compiled.opened
    if len(opened) >= REMEMBERED:
        opened.clear()
    opened[architecture] = form, code
    form.known[code] = architecture


def _elsewhere(space: Space, architecture: Architecture, place: Open) -> Iterator[Architecture]:
    """Yield the architectures that take another alternative at one place."""
    path, symbol, room, _ = place
    for index, value, total in _blocks(space, architecture, place):
        for number in range(total):
            yield architecture.replace(path, space.table.unrank_choice(symbol, index, room, value, number))


def _around(space: Space, architecture: Architecture, place: Open) -> Iterator[Architecture]:
    """Yield the architectures that take another alternative at one place, with the parts that stand there."""
    path, symbol, _, _ = place
    part, compiled = architecture.at(path), space.compiled
    chosen = compiled.head(symbol, part)
    for index, choice in enumerate(compiled.symbols[symbol].choices):
        if index == chosen or not part.args or len(choice.children) != len(part.args):
            continue
        if all(
            compiled.choice_of(child, a) >= 0 for child, a in zip(choice.children, part.args, strict=True)
        ):
            child = architecture.replace(path, Architecture(choice.terminal, part.args))
            if _allowed(space, child):
                yield child


def _blocks(space: Space, architecture: Architecture, place: Open) -> list[tuple[int, Value, int]]:
    """Return (alternative, value, number of parts) of the parts that may stand at a place instead.

    The constraints see no more of a part than its value, so one part speaks for all that share it.
    """
    path, symbol, room, _ = place
    return [
        (index, value, total)
        for index, sums, *_ in space.table.others(
            symbol, space.compiled.head(symbol, architecture.at(path)), room
        )
        for value, total in sums.items()
        if _allowed(
            space, architecture.replace(path, space.table.unrank_choice(symbol, index, room, value, 0))
        )
    ]


def _fits(part: Architecture, room: int | None) -> bool:
    return room is None or part.depth <= room


def _allowed(space: Space, child: Architecture) -> bool:
    """Whether a tree that the grammar derives satisfies the constraints."""
    if not space.grammar.constraints:
        return True
    value = space.constraint.value(child)
    return value is not None and space.constraint.accepts(value)  # type: ignore[arg-type]
