"""The cells of DARTS (Liu et al. 2019): a normal and a reduction cell of four nodes with two inputs each."""

from __future__ import annotations

from functools import cache
from itertools import combinations

from morphogen.spaces.space import Space

NODES = 4


def grammar() -> str:
    """Return the grammar: node i takes two distinct states among the two inputs and the i nodes before it."""
    nodes = ", ".join(f"NODE{i}" for i in range(NODES))
    lines = ["NET -> darts_stack(CELL, CELL)", f"CELL -> darts_cell({nodes})"]
    for node in range(NODES):
        pairs = [f"pair_{first}_{second}(OP, OP)" for first, second in combinations(range(node + 2), 2)]
        lines.append(f"NODE{node} -> {' | '.join(pairs)}")
    lines.append(
        "OP -> identity | max_pool | avg_pool | sep_conv3x3 | sep_conv5x5 | dil_conv3x3 | dil_conv5x5"
    )
    return "\n".join(lines) + "\n"


@cache
def darts_cell() -> Space:
    """(180 x 7^8)^2 pairs of cells, about 10^18."""
    return Space.from_text(grammar(), "darts_cell")
