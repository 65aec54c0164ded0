"""A space of architectures: an immutable grammar that can be counted, sampled, enumerated and narrowed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Literal, Self, TypeAlias, final

import numpy as np

from morphogen.architecture import Architecture, ArchitectureError
from morphogen.spaces.compiled import CompiledGrammar, primitives
from morphogen.spaces.constraints import AllOf, Constraint
from morphogen.spaces.count import Table, Value, below, locate, pick
from morphogen.spaces.grammar import (
    Alternative,
    Call,
    Grammar,
    GrammarError,
    Pattern,
    Ref,
    Rule,
    SpaceError,
    ground,
)
from morphogen.spaces.text import nearest, read_architecture, read_grammar, terminal_named

Path: TypeAlias = tuple[int, ...]
"""Where a sub-architecture stands: argument indices from the root; () is the root."""


@final
@dataclass(frozen=True, slots=True)
class Decision:
    """One step of a derivation: at `path`, `nonterminal` was replaced by its alternative number `chosen`.

    `alternatives` is the number of alternatives; where it is 1 nothing was decided.
    """

    path: Path
    nonterminal: str
    chosen: int
    alternatives: int


@final
@dataclass(frozen=True)
class Space:
    """All architectures that a grammar derives within its depth and its constraints.

    Each architecture has exactly one derivation (a grammar that is ambiguous is refused), so counting
    derivations counts architectures. Raises `GrammarError` for a grammar that means nothing and `SpaceError`
    for an empty space.
    """

    grammar: Grammar
    name: str = "space"

    def __post_init__(self) -> None:
        if not self.count():
            wanted = " and ".join(map(str, self.grammar.constraints))
            free = Space(replace(self.grammar, constraints=()), self.name)
            raise SpaceError(
                f"{self.name} is empty: of the {brief(free.count())} architectures of its rules, such as "
                f"{free.unrank(0)}, none satisfies {wanted}; add an alternative that does, or take the constraint away"
            )

    @classmethod
    def from_text(cls, text: str, name: str = "space") -> Self:
        """Read a space from grammar text; see `read_grammar` for the language."""
        return cls(read_grammar(text), name)

    @classmethod
    def from_file(cls, path: str | FilePath) -> Self:
        """Read a space from a file of grammar text."""
        file = FilePath(path)
        try:
            return cls.from_text(file.read_text(encoding="utf-8"), file.stem)
        except GrammarError as error:
            raise GrammarError(f"{file}: {error.message}", error.line, error.column) from None
        except OSError as error:
            raise SpaceError(f"cannot read the grammar file {file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SpaceError(f"{file} is not a text file in UTF-8") from None

    def require(self, *constraints: Constraint) -> Self:
        """Return the part of the space that satisfies `constraints` too."""
        return replace(
            self, grammar=replace(self.grammar, constraints=(*self.grammar.constraints, *constraints))
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"grammar": self.grammar, "name": self.name}

    def __str__(self) -> str:
        return f"{self.name}: {len(self.grammar.rules)} rules, {brief(self.count())} architectures"

    # --- what is cached -------------------------------------------------------------------------------------

    @cached_property
    def compiled(self) -> CompiledGrammar:
        """The grammar as numbered symbols; for the moves."""
        return CompiledGrammar(self.grammar)

    @cached_property
    def constraint(self) -> AllOf:
        """All constraints as one."""
        return AllOf(self.grammar.constraints)

    @cached_property
    def table(self) -> Table[int]:
        """The counts behind uniform sampling; for the moves."""
        return Table(self.compiled, self.constraint, lambda choice: 1)

    @cached_property
    def _probabilities(self) -> Table[float]:
        return Table(self.compiled, self.constraint, lambda choice: choice.probability)

    @cached_property
    def _root(self) -> dict[Value, int]:
        return self.table.root()

    @cached_property
    def _total(self) -> int:
        return sum(self._root.values())

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the grammar (16 hexadecimal digits); equal grammars share it in every process."""
        return hashlib.blake2b(str(self.grammar).encode(), digest_size=8).hexdigest()

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of all primitives, sorted."""
        return primitives(self.compiled)

    # --- counting and sampling ------------------------------------------------------------------------------

    def count(self, *, weighted: bool = False) -> int:
        """Return the exact number of architectures; `weighted` counts an alternative of weight w as w."""
        if weighted:
            return sum(Table(self.compiled, self.constraint, lambda choice: choice.weight).root().values())
        return self._total

    def sample(
        self, rng: np.random.Generator, *, over: Literal["architectures", "productions"] = "architectures"
    ) -> Architecture:
        """Draw an architecture: uniformly over all of them, or production by production.

        Over "productions" each step draws an alternative by its weight; the result is conditioned on the
        depth bound and the constraints. Small architectures are then far likelier than by uniform sampling.
        """
        if over == "architectures":
            return self.unrank(below(self._total, rng))
        sums = self._probabilities.root()
        values = list(sums)
        value = values[pick(list(sums.values()), rng)]
        return self._probabilities.draw(self.compiled.root, self.compiled.room, value, rng)

    def unrank(self, number: int) -> Architecture:
        """Return architecture `number` of 0 ... count - 1."""
        if not 0 <= number < self._total:
            raise SpaceError(f"{self.name} has architectures 0 to {self._total - 1}, not {number}")
        value, rest = locate(self._root, number)
        return self.table.unrank(self.compiled.root, self.compiled.room, value, rest)

    def rank(self, architecture: Architecture) -> int:
        """Return the number of an architecture of the space."""
        self.check(architecture)
        wanted, number = self.constraint.value(architecture), 0
        for value, total in self._root.items():
            if value == wanted:
                break
            number += total
        return number + self.table.rank(self.compiled.root, self.compiled.room, wanted, architecture)

    def enumerate(self) -> Iterator[Architecture]:
        """Yield all architectures, lazily and in the order of their numbers."""
        return map(self.unrank, range(self._total))

    # --- membership -----------------------------------------------------------------------------------------

    def contains(self, architecture: Architecture) -> bool:
        """Whether the grammar derives `architecture` and it satisfies depth and constraints."""
        return self._objection(architecture) is None

    __contains__ = contains

    def check(self, architecture: Architecture) -> None:
        """Raise `SpaceError`, with the reason, for an architecture that is not in the space."""
        objection = self._objection(architecture)
        if objection:
            raise SpaceError(f"{_short(architecture)} is not in {self.name}: {objection}")

    def _objection(self, architecture: Architecture) -> str | None:
        if self.compiled.choice_of(self.compiled.root, architecture) < 0:
            for name in sorted(_names(architecture) - {t.name for t in self.grammar.terminals()}):
                return f"it has no {name}{nearest(name, self.operations)}"
            return f"its grammar does not derive it from {self.grammar.start}"
        if self.compiled.room is not None and architecture.depth > self.compiled.room:
            return f"it is {architecture.depth} deep, the bound is {self.compiled.room}"
        for constraint in self.grammar.constraints:
            value = AllOf((constraint,)).value(architecture)
            if value is None or not AllOf((constraint,)).accepts(value):  # type: ignore[arg-type]
                return f"it breaks `require {constraint}`"
        return None

    def parse(self, text: str) -> Architecture:
        """Read an architecture of the space from its text.

        Raises:
            ArchitectureError: a text that is no architecture, with the column.
            SpaceError: an architecture that is not in the space, with the reason.
        """
        architecture = self.read(text)
        self.check(architecture)
        return architecture

    def read(self, text: str) -> Architecture:
        """Read an architecture written with this space's terminals, without asking whether it is in it."""
        known = self._terminals
        return read_architecture(
            text,
            lambda name, count: known.get((name, count)) or terminal_named(name, count, {}),
            self.compiled.leaves,
        )

    @cached_property
    def _terminals(self) -> dict[tuple[str, int], Any]:
        return {(terminal.name, terminal.arity): terminal for terminal in self.grammar.terminals()}

    # --- positions ------------------------------------------------------------------------------------------

    def decisions(self, architecture: Architecture) -> tuple[Decision, ...]:
        """Return the derivation: one decision for each nonterminal, from the root down, left to right."""
        self.check(architecture)
        symbols = self.compiled.symbols
        named = self.compiled.rules
        return tuple(
            Decision(path, symbols[symbol].name, chosen, len(symbols[symbol].choices))
            for path, symbol, chosen, _ in walk(self, architecture)
            if symbols[symbol].name in named
        )

    def region(
        self, candidates: Mapping[Path, Sequence[Architecture]], *, at: Architecture | None = None
    ) -> Space:
        """Return the space in which each position of `candidates` takes one of its candidates.

        A position is a path that leads to a nonterminal. With `at`, everything elsewhere is fixed to that
        architecture; without, the rest stays as free as it is, and only one production may lead to each
        position.

        Raises:
            SpaceError: no candidates, one listed twice, one that the nonterminal at its position does not
                derive, a position inside another or outside the architecture.
        """
        if not candidates:
            raise SpaceError("a region needs at least one position")
        for path, parts in candidates.items():
            where = f"position {_written(path)}"
            if not parts:
                raise SpaceError(f"{where} has no candidate")
            if len(set(parts)) < len(parts):
                raise SpaceError(f"{where} lists a candidate twice")
            if any(path != other and path == other[: len(path)] for other in candidates):
                raise SpaceError(f"{where} contains another position of the region")
        if at is not None:
            self.check(at)
        rules: list[Rule] = []
        top = self._narrow(self.compiled.root, (), candidates, at, rules)
        start = self._unused("Region")
        grammar = replace(self.grammar, start=start, rules=(Rule(start, (Alternative(top),)), *rules))
        return replace(self, grammar=_with_reached(grammar, self.grammar.rules), name=f"{self.name} region")

    def _narrow(
        self,
        symbol: int,
        path: Path,
        candidates: Mapping[Path, Sequence[Architecture]],
        at: Architecture | None,
        rules: list[Rule],
    ) -> Pattern:
        """Return the pattern of a symbol with the region's positions cut out; add a rule for each."""
        name = self.compiled.symbols[symbol].name
        if path in candidates:
            for part in candidates[path]:
                if self.compiled.choice_of(symbol, part) < 0:
                    raise SpaceError(f"position {_written(path)}: {name} does not derive {_short(part)}")
            position = Ref(self._unused("_".join(["Position", *map(str, path)])))
            rules.append(Rule(position.name, tuple(Alternative(ground(part)) for part in candidates[path])))
            return position
        if not any(path == other[: len(path)] for other in candidates):
            return ground(at) if at is not None else self._free(symbol)
        if at is not None:
            choice = self.compiled.symbols[symbol].choices[self.compiled.choice_of(symbol, at)]
        elif len(self.compiled.symbols[symbol].choices) > 1:
            raise SpaceError(
                f"{name} at {_written(path)} has several alternatives; say which by `at=architecture`"
            )
        else:
            choice = self.compiled.symbols[symbol].choices[0]
        for other in candidates:
            if other[: len(path)] == path and not other[len(path)] < len(choice.children):
                raise SpaceError(
                    f"position {_written(other)} is not there: {name} has {len(choice.children)} parts"
                )
        return Call(
            choice.terminal,
            tuple(
                self._narrow(child, (*path, i), candidates, None if at is None else at.args[i], rules)
                for i, child in enumerate(choice.children)
            ),
        )

    def _unused(self, name: str) -> str:
        """Return `name`, lengthened where a nonterminal of this space (itself a region) is called so."""
        while name in self.compiled.rules:
            name += "_"
        return name

    def _free(self, symbol: int) -> Pattern:
        found = self.compiled.symbols[symbol]
        return Ref(found.name) if found.name in self.compiled.rules else found.choices[0].source.pattern


Step: TypeAlias = tuple[Path, int, int, int | None]


def walk(space: Space, architecture: Architecture) -> Iterator[Step]:
    """Yield (path, symbol, choice, room) for each node of an architecture, from the root down."""
    compiled = space.compiled
    todo: list[tuple[Path, int, int | None, Architecture]] = [
        ((), compiled.root, compiled.room, architecture)
    ]
    while todo:
        path, symbol, room, node = todo.pop()
        chosen = compiled.choice_of(symbol, node)
        yield path, symbol, chosen, room
        if node.args:
            children = compiled.symbols[symbol].choices[chosen].children
            inside = None if room is None else room - 1
            for index in range(len(children) - 1, -1, -1):
                todo.append(((*path, index), children[index], inside, node.args[index]))


def brief(number: int) -> str:
    """Return an integer as people read it: 15,625 in full, 10^446.09 where it is long."""
    if number < 10**12:
        return f"{number:,}"
    digits = str(number)
    return f"10^{len(digits) - 1 + float(np.log10(float(digits[0] + '.' + digits[1:17]))):.2f}"


def _with_reached(grammar: Grammar, others: Sequence[Rule]) -> Grammar:
    """Add the rules of `others` that the grammar's own rules still need."""
    rules = {rule.name: rule for rule in grammar.rules}
    known = {rule.name: rule for rule in others}
    todo = list(grammar.rules)
    while todo:
        for alternative in todo.pop().alternatives:
            patterns: list[Pattern] = [alternative.pattern]
            while patterns:
                pattern = patterns.pop()
                if isinstance(pattern, Call):
                    patterns += pattern.args
                elif pattern.name not in rules:
                    rules[pattern.name] = known[pattern.name]
                    todo.append(known[pattern.name])
    return replace(grammar, rules=tuple(rules.values()))


def _names(architecture: Architecture) -> set[str]:
    return {architecture.terminal.name}.union(*map(_names, architecture.args))


def _written(path: Path) -> str:
    return ".".join(map(str, path)) or "the root"


def _short(architecture: Architecture) -> str:
    text = str(architecture)
    return text if len(text) <= 80 else f"{text[:77]}..."


__all__ = [
    "ArchitectureError",
    "Decision",
    "GrammarError",
    "Path",
    "Space",
    "SpaceError",
    "Step",
    "brief",
    "walk",
]
