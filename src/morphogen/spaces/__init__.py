"""Spaces of architectures: grammars, counting, sampling, moves, encodings and the named spaces."""

from morphogen.architecture import ArchitectureError
from morphogen.spaces.cell101 import cell101
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.constraints import AtMost, Connected, Constraint, Downsampling, NoBypass
from morphogen.spaces.dag_chain import dag_chain
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.flat201 import flat201
from morphogen.spaces.grammar import Grammar, GrammarError, SpaceError
from morphogen.spaces.hierarchical201 import hierarchical201
from morphogen.spaces.listed import listed
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
    "NoBypass",
    "Space",
    "SpaceError",
    "brief",
    "cell101",
    "cell201",
    "cross",
    "dag_chain",
    "darts_cell",
    "digits_small",
    "distance",
    "flat201",
    "hierarchical201",
    "listed",
    "mutate",
    "neighbours",
    "self_cross",
]
