"""Constraints on architectures, as finite values computed from the leaves up.

A constraint gives each sub-architecture one of finitely many values, and folds the values of a terminal's
arguments from left to right. So architectures can be counted, and drawn uniformly, value by value: a
constrained space is sampled exactly, without rejection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final, final

from morphogen.architecture import Architecture, Terminal, Topology


class Constraint(ABC):
    """A value for each sub-architecture, and the values that a whole architecture may have.

    `step` and `end` return None where no completion can satisfy the constraint. All other values are
    hashable.
    """

    @abstractmethod
    def __str__(self) -> str:
        """The constraint as a grammar text writes it after `require`."""

    @abstractmethod
    def leaf(self, name: str) -> Hashable:
        """Return the value of a primitive."""

    @abstractmethod
    def begin(self, terminal: Terminal) -> Hashable:
        """Return the state before the first argument of `terminal`."""

    @abstractmethod
    def step(self, terminal: Terminal, state: Any, index: int, value: Any) -> Hashable | None:
        """Return the state after argument number `index` turned out to have `value`."""

    @abstractmethod
    def end(self, terminal: Terminal, state: Any) -> Hashable | None:
        """Return the value of `terminal` applied to all its arguments."""

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether a whole architecture may have `value`."""


@final
@dataclass(frozen=True)
class Connected(Constraint):
    """A path without `zero` leads from input to output (for a constructor: in each of its parts)."""

    def __str__(self) -> str:
        return "connected"

    def leaf(self, name: str) -> bool:
        return name != "zero"

    def begin(self, terminal: Terminal) -> int:
        return 0b10

    def step(self, terminal: Terminal, state: int, index: int, value: bool) -> int:
        if not isinstance(terminal, Topology):
            return state if value else 0
        return _reached(terminal, state, index, value)

    def end(self, terminal: Terminal, state: int) -> bool:
        return bool(state >> terminal.sink & 1) if isinstance(terminal, Topology) else bool(state)

    def accepts(self, value: bool) -> bool:
        return value


def _reached(terminal: Topology, state: int, index: int, value: bool) -> int:
    """Return the nodes that are reached, as a bit mask, after one more edge; those behind us are forgotten."""
    source, target = terminal.edges[index]
    if value and state >> source & 1:
        state |= 1 << target
    ahead = 1 << terminal.sink
    for later, _ in terminal.edges[index + 1 :]:
        ahead |= 1 << later
    return state & ahead


@final
@dataclass(frozen=True)
class NoBypass(Constraint):
    """No path of `identity` alone leads from input to output (for a constructor: in none of its parts)."""

    def __str__(self) -> str:
        return "no_bypass"

    def leaf(self, name: str) -> bool:
        return name == "identity"

    def begin(self, terminal: Terminal) -> int:
        return 0b10 if isinstance(terminal, Topology) else 0

    def step(self, terminal: Terminal, state: int, index: int, value: bool) -> int:
        return _reached(terminal, state, index, value) if isinstance(terminal, Topology) else state | value

    def end(self, terminal: Terminal, state: int) -> bool:
        return bool(state >> terminal.sink & 1) if isinstance(terminal, Topology) else bool(state)

    def accepts(self, value: bool) -> bool:
        return not value


NO_PATH: Final = -1


@final
@dataclass(frozen=True)
class Downsampling(Constraint):
    """All paths between two nodes halve the map equally often; `times`, if given, over the whole network.

    `operations` names the primitives that halve it. Parts of a constructor are judged one by one.
    """

    operations: tuple[str, ...]
    times: int | None = None

    def __str__(self) -> str:
        arguments = [*self.operations, *([] if self.times is None else [str(self.times)])]
        return f"downsampling({', '.join(arguments)})"

    def leaf(self, name: str) -> int:
        if name == "zero":
            return NO_PATH
        return int(name in self.operations)

    def begin(self, terminal: Terminal) -> tuple[int, ...]:
        return (0, *[NO_PATH] * (terminal.sink - 1)) if isinstance(terminal, Topology) else (0,)

    def step(
        self, terminal: Terminal, state: tuple[int, ...], index: int, value: int
    ) -> tuple[int, ...] | None:
        if not isinstance(terminal, Topology):
            return state
        source, target = terminal.edges[index]
        if value == NO_PATH or state[source - 1] == NO_PATH:
            return state
        halvings = state[source - 1] + value
        if state[target - 1] not in (NO_PATH, halvings) or (self.times is not None and halvings > self.times):
            return None
        return (*state[: target - 1], halvings, *state[target:])

    def end(self, terminal: Terminal, state: tuple[int, ...]) -> int:
        return state[-1]

    def accepts(self, value: int) -> bool:
        return value == NO_PATH or self.times is None or value == self.times


@final
@dataclass(frozen=True)
class AtMost(Constraint):
    """The primitive `operation` stands at most `count` times in the tree."""

    operation: str
    count: int

    def __str__(self) -> str:
        return f"at_most({self.operation}, {self.count})"

    def leaf(self, name: str) -> int:
        return int(name == self.operation)

    def begin(self, terminal: Terminal) -> int:
        return 0

    def step(self, terminal: Terminal, state: int, index: int, value: int) -> int | None:
        return state + value if state + value <= self.count else None

    def end(self, terminal: Terminal, state: int) -> int:
        return state

    def accepts(self, value: int) -> bool:
        return value <= self.count


@final
@dataclass(frozen=True)
class Times(Constraint):
    """The primitives `operations` stand `fewest` to `most` times in the tree, counted together."""

    operations: tuple[str, ...]
    fewest: int
    most: int

    def __str__(self) -> str:
        return f"times({', '.join(self.operations)}, {self.fewest}, {self.most})"

    def leaf(self, name: str) -> int:
        return int(name in self.operations)

    def begin(self, terminal: Terminal) -> int:
        return 0

    def step(self, terminal: Terminal, state: int, index: int, value: int) -> int | None:
        return state + value if state + value <= self.most else None

    def end(self, terminal: Terminal, state: int) -> int:
        return state

    def accepts(self, value: int) -> bool:
        return self.fewest <= value <= self.most


SETTLED: Final = "settled"


@final
@dataclass(frozen=True)
class Ordered(Constraint):
    """Of twins that differ by a swap of like branches of `topology`, only one is kept: names in order.

    `places` are pairs of argument numbers, from 1 on: the primitive at the first of a pair is called as that
    at the second or stands before it in the alphabet; where they are equal, the next pair decides.
    """

    topology: str
    places: tuple[int, ...]

    def __str__(self) -> str:
        return f"ordered({self.topology}, {', '.join(map(str, self.places))})"

    def leaf(self, name: str) -> str:
        return name

    def begin(self, terminal: Terminal) -> str:
        return "" if terminal.name == self.topology else SETTLED

    def step(self, terminal: Terminal, state: str, index: int, value: str) -> str | None:
        # The state is the name to compare with, "" between pairs that were equal so far.
        if state == SETTLED or index + 1 not in self.places:
            return state
        if self.places.index(index + 1) % 2 == 0:
            return value
        return "" if value == state else SETTLED if state < value else None

    def end(self, terminal: Terminal, state: str) -> str:
        return f"{terminal.name}("  # compared with nothing, and no name of a primitive

    def accepts(self, value: str) -> bool:
        return True


@final
@dataclass(frozen=True)
class AllOf(Constraint):
    """Several constraints at once; with none of them, every architecture has the value ()."""

    parts: tuple[Constraint, ...]

    def __str__(self) -> str:
        return " and ".join(map(str, self.parts))

    def leaf(self, name: str) -> tuple[Hashable, ...]:
        return tuple(part.leaf(name) for part in self.parts)

    def begin(self, terminal: Terminal) -> tuple[Hashable, ...]:
        return tuple(part.begin(terminal) for part in self.parts)

    def step(
        self, terminal: Terminal, state: tuple[Any, ...], index: int, value: tuple[Any, ...]
    ) -> tuple[Hashable, ...] | None:
        after = tuple(p.step(terminal, s, index, v) for p, s, v in zip(self.parts, state, value, strict=True))
        return None if None in after else after

    def end(self, terminal: Terminal, state: tuple[Any, ...]) -> tuple[Hashable, ...] | None:
        value = tuple(p.end(terminal, s) for p, s in zip(self.parts, state, strict=True))
        return None if None in value else value

    def accepts(self, value: tuple[Any, ...]) -> bool:
        return all(p.accepts(v) for p, v in zip(self.parts, value, strict=True))

    def value(self, architecture: Architecture) -> Hashable | None:
        """Return the value of an architecture, None where no whole with it satisfies the constraints."""
        if not architecture.args:
            return self.leaf(architecture.terminal.name)
        terminal = architecture.terminal
        state: tuple[Hashable, ...] | None = self.begin(terminal)
        for index, part in enumerate(architecture.args):
            value = self.value(part)
            if value is None or state is None:
                return None
            state = self.step(terminal, state, index, value)  # type: ignore[arg-type]
        return None if state is None else self.end(terminal, state)


def constraint(name: str, arguments: tuple[str | int, ...]) -> Constraint:
    """Return the constraint that a grammar text calls `name`.

    Raises:
        ValueError: an unknown name or arguments that do not fit, with the right form.
    """
    words = tuple(a for a in arguments if isinstance(a, str))
    numbers = [a for a in arguments if isinstance(a, int)]
    if name == "connected":
        if arguments:
            raise ValueError("write `require connected`, without arguments")
        return Connected()
    if name == "no_bypass":
        if arguments:
            raise ValueError("write `require no_bypass`, without arguments")
        return NoBypass()
    if name == "downsampling":
        if not words or len(numbers) > 1 or arguments != (*words, *numbers):
            raise ValueError(
                "write `require downsampling(resblock)` or `require downsampling(resblock, pool, 2)`"
            )
        return Downsampling(words, numbers[0] if numbers else None)
    if name == "at_most":
        if len(words) != 1 or len(numbers) != 1 or arguments != (*words, *numbers):
            raise ValueError("write `require at_most(conv3x3, 4)`")
        return AtMost(words[0], numbers[0])
    if name == "times":
        if not words or len(numbers) != 2 or arguments != (*words, *numbers) or numbers[0] > numbers[1]:
            raise ValueError("write `require times(conv3x3, conv5x5, 1, 4)`: names, fewest and most")
        return Times(words, numbers[0], numbers[1])
    if name == "ordered":
        rising = numbers == sorted(set(numbers)) and numbers[:1] >= [1]
        if len(words) != 1 or len(numbers) % 2 or not rising or arguments != (*words, *numbers):
            raise ValueError(
                "write `require ordered(diamond, 1, 2)`: a topology, then pairs of rising places"
            )
        return Ordered(words[0], tuple(numbers))
    raise ValueError(
        f"there is no constraint {name}; there are connected, no_bypass, downsampling, at_most, times and ordered"
    )
