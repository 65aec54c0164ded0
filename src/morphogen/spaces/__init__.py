"""Spaces of architectures: grammars, counting, sampling, moves, encodings and the named spaces."""

from morphogen.architecture import ArchitectureError
from morphogen.spaces.constraints import AtMost, Connected, Constraint, Downsampling
from morphogen.spaces.grammar import Grammar, GrammarError, SpaceError
from morphogen.spaces.moves import cross, distance, mutate, neighbours, self_cross
from morphogen.spaces.space import Decision, Space, brief

__all__ = [
    "ArchitectureError",
    "AtMost",
    "Connected",
    "Constraint",
    "Decision",
    "Downsampling",
    "Grammar",
    "GrammarError",
    "Space",
    "SpaceError",
    "brief",
    "cross",
    "distance",
    "mutate",
    "neighbours",
    "self_cross",
]
