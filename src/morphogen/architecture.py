"""Architectures as immutable terms: a terminal applied to some, such as `chain(conv3x3, avg_pool)`."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache, total_ordering
from typing import Final, NoReturn, final

from morphogen.graph import Graph, GraphBuilder, Terms


class ArchitectureError(ValueError):
    """A text that is not an architecture, or a terminal given arguments it cannot take."""


@dataclass(frozen=True, slots=True)
class Terminal(ABC):
    """A symbol of the grammar that builds a part of a network from its arguments."""

    name: str

    @property
    @abstractmethod
    def arity(self) -> int:
        """Number of arguments."""

    @property
    def inputs(self) -> int:
        """Number of inputs that the part reads (two for a DARTS cell, one for nearly everything else)."""
        return 1

    @abstractmethod
    def expand(
        self, builder: GraphBuilder, args: tuple[Architecture, ...], inputs: tuple[Terms, ...]
    ) -> Terms:
        """Add the part to a graph and return what leaves it."""

    def certificate(self, args: tuple[Architecture, ...]) -> str:
        """Return the canonical text of this terminal applied to `args`."""
        return graph_of(self, args).certificate()


@final
@dataclass(frozen=True, slots=True)
class Primitive(Terminal):
    """An operation without arguments. All spaces know `identity` and `zero`, which vanish in the graph."""

    @property
    def arity(self) -> int:
        return 0

    def expand(
        self, builder: GraphBuilder, args: tuple[Architecture, ...], inputs: tuple[Terms, ...]
    ) -> Terms:
        if self.name == "identity":
            return inputs[0]
        if self.name == "zero":
            return ()
        return builder.operation(self.name, inputs[0])


@final
@dataclass(frozen=True, slots=True)
class Topology(Terminal):
    """A graph with one argument on each edge; a node is the sum of what its edges bring.

    Node 1 is the source and the largest number the sink. All edges into a node stand before the edges out of
    it.
    """

    edges: tuple[tuple[int, int], ...]
    sink: int = field(init=False, compare=False, repr=False)  # the number of the last node
    arity: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arity", len(self.edges))
        object.__setattr__(self, "sink", max((target for _, target in self.edges), default=0))
        left: set[int] = set()
        for source, target in self.edges:
            if not 1 <= source < target:
                raise ArchitectureError(
                    f"{self.name}: edge {source}-{target} must go from a smaller to a larger number"
                )
            if target in left:
                raise ArchitectureError(
                    f"{self.name}: edge {source}-{target} must stand before the edges that leave node "
                    f"{target}"
                )
            left.add(source)
        if not self.edges:
            raise ArchitectureError(f"{self.name}: a topology needs at least one edge")
        starts, ends = {s for s, _ in self.edges}, {t for _, t in self.edges}
        for node in range(1, self.sink + 1):
            if (node > 1 and node not in ends) or (node < self.sink and node not in starts):
                raise ArchitectureError(
                    f"{self.name}: node {node} lies on no path from node 1 to node {self.sink}"
                )

    def expand(
        self, builder: GraphBuilder, args: tuple[Architecture, ...], inputs: tuple[Terms, ...]
    ) -> Terms:
        nodes: list[Terms] = [()] * (self.sink + 1)
        nodes[1] = inputs[0]
        for (source, target), part in zip(self.edges, args, strict=True):
            carried = part.terminal.expand(builder, part.args, (nodes[source],))
            if carried:
                nodes[target] = builder.join(nodes[target], carried)
        return nodes[-1]


@final
@dataclass(frozen=True, slots=True)
class Constructor(Terminal):
    """A tuple of independent parts: a stack of one repeated cell, a pair of cells, a training recipe.

    Parts are compared one by one; what the whole means is known to whoever builds it.
    """

    count: int

    @property
    def arity(self) -> int:
        return self.count

    def expand(
        self, builder: GraphBuilder, args: tuple[Architecture, ...], inputs: tuple[Terms, ...]
    ) -> Terms:
        return builder.operation(self.certificate(args), inputs[0])

    def certificate(self, args: tuple[Architecture, ...]) -> str:
        return f"{self.name}({'; '.join(part.certificate for part in args)})"


@final
@dataclass(frozen=True, slots=True)
class DartsCell(Terminal):
    """The cell of DARTS: each node sums edges from two distinct earlier nodes, the result joins all nodes.

    Its arguments are `Pair` terms, one a node; node i chooses among the two inputs and the i nodes before it.
    """

    nodes: int

    @property
    def arity(self) -> int:
        return self.nodes

    @property
    def inputs(self) -> int:
        return 2

    def expand(
        self, builder: GraphBuilder, args: tuple[Architecture, ...], inputs: tuple[Terms, ...]
    ) -> Terms:
        states = list(inputs)
        for part in args:
            states.append(builder.operation("sum", part.terminal.expand(builder, part.args, tuple(states))))
        return builder.operation("concat", tuple(v for state in states[2:] for v in state))


@final
@dataclass(frozen=True, slots=True)
class Pair(Terminal):
    """A node of a DARTS cell: one operation on earlier state `first`, one on earlier state `second`."""

    first: int
    second: int

    @property
    def arity(self) -> int:
        return 2

    @property
    def inputs(self) -> int:
        return self.second + 1

    def expand(
        self, builder: GraphBuilder, args: tuple[Architecture, ...], inputs: tuple[Terms, ...]
    ) -> Terms:
        parts = zip(args, (self.first, self.second), strict=True)
        carried = [part.terminal.expand(builder, part.args, (inputs[state],)) for part, state in parts]
        return carried[0] + carried[1]


def graph_of(terminal: Terminal, args: tuple[Architecture, ...]) -> Graph:
    """Return the simplified graph of `terminal` applied to `args`."""
    builder = GraphBuilder(terminal.inputs)
    return builder.finish(terminal.expand(builder, args, tuple((i,) for i in range(terminal.inputs))))


@final
@total_ordering
class Architecture:
    """An immutable derivation tree: a terminal and its sub-architectures.

    Written as a term, `str(a)`, and read back by `Space.parse`. Hashable, ordered by its text, picklable.
    """

    __slots__ = ("_hash", "_key", "args", "terminal")
    terminal: Terminal
    args: tuple[Architecture, ...]
    _hash: int
    _key: str

    def __init__(self, terminal: Terminal, args: tuple[Architecture, ...] = ()) -> None:
        # Made more often than anything else: the slots are set the short way.
        _set_terminal(self, terminal)
        _set_args(self, args)
        _set_hash(self, hash((terminal.name, args)))
        if len(args) != terminal.arity:
            raise ArchitectureError(f"{terminal.name} takes {terminal.arity} arguments, got {len(args)}")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("an architecture is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("an architecture is immutable")

    def __reduce__(self) -> tuple[object, ...]:
        return (Architecture, (self.terminal, self.args))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Architecture):
            return NotImplemented
        if self._hash != other._hash:
            return False
        return (
            self.terminal is other.terminal or self.terminal == other.terminal
        ) and self.args == other.args

    def __lt__(self, other: Architecture) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return str(self) < str(other)

    def __str__(self) -> str:
        if not self.args:
            return self.terminal.name
        inside = ", ".join([str(part) if part.args else part.terminal.name for part in self.args])
        return f"{self.terminal.name}({inside})"

    def __repr__(self) -> str:
        return f"<{self}>"

    @property
    def size(self) -> int:
        """Number of terminals in the tree."""
        return 1 + sum(part.size for part in self.args)

    @property
    def depth(self) -> int:
        """Number of terminals on the longest branch of the tree."""
        return 1 + max((part.depth for part in self.args), default=0)

    @property
    def graph(self) -> Graph:
        """The graph of operations: identities and zeros resolved, what is off all paths dropped."""
        return graph_of(self.terminal, self.args)

    @property
    def certificate(self) -> str:
        """A readable canonical text, equal exactly for isomorphic architectures."""
        return self.terminal.certificate(self.args)

    @property
    def key(self) -> str:
        """A 128-bit digest of the certificate (32 hexadecimal digits): names the network, however written."""
        try:
            return self._key
        except AttributeError:
            _set_key(self, _digest(self))
            return self._key

    def at(self, path: tuple[int, ...]) -> Architecture:
        """Return the sub-architecture at `path` (argument indices from the root)."""
        node = self
        for index in path:
            node = node.args[index]
        return node

    def replace(self, path: tuple[int, ...], part: Architecture) -> Architecture:
        """Return a copy with the sub-architecture at `path` replaced by `part`."""
        if not path:
            return part
        index, args = path[0], self.args
        if len(path) > 1:
            part = args[index].replace(path[1:], part)
        return Architecture(self.terminal, args[:index] + (part,) + args[index + 1 :])


_set_terminal, _set_args, _set_hash, _set_key = (
    Architecture.__dict__[slot].__set__ for slot in ("terminal", "args", "_hash", "_key")
)


@lru_cache(maxsize=1 << 15)  # strategies meet the same architecture again and again
def _digest(architecture: Architecture) -> str:
    return hashlib.blake2b(architecture.certificate.encode(), digest_size=16).hexdigest()


# --- the terminals every grammar knows ----------------------------------------------------------------------


def _chain(count: int) -> Terminal:
    return Topology("chain", tuple((i, i + 1) for i in range(1, count + 1)))


def _residual(count: int) -> Terminal:
    if count < 2:
        raise ArchitectureError(
            "residual takes the parts of its main path and then the shortcut: at least 2 arguments"
        )
    return Topology("residual", (*((i, i + 1) for i in range(1, count)), (1, count)))


def _branch(count: int) -> Terminal:
    return Topology("branch", ((1, 2),) * count)


def _cell(count: int) -> Terminal:
    nodes = next(n for n in range(2, count + 3) if n * (n - 1) // 2 >= count)
    if nodes * (nodes - 1) // 2 != count:
        raise ArchitectureError(
            f"cell takes 1, 3, 6, 10, 15 ... arguments (all edges of a complete DAG), got {count}"
        )
    return Topology(
        "cell", tuple((source, target) for target in range(2, nodes + 1) for source in range(1, target))
    )


def _darts_cell(count: int) -> Terminal:
    return DartsCell("darts_cell", count)


def _fixed(name: str, arity: int) -> Terminal:
    return Constructor(name, arity)


_PAIR: Final = re.compile(r"pair_(\d+)_(\d+)$")

VARIADIC: Final = {
    "chain": _chain,
    "residual": _residual,
    "branch": _branch,
    "cell": _cell,
    "darts_cell": _darts_cell,
}
"""Built-in topologies; the number of arguments decides their shape."""

CONSTRUCTORS: Final = {"stack": 1, "darts_stack": 2}
"""Built-in constructors and their numbers of arguments: a repeated cell; a normal and a reduction cell."""


def builtin(name: str, count: int) -> Terminal | None:
    """Return the built-in terminal called `name` for `count` arguments, None where no name is like that.

    Raises:
        ArchitectureError: a built-in that cannot take `count` arguments.
    """
    if name in VARIADIC:
        if count == 0:
            raise ArchitectureError(f"{name} needs arguments, such as {name}(A, B)")
        return VARIADIC[name](count)
    pair = _PAIR.match(name)
    if pair and int(pair[1]) < int(pair[2]):
        return _arity_checked(Pair(name, int(pair[1]), int(pair[2])), count)
    if name in CONSTRUCTORS:
        return _arity_checked(_fixed(name, CONSTRUCTORS[name]), count)
    return None


def _arity_checked(terminal: Terminal, count: int) -> Terminal:
    if terminal.arity != count:
        raise ArchitectureError(f"{terminal.name} takes {terminal.arity} arguments, got {count}")
    return terminal
