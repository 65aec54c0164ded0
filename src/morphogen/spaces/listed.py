"""A space that is a list: exactly the architectures that were given, in their order."""

from __future__ import annotations

from collections.abc import Iterable

from morphogen.architecture import Architecture
from morphogen.spaces.grammar import Alternative, Grammar, Rule, SpaceError, ground
from morphogen.spaces.space import Space


def listed(architectures: Iterable[Architecture], name: str = "listed") -> Space:
    """Return the space of exactly these architectures; number n is the one at place n.

    There is one decision, which of them it is, so a mutation is any other one. Where there are more than a
    thousand, `neighbours` yields none.

    Raises:
        SpaceError: there is none. GrammarError: one stands there twice.
    """
    alternatives = tuple(Alternative(ground(architecture)) for architecture in architectures)
    if not alternatives:
        raise SpaceError(f"{name} needs at least one architecture")
    return Space(Grammar("NET", (Rule("NET", alternatives),)), name)
