"""Exact counting of derivations, and the bijection between architectures and the integers below the count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

import numpy as np

from morphogen.architecture import Architecture
from morphogen.spaces.compiled import Choice, CompiledGrammar
from morphogen.spaces.constraints import AllOf

Number = TypeVar("Number", int, float)
Value: TypeAlias = Any
"""What the constraints say of a tree; hashable."""

Other: TypeAlias = tuple[int, dict[Value, Number], int, Architecture | None]
"""A choice that could have been made: its number, its sums, their total, and its tree where it is a leaf."""

Trees: TypeAlias = list[Architecture | None]
"""The trees of a small language by number, as far as they were built."""

Step: TypeAlias = tuple[int, Value, int, Trees]
"""Of an argument its symbol, its value, how many ways there are to go on, and the trees that it is one of."""

SMALL: Final = 4096
"""Languages up to this size are kept as a table of shared trees."""


class Table(Generic[Number]):
    """Sums of weights over the derivations of each symbol, apart for each value of the constraints.

    With weight 1 the sums count architectures, with the productions' weights they count derivations as a
    grammar with repeated alternatives would, with probabilities they say how likely the constraints hold.
    """

    def __init__(
        self, grammar: CompiledGrammar, constraint: AllOf, weigh: Callable[[Choice], Number]
    ) -> None:
        self.grammar, self.constraint = grammar, constraint
        self._weights: list[list[Number]] = [
            [weigh(choice) for choice in symbol.choices] for symbol in grammar.symbols
        ]
        self._sums: dict[tuple[int, int | None], dict[Value, Number]] = {}
        self._shares: dict[tuple[int, int, int | None], dict[Value, Number]] = {}
        self._steps: dict[
            tuple[int, int, int | None, int, Value, Value], list[tuple[Any, Any, Any, Any]]
        ] = {}
        self._others: dict[tuple[int, int, int | None], list[Other[Number]]] = {}
        self._plans: dict[tuple[int, int, int | None, Value], list[Step] | None] = {}
        self._trees: dict[tuple[int, int | None, Value], Trees] = {}
        for room in range(1, grammar.room or 0):  # from small to large, so that no call goes deep
            for symbol in range(len(grammar.symbols)):
                self.sums(symbol, room)

    def sums(self, symbol: int, room: int | None) -> dict[Value, Number]:
        """Return value -> sum over the trees of `symbol` not deeper than `room`."""
        key = (symbol, room)
        if key not in self._sums:
            total: dict[Value, Number] = {}
            for index in range(len(self.grammar.symbols[symbol].choices)):
                for value, share in self.shares(symbol, index, room).items():
                    total[value] = total.get(value, 0) + share
            self._sums[key] = total
        return self._sums[key]

    def shares(self, symbol: int, index: int, room: int | None) -> dict[Value, Number]:
        """Return value -> sum over the trees that begin with choice `index` of `symbol`."""
        key = (symbol, index, room)
        if key not in self._shares:
            self._shares[key] = self._choice_sums(symbol, index, room)
        return self._shares[key]

    def _choice_sums(self, symbol: int, index: int, room: int | None) -> dict[Value, Number]:
        choice, weight = self.grammar.symbols[symbol].choices[index], self._weights[symbol][index]
        if room == 0:
            return {}
        if not choice.children:
            return {self.constraint.leaf(choice.terminal.name): weight}
        inside = _below(room)
        states: dict[Any, Any] = {self.constraint.begin(choice.terminal): weight}
        for position, child in enumerate(choice.children):
            following: dict[Any, Any] = {}
            for state, sum_so_far in states.items():
                for value, share in self.sums(child, inside).items():
                    after = self.constraint.step(choice.terminal, state, position, value)
                    if after is not None:
                        following[after] = following.get(after, 0) + sum_so_far * share
            states = following
        found: dict[Value, Any] = {}
        for state, total in states.items():
            end = self.constraint.end(choice.terminal, state)
            if end is not None:
                found[end] = found.get(end, 0) + total
        return found

    def others(self, symbol: int, chosen: int, room: int | None) -> list[Other[Number]]:
        """Return the possible choices of a symbol but one."""
        key = (symbol, chosen, room)
        if key not in self._others:
            choices = self.grammar.symbols[symbol].choices
            shares = [(i, self.shares(symbol, i, room)) for i in range(len(choices)) if i != chosen]
            self._others[key] = [
                (i, sums, int(sum(sums.values())), choices[i].leaf) for i, sums in shares if sums
            ]
        return self._others[key]

    def root(self) -> dict[Value, Number]:
        """Return value -> sum over the whole architectures that satisfy the constraints."""
        sums = self.sums(self.grammar.root, self.grammar.room)
        return {value: total for value, total in sums.items() if self.constraint.accepts(value)}

    # --- one argument after the other -----------------------------------------------------------------------

    def steps(
        self, symbol: int, index: int, room: int | None, position: int, state: Any, goal: Value
    ) -> list[tuple[Any, Number, Number, Any]]:
        """Return how argument `position` of a choice can go on from `state` to a whole with value `goal`.

        Each entry is (value of the argument, its sum, sum over the completions behind it, state after it).
        """
        key = (symbol, index, room, position, state, goal)
        known = self._steps.get(key)
        if known is None:
            choice = self.grammar.symbols[symbol].choices[index]
            known = []
            for value, share in self.sums(choice.children[position], _below(room)).items():
                after = self.constraint.step(choice.terminal, state, position, value)
                if after is None:
                    continue
                rest: Any
                if position + 1 == len(choice.children):
                    rest = 1 if self.constraint.end(choice.terminal, after) == goal else 0
                else:
                    rest = sum(
                        m * w for _, m, w, _ in self.steps(symbol, index, room, position + 1, after, goal)
                    )
                if rest:
                    known.append((value, share, rest, after))
            self._steps[key] = known
        return known

    def unrank(self, symbol: int, room: int | None, value: Value, number: int) -> Architecture:
        """Return tree `number` among those of `symbol` with `value` (integer tables with weight 1 only)."""
        trees = self._few(symbol, room, value)
        if trees:
            known = trees[number]
            if known is not None:
                return known
        rest = number
        for index in range(len(self._weights[symbol])):
            share = self.shares(symbol, index, room).get(value, 0)
            if rest < share:
                break
            rest -= int(share)
        tree = self.unrank_choice(symbol, index, room, value, rest)
        if trees:
            trees[number] = tree
        return tree

    def unrank_choice(
        self, symbol: int, index: int, room: int | None, value: Value, number: int
    ) -> Architecture:
        """Return tree number `number` among those that begin with choice `index`."""
        choice = self.grammar.symbols[symbol].choices[index]
        if choice.leaf is not None:
            return choice.leaf
        inside = _below(room)
        args: list[Architecture] = []
        key = (symbol, index, room, value)
        plan = self._plans[key] if key in self._plans else self._plan(*key)
        if plan is not None:
            for child, part, completions, trees in plan:
                which, number = divmod(number, completions)
                known = trees[which] if trees else None
                args.append(self.unrank(child, inside, part, which) if known is None else known)
            return Architecture(choice.terminal, tuple(args))
        state = self.constraint.begin(choice.terminal)
        for position, child in enumerate(choice.children):
            for part, count, rest, after in self.steps(symbol, index, room, position, state, value):
                block = count * rest
                if number < block:
                    which, number = divmod(number, int(rest))
                    args.append(self.unrank(child, inside, part, which))
                    state = after
                    break
                number -= int(block)
        return Architecture(choice.terminal, tuple(args))

    def _few(self, symbol: int, room: int | None, value: Value) -> Trees:
        """Return the trees of `symbol` with `value` as far as they were built; none where there are many."""
        key = (symbol, room, value)
        trees = self._trees.get(key)
        if trees is None:
            total = self.sums(symbol, room)[value]
            trees = self._trees[key] = [None] * int(total) if total <= SMALL else []
        return trees

    def _plan(self, symbol: int, index: int, room: int | None, value: Value) -> list[Step] | None:
        """Return what each argument is built from if there is only one way: the fast path."""
        choice = self.grammar.symbols[symbol].choices[index]
        state: Any = self.constraint.begin(choice.terminal)
        plan: list[Step] | None = []
        for position, child in enumerate(choice.children):
            steps = self.steps(symbol, index, room, position, state, value)
            if len(steps) != 1:
                plan = None
                break
            part, _, rest, state = steps[0]
            few = self._few(child, _below(room), part)
            plan.append((child, part, int(rest), few))  # type: ignore[union-attr]
        self._plans[symbol, index, room, value] = plan
        return plan

    def rank(self, symbol: int, room: int | None, value: Value, architecture: Architecture) -> int:
        """Return the number that `unrank` turns into `architecture`."""
        index = self.grammar.choice_of(symbol, architecture)
        choice = self.grammar.symbols[symbol].choices[index]
        number = sum(int(self.shares(symbol, i, room).get(value, 0)) for i in range(index))
        state = self.constraint.begin(choice.terminal) if choice.children else None
        for position, (child, part) in enumerate(zip(choice.children, architecture.args, strict=True)):
            steps = self.steps(symbol, index, room, position, state, value)
            wanted = self.constraint.value(part) if len(steps) > 1 else steps[0][0]
            for found, count, rest, after in steps:
                if found == wanted:
                    number += self.rank(child, _below(room), found, part) * int(rest)
                    state = after
                    break
                number += int(count * rest)
        return number

    def draw(self, symbol: int, room: int | None, value: Value, rng: np.random.Generator) -> Architecture:
        """Return a random tree of `symbol` with `value`, each production drawn by its probability."""
        shares = [
            self.shares(symbol, index, room).get(value, 0) for index in range(len(self._weights[symbol]))
        ]
        index = pick(shares, rng)
        choice = self.grammar.symbols[symbol].choices[index]
        if choice.leaf is not None:
            return choice.leaf
        state: Any = self.constraint.begin(choice.terminal)
        args = []
        for position, child in enumerate(choice.children):
            steps = self.steps(symbol, index, room, position, state, value)
            part, _, _, state = (
                steps[pick([m * w for _, m, w, _ in steps], rng)] if len(steps) > 1 else steps[0]
            )
            args.append(self.draw(child, _below(room), part, rng))
        return Architecture(choice.terminal, tuple(args))

    def every(self, symbol: int, room: int | None, value: Value) -> Iterator[Architecture]:
        """Yield the trees of `symbol` with `value`, in the order of their numbers."""
        return (
            self.unrank(symbol, room, value, n) for n in range(int(self.sums(symbol, room).get(value, 0)))
        )


def _below(room: int | None) -> int | None:
    return None if room is None else room - 1


def locate(sums: Mapping[Value, int], number: int) -> tuple[Value, int]:
    """Return the value whose block holds `number` when all blocks stand in a row, and the place within it."""
    for value, total in sums.items():
        if number < total:
            return value, number
        number -= total
    raise IndexError(number)


def pick(weights: list[Any], rng: np.random.Generator) -> int:
    """Return index i with probability weights[i] / sum(weights)."""
    rest = rng.random() * sum(weights)
    for index, weight in enumerate(weights):
        rest -= weight
        if rest < 0:
            return index
    return max(index for index, weight in enumerate(weights) if weight)


def below(bound: int, rng: np.random.Generator) -> int:
    """Return a uniform integer in [0, bound), however large `bound` is."""
    if bound <= 1 << 20:  # the same, at a third of the cost: a float holds 53 bits
        return int(rng.random() * bound)
    bits = (bound - 1).bit_length()
    if bits <= 63:
        return int(rng.integers(bound))
    size = (bits + 7) // 8
    while True:
        number = int.from_bytes(rng.bytes(size), "little") >> (8 * size - bits)
        if number < bound:
            return number
