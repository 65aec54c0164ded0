"""The flat control of hierarchical NAS-Bench-201: its macro topology fixed, one cell shared by all places."""

from __future__ import annotations

from functools import cache

from morphogen.spaces.space import Space

GRAMMAR = """
NET -> stack(CELL)
CELL -> cell(OP, OP, OP, OP, OP, OP)
OP -> identity | zero | conv3x3 | conv1x1 | avg_pool
require connected
"""


@cache
def flat201() -> Space:
    """15,284 cells: those of NAS-Bench-201 in which a path leads from input to output."""
    return Space.from_text(GRAMMAR, "flat201")
