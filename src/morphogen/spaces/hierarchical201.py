"""Hierarchical NAS-Bench-201 (Schrodi et al. 2023): macro topology, stages, cells, blocks in one grammar."""

from __future__ import annotations

from functools import cache

from morphogen.spaces.space import Space

# The superscript of D counts the downsamplings still to do; both branches of a residual hold equally many.
GRAMMAR = """
D2 -> chain(D1, D1, D0) | chain(D0, D1, D1) | chain(D1, D1, D0, D0)
D1 -> chain(C, C, DOWN) | chain(C, C, C, DOWN) | residual(C, C, DOWN, DOWN)
D0 -> chain(C, C, CELL) | chain(C, C, C, CELL) | residual(C, C, CELL, CELL)
DOWN -> chain(CELL, resblock) | chain(CELL, CELL, resblock) | residual(CELL, resblock, resblock)
C -> chain(CELL, CELL) | chain(CELL, CELL, CELL) | residual(CELL, CELL, CELL)
CELL -> cell(OP, OP, OP, OP, OP, OP)
OP -> identity | zero | chain(CONVBLOCK) [2] | avg_pool
CONVBLOCK -> chain(ACT, CONV, NORM)
ACT -> relu | hardswish | mish
CONV -> bare_conv3x3 | bare_conv1x1 | bare_depthwise3x3
NORM -> batch_norm | instance_norm | layer_norm
"""


@cache
def hierarchical201() -> Space:
    """10^375.85 architectures (10^446.09 weighted derivations), each halving the map twice on every path."""
    return Space.from_text(GRAMMAR, "hierarchical201")
