"""The cells of NAS-Bench-101 (Ying et al. 2019): at most 7 vertices and 9 edges, operations on vertices."""

from __future__ import annotations

from functools import cache

from morphogen.spaces.grammar import SpaceError
from morphogen.spaces.space import Space


def grammar(vertices: int = 7, edges: int = 9) -> str:
    """Return the grammar of cells of at most `vertices` vertices (input and output included), `edges` edges.

    Each inner vertex is an edge of our topology that carries its operation; each possible edge of the cell is
    one that carries `identity` or `zero`. A vertex off every input-output path vanishes, so smaller cells are
    in it too.
    """
    leaves = [1] + [2 * v + 1 for v in range(1, vertices - 1)]
    wires, args = [], []
    for vertex in range(1, vertices):
        enters = 2 * vertex
        for source in leaves[:vertex]:
            wires.append(f"{source}-{enters}")
            args.append("EDGE")
        if vertex < vertices - 1:
            wires.append(f"{enters}-{leaves[vertex]}")
            args.append("OP")
    return (
        f"topology cell101: {' '.join(wires)}\n"
        f"require connected\nrequire at_most(identity, {edges})\n"
        f"NET -> stack(CELL)\nCELL -> cell101({', '.join(args)})\n"
        "OP -> conv1x1 | conv3x3 | max_pool\nEDGE -> zero | identity\n"
    )


@cache
def cell101(vertices: int = 7, edges: int = 9) -> Space:
    """Labelled cells; `key` joins those that are the same graph."""
    if vertices < 3:
        raise SpaceError(f"cells have at least 3 vertices, with input and output, not {vertices}")
    name = "cell101" if (vertices, edges) == (7, 9) else f"cell101_{vertices}_{edges}"
    return Space.from_text(grammar(vertices, edges), name)
