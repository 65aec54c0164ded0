"""Knobs: the places of an architecture, or of a training recipe, at which a space leaves a choice."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture
from morphogen.spaces.count import below, locate
from morphogen.spaces.space import Path, Space, walk

ABSENT: Final = ""
"""The level of a knob in architectures that do not have its place."""

MOST: Final = 200
"""Knobs that are listed at most; deeper places of a deep space are left out."""

TRIES: Final = 20
"""How often an architecture is drawn in the hope that a constraint lets its knobs be set."""

_NUMBERED: Final = re.compile(r"(.+)_([0-9]+(?:\.[0-9]+)?)$")

Levels = NDArray[np.intp]


@final
@dataclass(frozen=True, slots=True)
class Knob:
    """A place (argument indices from the root) and its levels: the names of what may stand there.

    Two parts whose outermost terminals have one name are one level. Where the place is not in every
    architecture, `ABSENT` is a level too.
    """

    path: Path
    levels: tuple[str, ...]

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The levels as numbers, if they are called alike but for a number, such as `epochs_10`."""
        matches = [_NUMBERED.match(level) for level in self.levels]
        if len({match and match[1] for match in matches}) > 1 or not all(matches):
            return None
        return tuple(float(match[2]) for match in matches if match)

    @property
    def name(self) -> str:
        """What the levels have in common, such as `epochs`; otherwise where the place is."""
        if self.numbers is not None:
            return self.levels[0].rpartition("_")[0]
        return ".".join(map(str, self.path)) or "root"


@lru_cache(maxsize=64)
def knobs(space: Space, most: int = MOST) -> tuple[Knob, ...]:
    """Return the knobs of a space, the outermost first; levels in the order of the grammar."""
    compiled = space.compiled
    found: list[Knob] = []
    todo: deque[tuple[Path, tuple[int, ...], bool]] = deque([((), (compiled.root,), False)])
    while todo and len(found) < most:
        path, symbols, absent = todo.popleft()
        room = None if compiled.room is None else compiled.room - len(path)
        names: dict[str, None] = {}
        parts: dict[int, dict[int, None]] = {}
        times: Counter[int] = Counter()
        ways = 0
        for symbol in symbols:
            for index, choice in enumerate(compiled.symbols[symbol].choices):
                if not space.table.shares(symbol, index, room):
                    continue
                ways += 1
                names[choice.terminal.name] = None
                for position, child in enumerate(choice.children):
                    parts.setdefault(position, {})[child] = None
                    times[position] += 1
        levels = (*names, ABSENT) if absent else tuple(names)
        if len(levels) > 1:
            found.append(Knob(path, levels))
        for position, children in parts.items():
            todo.append(((*path, position), tuple(children), absent or times[position] < ways))
    return tuple(found)


def readings(listed: Sequence[Knob], architectures: Sequence[Architecture]) -> Levels:
    """Return the level of each knob in n architectures, as indices [n, knobs]."""
    places = [(knob.path, {level: index for index, level in enumerate(knob.levels)}) for knob in listed]
    rows = np.zeros((len(architectures), len(listed)), dtype=np.intp)
    for row, architecture in zip(rows, architectures, strict=True):
        for column, (path, levels) in enumerate(places):
            row[column] = levels[_name(architecture, path)]
    return rows


def _name(architecture: Architecture, path: Path) -> str:
    node = architecture
    for index in path:
        if index >= len(node.args):
            return ABSENT
        node = node.args[index]
    return node.terminal.name


def settled(space: Space, fixed: Mapping[Path, str], rng: np.random.Generator) -> Architecture | None:
    """Return a random architecture with these levels at these places, None where none was found.

    A uniform sample is taken, and at each place, the outermost first, its part is drawn anew among those of
    the wanted level. Places that the sample does not have stay absent. A level that the sample cannot have,
    or a constraint, takes another sample.
    """
    for _ in range(TRIES):
        made: Architecture | None = space.sample(rng)
        for path in sorted(fixed, key=len):
            if made is None or _name(made, path) in (ABSENT, fixed[path]):
                continue
            made = _turned(space, made, path, fixed[path], rng)
        if made is not None and space.contains(made):
            return made
    return None


def _turned(
    space: Space, architecture: Architecture, path: Path, level: str, rng: np.random.Generator
) -> Architecture | None:
    """Return the architecture with a random part of this level at `path`, None where there is none."""
    symbol, room = next((s, r) for place, s, _, r in walk(space, architecture) if place == path)
    choices = space.compiled.symbols[symbol].choices
    ways = {
        index: sums
        for index, choice in enumerate(choices)
        if choice.terminal.name == level and (sums := space.table.shares(symbol, index, room))
    }
    if not ways:
        return None
    totals = [int(sum(sums.values())) for sums in ways.values()]
    number = below(sum(totals), rng)
    for (index, sums), total in zip(ways.items(), totals, strict=True):
        if number < total:
            value, rest = locate(sums, number)
            return architecture.replace(path, space.table.unrank_choice(symbol, index, room, value, rest))
        number -= total
    raise AssertionError("a number below the total lies in one of its parts")
