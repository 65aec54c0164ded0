"""Which architectures have been asked for: a set that grows by one and keeps its older versions valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, TypeAlias, final

import immutables
import numpy as np

from morphogen.architecture import Architecture
from morphogen.spaces.count import below
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.space import Space

Draw: TypeAlias = Callable[[np.random.Generator], Architecture]
Move: TypeAlias = Callable[[Architecture, np.random.Generator], Architecture]

TRIES: Final = 32
"""How often a repeat is moved on, and a uniform sample drawn, before the space is looked through."""

REDRAWN: Final = 2
"""How often of these a repeat is drawn again before it is moved on: a child near its parent is what was meant."""

LOOKED_THROUGH: Final = 200_000
"""How many architectures of the space are looked through at most."""


class Unique(Enum):
    """What counts as the same architecture when repeats are avoided."""

    NETWORK = "network"
    """Isomorphic architectures are one."""
    ARCHITECTURE = "architecture"
    """Two ways to write one network are two."""
    NOTHING = "nothing"
    """Repeats are allowed."""

    def __repr__(self) -> str:
        return repr(self.value)  # as it is written on the command line


@final
class Seen:
    """An immutable set of architectures; adding one takes nearly constant time, however many there are."""

    __slots__ = ("_names", "unique")

    def __init__(self, unique: Unique, names: Iterable[str | Architecture] = ()) -> None:
        self.unique = unique
        self._names: immutables.Map[str | Architecture, None]
        if not isinstance(names, immutables.Map):
            names = immutables.Map((name, None) for name in names)
        self._names = names

    def _name(self, architecture: Architecture) -> str | Architecture:
        return architecture.key if self.unique is Unique.NETWORK else architecture

    def __contains__(self, architecture: Architecture) -> bool:
        if self.unique is Unique.ARCHITECTURE:  # on the path of every try
            return architecture in self._names
        return self.unique is Unique.NETWORK and architecture.key in self._names

    def __len__(self) -> int:
        return len(self._names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Seen):
            return NotImplemented
        return self.unique is other.unique and self._names == other._names

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        return (Seen, (self.unique, tuple(self._names)))

    def add(self, architecture: Architecture) -> Seen:
        """Return the set with one more architecture; this one stays as it is."""
        if self.unique is Unique.NOTHING:
            return self
        return Seen(self.unique, self._names.set(self._name(architecture), None))

    def fresh(
        self, space: Space, rng: np.random.Generator, draw: Draw, move: Move | None = None
    ) -> Architecture | None:
        """Return an unseen architecture by `draw`; a repeat is drawn again and then moved on by `move`, if given.

        Where that leads nowhere, a uniform sample is taken, and at last the space is looked through from a
        random place on. Returns None where nothing unseen is left.
        """
        try:
            candidate = draw(rng)
            for turn in range(TRIES):
                if candidate not in self:
                    return candidate
                candidate = move(candidate, rng) if move and turn >= REDRAWN else draw(rng)
        except SpaceError:  # an architecture that no move can leave
            candidate = space.sample(rng)
        for _ in range(TRIES):
            if candidate not in self:
                return candidate
            candidate = space.sample(rng)
        count = space.count()
        if len(self) >= count:
            return None
        first = below(count, rng)
        rest = (space.unrank((first + step) % count) for step in range(min(count, LOOKED_THROUGH)))
        return next((candidate for candidate in rest if candidate not in self), None)
