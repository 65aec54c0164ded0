"""Context-free grammars of architectures, as plain values: rules, weights, a depth bound, constraints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, final

from morphogen.architecture import Architecture, Constructor, Terminal, Topology, builtin
from morphogen.spaces.constraints import Constraint


class SpaceError(ValueError):
    """A space, or a request to a space, that cannot be."""


class GrammarError(SpaceError):
    """A grammar that is malformed or means nothing, with the place where it went wrong (counted from 1)."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(f"line {line}, column {column}: {message}" if line else message)


@final
@dataclass(frozen=True, slots=True)
class Ref:
    """A nonterminal in a pattern."""

    name: str
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A terminal applied to patterns."""

    terminal: Terminal
    args: tuple[Pattern, ...] = ()

    def __str__(self) -> str:
        return f"{self.terminal.name}({', '.join(map(str, self.args))})" if self.args else self.terminal.name


Pattern: TypeAlias = Ref | Call
"""The right-hand side of a production: an architecture with nonterminals in it."""


@final
@dataclass(frozen=True, slots=True)
class Alternative:
    """One production of a nonterminal; a weight of 2 counts as if it were listed twice."""

    pattern: Pattern
    weight: int = 1
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.pattern} [{self.weight}]" if self.weight != 1 else str(self.pattern)


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """A nonterminal and its alternatives."""

    name: str
    alternatives: tuple[Alternative, ...]
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.name} -> {' | '.join(map(str, self.alternatives))}"


@final
@dataclass(frozen=True, slots=True)
class Grammar:
    """Rules, where to start, how deep a tree may be (None: as deep as the rules lead), and constraints."""

    start: str
    rules: tuple[Rule, ...]
    depth: int | None = None
    constraints: tuple[Constraint, ...] = ()

    def __str__(self) -> str:
        lines = [f"start {self.start}"]
        lines += [declaration(terminal) for terminal in self.declared()]
        lines += [] if self.depth is None else [f"depth {self.depth}"]
        lines += [f"require {constraint}" for constraint in self.constraints]
        return "\n".join([*lines, *map(str, self.rules)]) + "\n"

    def terminals(self) -> tuple[Terminal, ...]:
        """Return every terminal of the rules once, in order of appearance."""
        found: dict[Terminal, None] = {}
        for rule in self.rules:
            for alternative in rule.alternatives:
                for call in calls(alternative.pattern):
                    found[call.terminal] = None
        return tuple(found)

    def declared(self) -> tuple[Terminal, ...]:
        """Return the terminals that the text of the grammar must declare."""
        return tuple(t for t in self.terminals() if t.arity and builtin(t.name, t.arity) is None)


def calls(pattern: Pattern) -> Iterator[Call]:
    """Yield every terminal application in a pattern, the outer ones first."""
    if isinstance(pattern, Call):
        yield pattern
        for arg in pattern.args:
            yield from calls(arg)


def ground(architecture: Architecture) -> Call:
    """Return an architecture as a pattern without nonterminals."""
    return Call(architecture.terminal, tuple(map(ground, architecture.args)))


def declaration(terminal: Terminal) -> str:
    """Return the line of grammar text that declares a terminal."""
    if isinstance(terminal, Topology):
        return f"topology {terminal.name}: {' '.join(f'{s}-{t}' for s, t in terminal.edges)}"
    assert isinstance(terminal, Constructor)
    return f"constructor {terminal.name} {terminal.arity}"
