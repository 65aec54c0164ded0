"""Positions of a region: where an architecture leaves a choice, and what may stand there."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np

from morphogen.architecture import Architecture
from morphogen.spaces.grammar import Pattern, Ref, SpaceError, calls
from morphogen.spaces.space import Path, Space, walk

Row: TypeAlias = tuple[Path, tuple[Architecture, ...]]
"""A position, and the parts that may stand there."""

TRIES: Final = 200
"""Draws after which a position has the candidates that it has, or is not found."""


def positions(space: Space, architecture: Architecture, nonterminal: str | None = None) -> tuple[Path, ...]:
    """Return the places where `nonterminal` stands in an architecture, none of them inside another.

    Without a nonterminal, the outermost places at which the grammar leaves a choice.

    Raises:
        SpaceError: there is no such place.
    """
    found: list[Path] = []
    for decision in space.decisions(architecture):
        wanted = decision.alternatives > 1 if nonterminal is None else decision.nonterminal == nonterminal
        if wanted and not any(decision.path[: len(path)] == path for path in found):
            found.append(decision.path)
    if not found:
        what = "no choice is left" if nonterminal is None else f"no {nonterminal} stands"
        raise SpaceError(f"{what} in {architecture}; name another nonterminal of {space.name}")
    return tuple(found)


def inside(space: Space, architecture: Architecture, path: Path) -> Space:
    """Return the space of all parts that may stand at `path`, constraints on the whole left aside."""
    for place, symbol, _, room in walk(space, architecture):
        if place == path:
            return _from(space, symbol, room)
    raise SpaceError(f"no position {path} is in {architecture}")


def alternatives(
    space: Space, architecture: Architecture, path: Path, most: int, rng: np.random.Generator
) -> tuple[Architecture, ...]:
    """Return distinct networks that may stand at `path`, the one that is there first: `most` of them, drawn.

    All of them, in their order, where there are no more.
    """
    parts, own = inside(space, architecture, path), architecture.at(path)
    row = {own.key: own}
    if parts.count() <= most:
        for part in parts.enumerate():
            row.setdefault(part.key, part)
        return tuple(row.values())
    for _ in range(TRIES):
        if len(row) >= most:
            break
        part = parts.sample(rng)
        row.setdefault(part.key, part)
    return tuple(row.values())


def region_round(
    space: Space, most: int, nonterminal: str | None, rng: np.random.Generator
) -> tuple[Architecture, tuple[Row, ...]]:
    """Draw an architecture that has positions (see `positions`); return it, and up to `most` alternatives at each.

    Raises:
        SpaceError: none of many architectures has such a place.
    """
    for draw in range(1, TRIES + 1):
        at = space.sample(rng)
        try:
            found = positions(space, at, nonterminal)
            break
        except SpaceError:  # the nonterminal does not stand in this one
            if draw == TRIES:
                raise
    return at, tuple((path, alternatives(space, at, path, most, rng)) for path in found)


def refuse_unknown(space: Space, nonterminal: str | None) -> None:
    """Raise a `SpaceError` that names the nonterminals of a space, where it has none of this name."""
    names = [rule.name for rule in space.grammar.rules]
    if nonterminal is None or nonterminal in names:
        return
    close = difflib.get_close_matches(nonterminal, names, n=1)
    near = f" (did you mean {close[0]}?)" if close else ""
    raise SpaceError(f"{space.name} has no nonterminal {nonterminal}{near}; it has {', '.join(names)}")


@lru_cache(maxsize=256)
def _from(space: Space, symbol: int, room: int | None) -> Space:
    name = space.compiled.symbols[symbol].name
    rules = space.compiled.rules
    if name not in rules:
        raise SpaceError(f"{name} of {space.name} is no nonterminal; a position must be one")
    reached, todo = {name: rules[name]}, [name]
    while todo:
        for alternative in reached[todo.pop()].alternatives:
            for ref in _refs(alternative.pattern):
                if ref not in reached:
                    reached[ref] = rules[ref]
                    todo.append(ref)
    grammar = replace(space.grammar, start=name, rules=tuple(reached.values()), depth=room, constraints=())
    return Space(grammar, name)


def _refs(pattern: Pattern) -> Iterator[str]:
    if isinstance(pattern, Ref):
        yield pattern.name
    for call in calls(pattern):
        yield from (arg.name for arg in call.args if isinstance(arg, Ref))
