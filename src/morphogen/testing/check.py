"""What a check is, and the architectures that checks look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, Literal, TypeAlias, TypeVar

import numpy as np

from morphogen.architecture import Architecture
from morphogen.seeding import stream
from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.moves import mutate
from morphogen.spaces.space import Space

Check: TypeAlias = tuple[str, Callable[[], None]]
"""A name that reads as a sentence, and what raises `AssertionError` where it does not hold."""

SAMPLES: Final = 30
"""Architectures that a check looks at."""

Over: TypeAlias = Literal["architectures", "productions"]

OVER: Final[tuple[Over, ...]] = ("architectures", "productions")
"""All ways to sample a space."""

Setting = TypeVar("Setting")


def named(checks: Iterable[Callable[[Setting], None]], setting: Setting) -> tuple[Check, ...]:
    """Return the checks of one setting, with their names."""
    return tuple((check.__name__.replace("_", " "), partial(check, setting)) for check in checks)


def samples(space: Space, count: int = SAMPLES, over: Over = "architectures") -> list[Architecture]:
    """Draw architectures, always the same."""
    rng = stream(0, "samples")
    return [space.sample(rng, over=over) for _ in range(count)]


def mutant(space: Space, a: Architecture, rng: np.random.Generator) -> Architecture:
    """Return a mutant of `a`, or `a` itself where the constraints leave it alone."""
    try:
        return mutate(space, a, rng)
    except SpaceError:
        return a
