"""The cells of NAS-Bench-201 (Dong and Yang 2020): five operations on the six edges of a four-node cell."""

from __future__ import annotations

from functools import cache

from morphogen.spaces.space import Space

GRAMMAR = """
NET -> stack(CELL)
CELL -> cell(OP, OP, OP, OP, OP, OP)
OP -> zero | identity | conv1x1 | conv3x3 | avg_pool
"""


@cache
def cell201() -> Space:
    """15,625 cells, each stacked in three stages; edges in the order 1-2, 1-3, 2-3, 1-4, 2-4, 3-4."""
    return Space.from_text(GRAMMAR, "cell201")
