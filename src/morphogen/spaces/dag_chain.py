"""Chains of modules, each an unlabelled directed acyclic graph: the open-ended space of FaDE."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import combinations, permutations
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from morphogen.architecture import Architecture, Constructor, Primitive, Topology
from morphogen.spaces.grammar import Alternative, Call, Grammar, Ref, Rule, SpaceError
from morphogen.spaces.space import Space

LARGEST: Final = 6
"""Vertices of the largest module; there are 5,984 of that size."""

OPERATION: Final = {"mlp": "linear_relu", "conv": "conv3x3_relu"}
"""What stands on each edge of a module."""

_NAME: Final = re.compile(r"dag([1-9])_([01]*)$")


@cache
def dags(vertices: int) -> tuple[str, ...]:
    """Return one text of bits for each unlabelled DAG of `vertices` vertices, no two of them isomorphic.

    Bit after bit says whether 1-2, 1-3, ..., 2-3, ... is an edge; of all topological orders of a graph the
    one with the largest text stands for it. Every DAG is a smaller one and a last vertex that some others
    lead to; so each size grows from the one before, and twins meet in one text.
    """
    if not 1 <= vertices <= LARGEST:
        raise SpaceError(f"a module has 1 to {LARGEST} vertices, got {vertices}")
    if vertices == 1:
        return ("",)
    smaller = np.array([adjacency(bits, vertices - 1) for bits in dags(vertices - 1)])
    leads = np.array(list(np.ndindex((2,) * (vertices - 1))), dtype=bool)
    grown = np.zeros((len(smaller), len(leads), vertices, vertices), dtype=bool)
    grown[:, :, :-1, :-1] = smaller[:, None]
    grown[:, :, :-1, -1] = leads
    graphs = grown.reshape(-1, vertices, vertices)
    rows, columns = np.triu_indices(vertices, 1)
    values = 1 << np.arange(len(rows))[::-1]
    best = np.zeros(len(graphs), dtype=np.int64)
    for order in map(list, permutations(range(vertices))):
        moved = graphs[:, order][:, :, order]
        topological = ~moved[:, columns, rows].any(axis=1)
        best = np.maximum(best, np.where(topological, moved[:, rows, columns] @ values, 0))
    return tuple(f"{number:0{len(rows)}b}" for number in np.unique(best)[::-1].tolist())


def adjacency(bits: str, vertices: int) -> NDArray[np.bool_]:
    """Return the matrix [vertices, vertices] of a text of bits."""
    matrix = np.zeros((vertices, vertices), dtype=bool)
    matrix[np.triu_indices(vertices, 1)] = [bit == "1" for bit in bits]
    return matrix


def module(bits: str, vertices: int, operation: str) -> Architecture:
    """Return the module of a DAG: an operation on each of its edges and on each way out of a last vertex.

    Vertices that no edge leads to hold the input itself, so all of them are node 1 of the topology.
    """
    matrix = adjacency(bits, vertices)
    inner = [vertex for vertex in range(vertices) if matrix[:, vertex].any()]
    node = dict.fromkeys(range(vertices), 1) | {vertex: place for place, vertex in enumerate(inner, 2)}
    sink = len(inner) + 2
    edges = [(node[s], node[t]) for s, t in combinations(range(vertices), 2) if matrix[s, t]]
    edges += [(node[v], sink) for v in range(vertices) if not matrix[v].any()]
    edges.sort(key=lambda edge: (edge[1], edge[0]))
    shape = Topology(f"dag{vertices}_{bits}", tuple(edges))
    return Architecture(shape, (Architecture(Primitive(operation)),) * len(edges))


def bits_of(part: Architecture) -> tuple[int, str] | None:
    """Return the vertices and bits of a module of this space, None for any other architecture."""
    found = _NAME.match(part.terminal.name)
    return (int(found[1]), found[2]) if found else None


@lru_cache(maxsize=1 << 14)
def features(part: Architecture) -> NDArray[np.float64] | None:
    """Return a module as numbers [15 + 6]: its bits in the largest module, and one-hot its vertices.

    None for an architecture that is no module of this space.
    """
    found = bits_of(part)
    if found is None:
        return None
    vertices, bits = found
    matrix = np.zeros((LARGEST, LARGEST))
    matrix[:vertices, :vertices] = adjacency(bits, vertices)
    row = np.concatenate([matrix[np.triu_indices(LARGEST, 1)], np.eye(LARGEST)[vertices - 1]])
    row.flags.writeable = False
    return row


@cache
def dag_chain(
    depth: int = 3, vertices: int = 5, fewest: int = 2, modules: Literal["mlp", "conv"] = "mlp"
) -> Space:
    """All chains of `depth` modules, each a DAG of `fewest` to `vertices` vertices without isomorphic twins.

    modules: `mlp` puts a linear layer and ReLU on each edge, `conv` a 3x3 convolution and ReLU. Two DAGs that
    differ only in which of their first vertices lead where are two modules but one network; `key` joins them.
    """
    if depth < 1 or not 1 <= fewest <= vertices:
        raise SpaceError(f"no chain has {depth} modules of {fewest} to {vertices} vertices")
    parts = [
        module(bits, size, OPERATION[modules]) for size in range(fewest, vertices + 1) for bits in dags(size)
    ]
    operation = Call(Primitive(OPERATION[modules]))
    rows = tuple(Alternative(Call(part.terminal, (operation,) * part.terminal.arity)) for part in parts)
    chain = Call(Constructor(f"{modules}_chain", depth), (Ref("MODULE"),) * depth)
    grammar = Grammar("NET", (Rule("NET", (Alternative(chain),)), Rule("MODULE", rows)))
    plain = (depth, vertices, fewest, modules) == (3, 5, 2, "mlp")
    return Space(grammar, "dag_chain" if plain else f"dag_chain_{depth}x{fewest}to{vertices}_{modules}")
