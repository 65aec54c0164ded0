"""Checks of a space and of the moves in it: what every grammar promises.

Each check takes a space and raises an `AssertionError` with a sentence where a promise is broken::

    @pytest.mark.parametrize(("name", "check"), morphogen.testing.spaces.checks(my_space()))
    def test_my_space(name, check):
        check()
"""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from morphogen.architecture import Architecture
from morphogen.graph import Graph
from morphogen.networks.operations import missing_operations
from morphogen.seeding import stream
from morphogen.spaces.encodings import graphs
from morphogen.spaces.grammar import Call, Grammar, Pattern, Ref, SpaceError
from morphogen.spaces.moves import cross, self_cross
from morphogen.spaces.space import Space
from morphogen.testing import moves
from morphogen.testing.check import OVER, SAMPLES, Check, mutant, named, samples
from morphogen.testing.constraints import satisfies

SMALL: Final = 3000
"""Spaces up to this size are enumerated."""

DRAWS: Final = 40
"""Draws for each frequency that is compared with its probability."""


def checks(space: Space, *, images: bool = False) -> tuple[Check, ...]:
    """Return all checks for a space; `images` for one whose architectures `networks.build` shall take."""
    found: list[Callable[[Space], None]] = [
        samples_are_inside,
        texts_are_read_back,
        the_same_stream_draws_the_same,
        ranks_are_a_bijection,
        uniform_sampling_is_uniform,
        a_space_is_the_same_everywhere,
        the_grammar_is_read_back,
        constraints_hold,
        recursion_ends_at_the_bound,
        decisions_tell_the_architecture,
        regions_are_spaces,
        certificates_ignore_the_order_of_vertices,
    ]
    if space.count() <= SMALL:
        found += [counting_is_enumerating, productions_are_drawn_by_weight]
    if images:
        found.append(every_operation_is_known)
    return (*named(found, space), *moves.checks(space))


# --- sampling, counting, text -------------------------------------------------------------------------------


def samples_are_inside(space: Space) -> None:
    """What is sampled lies in the space."""
    for over in OVER:
        for a in samples(space, over=over):
            assert space.contains(a), f"{a} was sampled over {over}, but is not in {space.name}"
            assert a in space, f"{a} is contained in {space.name}, but `in` denies it"


def texts_are_read_back(space: Space) -> None:
    """An architecture is its text, and survives pickling."""
    for a in samples(space):
        for again in (space.parse(str(a)), pickle.loads(pickle.dumps(a))):
            assert again == a, f"{a} came back as {again}"
            assert hash(again) == hash(a), f"{a} came back with another hash"
            assert again.key == a.key, f"{a} came back with another key"


def the_same_stream_draws_the_same(space: Space) -> None:
    """Sampling and moving read nothing but their stream."""
    for over in OVER:
        assert samples(space, over=over) == samples(space, over=over), f"equal streams differ over {over}"
    one, two = samples(space, 2)
    moved: tuple[Callable[[np.random.Generator], Architecture], ...] = (
        lambda rng: mutant(space, one, rng),
        lambda rng: cross(space, one, two, rng, anywhere=True),
        lambda rng: self_cross(space, one, rng),
    )
    for move in moved:
        first, second = move(stream(0, "move")), move(stream(0, "move"))
        assert first == second, f"equal streams led from {one} to {first} and to {second}"


def ranks_are_a_bijection(space: Space) -> None:
    """`unrank` numbers the architectures from 0 to count - 1, and `rank` finds the number."""
    count = space.count()
    numbers = range(count) if count <= SMALL else [0, count - 1, *map(space.rank, samples(space))]
    for number in numbers:
        a = space.unrank(number)
        assert space.rank(a) == number, f"architecture {number}, {a}, has rank {space.rank(a)}"
    for a in samples(space):
        assert space.unrank(space.rank(a)) == a, f"{a} has the rank of {space.unrank(space.rank(a))}"
    for number in (-1, count):
        try:
            a = space.unrank(number)
        except SpaceError:
            continue
        raise AssertionError(f"{space.name} has {count} architectures, but number {number} is {a}")


def counting_is_enumerating(space: Space) -> None:
    """The count is the number of architectures, each of which is there once."""
    listed = list(space.enumerate())
    assert len(listed) == space.count(), f"{len(listed)} architectures are listed, {space.count()} counted"
    twice = [str(a) for a, times in Counter(map(str, listed)).items() if times > 1]
    assert not twice, f"{twice[0]} is listed more than once"
    for a in listed:
        assert space.contains(a), f"{a} is listed, but is not in {space.name}"


def uniform_sampling_is_uniform(space: Space) -> None:
    """The ranks of samples spread evenly over equal blocks (chi-square; wrong once in a million spaces)."""
    blocks = min(space.count(), 64 if space.count() <= SMALL else 8)
    # A block holds the ranks r with r * blocks // count == block: as equal as whole numbers allow.
    edges = [-(-block * space.count() // blocks) for block in range(blocks + 1)]
    found = [space.rank(a) * blocks // space.count() for a in samples(space, DRAWS * blocks)]
    shares = [(end - start) / space.count() for start, end in zip(edges, edges[1:], strict=False)]
    _check_frequencies(found, shares, "uniform sampling")


def productions_are_drawn_by_weight(space: Space) -> None:
    """Sampling over productions draws each architecture with the probability that the weights give it."""
    listed = [str(a) for a in space.enumerate()]
    weights = [_probability(space.grammar, Ref(space.grammar.start), a) for a in space.enumerate()]
    number = {text: i for i, text in enumerate(listed)}
    draws = DRAWS * min(len(listed), 64)
    found = [number[str(a)] for a in samples(space, draws, over="productions")]
    # Rare ones are judged together, as the chi-square distribution asks for.
    shares, group = [0.0], {}
    for i in sorted(range(len(listed)), key=lambda i: weights[i]):
        if shares[-1] * draws >= DRAWS / 3:
            shares.append(0.0)
        group[i] = len(shares) - 1
        shares[-1] += weights[i] / sum(weights)
    _check_frequencies([group[i] for i in found], shares, "sampling over productions")


def a_space_is_the_same_everywhere(space: Space) -> None:
    """A pickled space is equal; another process finds the same fingerprint, count, sample and key."""
    again = pickle.loads(pickle.dumps(space))
    assert again == space, "the space came back from pickle as another one"
    assert _summary(again) == _summary(space), "a pickled space came back different"
    code = (
        "import json, sys; from morphogen.spaces import Space; from morphogen.testing.spaces import _summary;"
        "print(json.dumps(_summary(Space.from_text(sys.stdin.read()))))"
    )
    path = os.pathsep.join(filter(None, sys.path))
    run = subprocess.run(
        [sys.executable, "-c", code],
        input=str(space.grammar),
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, f"another process cannot read the space:\n{run.stderr}"
    assert json.loads(run.stdout) == _summary(space), "another process finds another space"


def the_grammar_is_read_back(space: Space) -> None:
    """The text of the grammar is the grammar."""
    again = Space.from_text(str(space.grammar), space.name)
    assert again.grammar == space.grammar, f"the grammar came back as\n{again.grammar}"
    assert again.fingerprint == space.fingerprint, "the grammar came back with another fingerprint"
    for weighted in (False, True):
        one, two = space.count(weighted=weighted), again.count(weighted=weighted)
        assert one == two, f"the grammar came back with {two} architectures, it had {one}"


def constraints_hold(space: Space) -> None:
    """Whatever is sampled or reached by moves satisfies the constraints, judged by other means."""
    rng = stream(0, "constraints")
    pool = [a for over in OVER for a in samples(space, over=over)]
    for _ in range(2 * SAMPLES):
        one, two = (pool[int(rng.integers(len(pool)))] for _ in range(2))
        pool += [mutant(space, one, rng), self_cross(space, one, rng)]
        pool.append(cross(space, one, two, rng, anywhere=bool(rng.integers(2))))
    for a in pool:
        for constraint in space.grammar.constraints:
            assert satisfies(constraint, a), f"{a} breaks `require {constraint}`"


def recursion_ends_at_the_bound(space: Space) -> None:
    """No architecture is deeper than the grammar says."""
    if space.grammar.depth is not None:
        for a in samples(space):
            assert a.depth <= space.grammar.depth, f"{a} is {a.depth} deep, over {space.grammar.depth}"


def decisions_tell_the_architecture(space: Space) -> None:
    """Architectures differ exactly if their decisions do, and each decision is among its alternatives."""
    listed = samples(space)
    for a in listed:
        for d in space.decisions(a):
            assert 0 <= d.chosen < d.alternatives, f"{a}: {d} is none of its alternatives"
            assert a.at(d.path).terminal.name, f"{a} has nothing at {d.path}"
    for one, two in zip(listed, listed[1:], strict=False):
        same = space.decisions(one) == space.decisions(two)
        assert same == (one == two), f"{one} and {two} share their decisions: {same}"


def regions_are_spaces(space: Space) -> None:
    """A region holds exactly the architectures with one of the candidates at each of its positions."""
    one, two = samples(space, 2)
    paths = sorted({d.path for d in space.decisions(one)} & {d.path for d in space.decisions(two)})
    for path in paths[:: max(1, len(paths) // 5)]:
        try:
            region = space.region({path: list(dict.fromkeys([one.at(path), two.at(path)]))}, at=one)
        except SpaceError:
            continue  # another nonterminal stands there in the second architecture
        wanted = {one, one.replace(path, two.at(path))}
        wanted = {a for a in wanted if space.contains(a)}
        assert set(region.enumerate()) == wanted, f"the region at {path} of {one} is {region.grammar}"


def every_operation_is_known(space: Space) -> None:
    """Networks can be built of every terminal."""
    missing = missing_operations(space.operations)
    assert not missing, f"no operation is called {', '.join(missing)}"


def certificates_ignore_the_order_of_vertices(space: Space) -> None:
    """A graph keeps its certificate and its canonical form when its vertices are listed in another order."""
    rng = stream(0, "vertices")
    for a in samples(space, SAMPLES // 3):
        for graph in graphs(a):
            other = _shuffled(graph, rng)
            assert other.certificate() == graph.certificate(), f"{a}: another order, another certificate"
            assert other.canonical() == graph.canonical(), f"{a}: another order, another canonical form"


# --- other means --------------------------------------------------------------------------------------------


def _summary(space: Space) -> list[str]:
    sample = space.sample(stream(0, "summary"))
    return [space.fingerprint, str(space.count()), str(sample), sample.key]


def _check_frequencies(found: Sequence[int], shares: Sequence[float], what: str) -> None:
    """Compare draws with their probabilities by chi-square at 1e-6 (Wilson and Hilferty's approximation)."""
    wanted = np.array(shares) * len(found)
    squares = float(((np.bincount(found, minlength=len(shares)) - wanted) ** 2 / wanted).sum())
    freedom = len(shares) - 1
    if freedom:
        bound = freedom * (1 - 2 / (9 * freedom) + 4.75 * math.sqrt(2 / (9 * freedom))) ** 3
        assert squares <= bound, f"{what}: chi-square is {squares:.1f} on {freedom} degrees of freedom"


def _probability(grammar: Grammar, pattern: Pattern, a: Architecture) -> float:
    """Return how likely the productions alone lead from a pattern to an architecture."""
    if isinstance(pattern, Call):
        if pattern.terminal != a.terminal:
            return 0.0
        return math.prod(_probability(grammar, p, part) for p, part in zip(pattern.args, a.args, strict=True))
    (rule,) = (rule for rule in grammar.rules if rule.name == pattern.name)
    total = sum(alternative.weight for alternative in rule.alternatives)
    return sum(_probability(grammar, x.pattern, a) * x.weight / total for x in rule.alternatives)


def _shuffled(graph: Graph, rng: np.random.Generator) -> Graph:
    """Return an isomorphic graph in another topological order."""
    left, order = set(range(graph.inputs, len(graph.labels))), list(range(graph.inputs))
    while left:
        ready = sorted(v for v in left if not left.intersection(graph.predecessors[v]))
        order.append(ready[int(rng.integers(len(ready)))])
        left.remove(order[-1])
    place = {vertex: i for i, vertex in enumerate(order)}
    return Graph(
        graph.inputs,
        tuple(graph.labels[v] for v in order),
        tuple(tuple(sorted(place[p] for p in graph.predecessors[v])) for v in order),
        tuple(sorted(place[v] for v in graph.output)),
    )
