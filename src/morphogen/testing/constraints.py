"""Constraints judged by other means: from a whole tree at once, not part by part as spaces do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from morphogen.architecture import Architecture, Topology
from morphogen.spaces.constraints import AllOf, AtMost, Connected, Constraint, Downsampling, NoBypass, Times


def satisfies(constraint: Constraint, a: Architecture) -> bool:
    """Whether an architecture satisfies a constraint, judged from the whole of it."""
    if isinstance(constraint, Connected):
        return _leads_through(a, lambda name: name != "zero", all)
    if isinstance(constraint, NoBypass):
        return not _leads_through(a, lambda name: name == "identity", any)
    if isinstance(constraint, AtMost):
        return terminals(a)[constraint.operation] <= constraint.count
    if isinstance(constraint, Times):
        found = sum(terminals(a)[name] for name in constraint.operations)
        return constraint.fewest <= found <= constraint.most
    if isinstance(constraint, Downsampling):
        halvings = _halvings(constraint, a)
        return halvings is not None and (constraint.times is None or halvings <= {constraint.times})
    value = AllOf((constraint,)).value(a)
    return value is not None and AllOf((constraint,)).accepts(value)  # type: ignore[arg-type]


def _leads_through(
    a: Architecture, passes: Callable[[str], bool], parts: Callable[[Iterable[bool]], bool]
) -> bool:
    """Whether a path of primitives that pass leads through `a`; of a constructor, through all or any of its parts."""
    if not a.args:
        return passes(a.terminal.name)
    if not isinstance(a.terminal, Topology):
        return parts([_leads_through(part, passes, parts) for part in a.args])
    open_edges = [
        edge
        for edge, part in zip(a.terminal.edges, a.args, strict=True)
        if _leads_through(part, passes, parts)
    ]
    reached = {1}
    for _ in open_edges:
        reached |= {target for source, target in open_edges if source in reached}
    return a.terminal.sink in reached


def _halvings(constraint: Downsampling, a: Architecture) -> set[int] | None:
    """Return the numbers of halvings on the paths through `a` (none: no path), None where nodes disagree."""
    if not isinstance(a.terminal, Topology):
        parts = [_halvings(constraint, part) for part in a.args]
        if None in parts or a.terminal.name == "zero":
            return None if None in parts else set()
        return {int(a.terminal.name in constraint.operations)}
    nodes: dict[int, set[int]] = {1: {0}}
    for (source, target), part in zip(a.terminal.edges, a.args, strict=True):
        inside = _halvings(constraint, part)
        if inside is None:
            return None
        paths = {here + more for here in nodes.get(source, set()) for more in inside}
        nodes[target] = nodes.get(target, set()) | paths
        if len(nodes[target]) > 1 or (
            constraint.times is not None and max(nodes[target], default=0) > constraint.times
        ):
            return None
    return nodes[a.terminal.sink]


def terminals(a: Architecture) -> Counter[str]:
    """Return how often each terminal stands in an architecture."""
    return Counter([a.terminal.name]) + sum(map(terminals, a.args), Counter[str]())
