"""A grammar made ready for counting: numbered symbols, unit productions resolved, every promise checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias, final

from morphogen.architecture import Architecture, Primitive, Terminal
from morphogen.spaces.grammar import Alternative, Call, Grammar, GrammarError, Pattern, Ref, Rule, calls
from morphogen.spaces.text import nearest

MANY: Final = 8
"""Of more choices than so many with the same terminal, those that are one tree each are looked up, not tried."""


@final
@dataclass(frozen=True, slots=True)
class Choice:
    """One way to build a symbol: a terminal whose arguments are symbols (as numbers).

    weight counts repeated alternatives; probability is that of drawing productions one by one; leaf is the
    tree of a terminal without arguments, shared by all who need it.
    """

    terminal: Terminal
    children: tuple[int, ...]
    weight: int
    probability: float
    source: Alternative
    leaf: Architecture | None


Open: TypeAlias = tuple[tuple[int, ...], int, int | None, int]
"""A place where there was a choice: the path to it, its symbol, the depth left there, its unit in the number."""


@final
@dataclass(slots=True)
class Form:
    """What architectures have in common that differ in leaves: the places, and those known, by number.

    The number of an architecture in its form is the sum of its choices, each times the unit of its place.
    """

    places: list[Open] = field(default_factory=list)
    known: dict[int, Architecture] = field(default_factory=dict)


@final
@dataclass(slots=True)
class Symbol:
    """A nonterminal, or the inside of a nested pattern, with its choices. The grammar calls it `name`."""

    name: str
    choices: list[Choice] = field(default_factory=list)
    heads: dict[str, list[int]] = field(default_factory=dict)
    height: float = math.inf

    def add(self, choice: Choice) -> None:
        """Append a choice and index it by its terminal's name."""
        self.heads.setdefault(choice.terminal.name, []).append(len(self.choices))
        self.choices.append(choice)


@final
class CompiledGrammar:
    """The symbols of a checked grammar; `root` is the start, `room` the depth bound where one is needed.

    Raises:
        GrammarError: an undefined, unreachable or unproductive nonterminal, one that derives itself for
            nothing, an alternative listed twice, an ambiguity, an infinite space without a bound.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.rules = {rule.name: rule for rule in grammar.rules}
        self.symbols: list[Symbol] = []
        # The trees of terminals without arguments: one of each is shared by all architectures.
        self.leaves: dict[str, Architecture] = {}
        self._numbers: dict[Pattern, int] = {}
        # Symbols of patterns without nonterminals: distinct ones share no tree.
        self._ground: set[int] = set()
        self._check_names()
        self.root = self._number(Ref(grammar.start))
        self._find_heights()
        self.room = self._find_room()
        self._check_ambiguity()

    # --- building -------------------------------------------------------------------------------------------

    def _number(self, pattern: Pattern) -> int:
        if pattern in self._numbers:
            return self._numbers[pattern]
        number = self._numbers[pattern] = len(self.symbols)
        symbol = Symbol(pattern.name if isinstance(pattern, Ref) else str(pattern))
        self.symbols.append(symbol)
        if isinstance(pattern, Ref):
            self._fill(symbol, pattern.name, 1, 1.0, ())
        else:
            symbol.add(self._choice(pattern, 1, 1.0, Alternative(pattern)))
            if self._ground.issuperset(symbol.choices[0].children):
                self._ground.add(number)
        return number

    def _choice(self, call: Call, weight: int, probability: float, source: Alternative) -> Choice:
        children = tuple(self._number(arg) for arg in call.args)
        leaf = None
        if not children:
            leaf = self.leaves.setdefault(call.terminal.name, Architecture(call.terminal))
        return Choice(call.terminal, children, weight, probability, source, leaf)

    def _fill(
        self, symbol: Symbol, name: str, weight: int, probability: float, above: tuple[str, ...]
    ) -> None:
        """Add the choices of `name`, those of a lone nonterminal on the right as if they stood here."""
        rule = self.rules[name]
        total = sum(alternative.weight for alternative in rule.alternatives)
        for alternative in rule.alternatives:
            share = probability * alternative.weight / total
            if isinstance(alternative.pattern, Call):
                symbol.add(self._choice(alternative.pattern, weight * alternative.weight, share, alternative))
            elif alternative.pattern.name in (*above, name):
                raise GrammarError(
                    f"{alternative.pattern.name} derives itself without building anything",
                    *_place(alternative),
                )
            else:
                self._fill(
                    symbol, alternative.pattern.name, weight * alternative.weight, share, (*above, name)
                )

    # --- checks ---------------------------------------------------------------------------------------------

    def _check_names(self) -> None:
        used, reached, todo = set[str](), {self.grammar.start}, [self.grammar.start]
        for rule in self.grammar.rules:
            for ref in _refs(rule):
                used.add(ref.name)
                if ref.name not in self.rules:
                    raise GrammarError(
                        f"{ref.name} has no rule{nearest(ref.name, self.rules)}", ref.line, ref.column
                    )
        while todo:
            for ref in _refs(self.rules[todo.pop()]):
                if ref.name not in reached:
                    reached.add(ref.name)
                    todo.append(ref.name)
        for rule in self.grammar.rules:
            if rule.name not in reached:
                raise GrammarError(
                    f"{rule.name} cannot be reached from {self.grammar.start}; use it in a rule or remove it",
                    *_place(rule),
                )

    def _find_heights(self) -> None:
        """Find the smallest depth of a tree from each symbol."""
        changed = True
        while changed:
            changed = False
            for symbol in self.symbols:
                height = min(
                    1 + max((self.symbols[c].height for c in choice.children), default=0)
                    for choice in symbol.choices
                )
                if height < symbol.height:
                    symbol.height, changed = height, True
        endless = [number for number, symbol in enumerate(self.symbols) if math.isinf(symbol.height)]
        if endless:
            number, passed = endless[0], set[int]()
            # Down to one that comes back to itself: it is to blame, not all that need it.
            while number not in passed or self.symbols[number].name not in self.rules:
                passed.add(number)
                children = self.symbols[number].choices[0].children
                number = next(child for child in children if child in endless)
            rule = self.rules[self.symbols[number].name]
            raise GrammarError(
                f"{rule.name} never ends: each of its alternatives needs {rule.name} again;"
                " add one that does not",
                *_place(rule),
            )

    def _find_room(self) -> int | None:
        """Return the depth bound, None where no tree can grow beyond it; refuse an infinite space."""
        deepest: dict[int, int] = {}
        for number in range(len(self.symbols)):
            cycle = self._deepest(number, deepest, {})
            if cycle is not None:
                rule = self.rules.get(self.symbols[cycle].name)
                if self.grammar.depth is None:
                    raise GrammarError(
                        f"the space is infinite: {self.symbols[cycle].name} can stand inside itself again and"
                        " again; bound it, for example by the line `depth 8`",
                        *(_place(rule) if rule else (0, 0)),
                    )
                break
        else:
            if self.grammar.depth is None or deepest[self.root] <= self.grammar.depth:
                return None
        smallest = int(self.symbols[self.root].height)
        if smallest > self.grammar.depth:
            raise GrammarError(
                f"no architecture fits into depth {self.grammar.depth}; the smallest needs depth {smallest}",
                *_place(self.rules[self.grammar.start]),
            )
        return self.grammar.depth

    def _deepest(self, number: int, deepest: dict[int, int], above: dict[int, None]) -> int | None:
        """Note the depth of the deepest tree of a symbol; return a symbol that contains itself, if any."""
        if number in deepest:
            return None
        if number in above:
            return number
        above[number] = None
        depth = 0
        for choice in self.symbols[number].choices:
            for child in choice.children:
                if (cycle := self._deepest(child, deepest, above)) is not None:
                    return cycle
                depth = max(depth, deepest[child])
        del above[number]
        deepest[number] = depth + 1
        return None

    def _check_ambiguity(self) -> None:
        overlap = self._overlaps()
        for symbol in self.symbols:
            for numbers in symbol.heads.values():
                ground: dict[tuple[Terminal, tuple[int, ...]], Choice] = {}
                others: list[Choice] = []
                for two in (symbol.choices[number] for number in numbers):
                    if self._ground.issuperset(two.children):  # of a long list each is compared with its like
                        like = (two.terminal, two.children)
                        rivals = [*others, ground[like]] if like in ground else others
                        ground.setdefault(like, two)
                    else:
                        rivals = [*ground.values(), *others]
                        others.append(two)
                    for one in rivals:
                        if one.terminal == two.terminal and all(map(overlap, one.children, two.children)):
                            raise _ambiguous(symbol, one.source, two.source)

    def _overlaps(self) -> _Overlap:
        return _Overlap(self.symbols)

    # --- reading a tree -------------------------------------------------------------------------------------

    @cached_property
    def opened(self) -> dict[Architecture, tuple[Form, int]]:
        """The forms of the latest parents and mutants, and their numbers in them; kept by `moves`."""
        return {}

    @cached_property
    def _indices(self) -> dict[tuple[int, str], tuple[dict[Architecture, int], list[int]]]:
        return {}

    @cached_property
    def _matches(self) -> dict[tuple[int, Architecture], int]:
        return {}

    def head(self, number: int, architecture: Architecture) -> int:
        """Return what `choice_of` does, quickly, for an architecture that the symbol is known to derive."""
        heads = self.symbols[number].heads[architecture.terminal.name]
        return heads[0] if len(heads) == 1 else self.choice_of(number, architecture)

    def choice_of(self, number: int, architecture: Architecture) -> int:
        """Return the number of the choice by which a symbol derives `architecture`, -1 where it does not."""
        known = self._matches.get((number, architecture))
        if known is not None:
            return known
        found, heads = -1, self.symbols[number].heads.get(architecture.terminal.name, [])
        if len(heads) > MANY:
            trees, heads = self._trees(number, architecture.terminal.name)
            found = trees.get(architecture, -1)
        for index in heads if found < 0 else ():
            choice = self.symbols[number].choices[index]
            if choice.terminal == architecture.terminal and all(
                self.choice_of(child, part) >= 0
                for child, part in zip(choice.children, architecture.args, strict=True)
            ):
                found = index
                break
        if len(self._matches) > 100_000:
            self._matches.clear()
        self._matches[number, architecture] = found
        return found

    def _trees(self, number: int, name: str) -> tuple[dict[Architecture, int], list[int]]:
        """Return the choices of a symbol that are one tree each, by the tree, and the numbers of the others."""
        if (number, name) not in self._indices:
            trees, others = dict[Architecture, int](), list[int]()
            for index in self.symbols[number].heads[name]:
                choice = self.symbols[number].choices[index]
                if self._ground.issuperset(choice.children):
                    trees[self._tree(choice)] = index
                else:
                    others.append(index)
            self._indices[number, name] = trees, others
        return self._indices[number, name]

    def _tree(self, choice: Choice) -> Architecture:
        parts = (self._tree(self.symbols[child].choices[0]) for child in choice.children)
        return choice.leaf or Architecture(choice.terminal, tuple(parts))


class _Overlap:
    """Whether two symbols derive a common architecture: the least solution, found on demand."""

    def __init__(self, symbols: list[Symbol]) -> None:
        self.symbols = symbols
        self.known: dict[tuple[int, int], bool] = {}

    def __call__(self, one: int, two: int) -> bool:
        if one == two:
            return True
        pair = (min(one, two), max(one, two))
        if pair not in self.known:
            pairs = self._around(pair)
            holds = dict.fromkeys(pairs, False)
            changed = True
            while changed:
                changed = False
                for here in pairs:
                    if not holds[here] and self._holds(here, holds):
                        holds[here] = changed = True
            self.known.update(holds)
        return self.known[pair]

    def _steps(self, pair: tuple[int, int]) -> list[list[tuple[int, int]]]:
        one, two = self.symbols[pair[0]], self.symbols[pair[1]]
        return [
            [(min(a, b), max(a, b)) for a, b in zip(x.children, y.children, strict=True) if a != b]
            for name in one.heads.keys() & two.heads.keys()
            for x in (one.choices[i] for i in one.heads[name])
            for y in (two.choices[i] for i in two.heads[name])
            if x.terminal == y.terminal
        ]

    def _around(self, pair: tuple[int, int]) -> list[tuple[int, int]]:
        found, todo = {pair: None}, [pair]
        while todo:
            for step in self._steps(todo.pop()):
                for following in step:
                    if following not in found and following not in self.known:
                        found[following] = None
                        todo.append(following)
        return list(found)

    def _holds(self, pair: tuple[int, int], holds: dict[tuple[int, int], bool]) -> bool:
        return any(all(self.known.get(p, holds.get(p, False)) for p in step) for step in self._steps(pair))


def _refs(rule: Rule) -> list[Ref]:
    found: list[Ref] = []
    for alternative in rule.alternatives:
        if isinstance(alternative.pattern, Ref):
            found.append(alternative.pattern)
        else:
            found += [arg for call in calls(alternative.pattern) for arg in call.args if isinstance(arg, Ref)]
    return found


def _place(thing: Alternative | Rule) -> tuple[int, int]:
    return thing.line, thing.column


def _ambiguous(symbol: Symbol, one: Alternative, two: Alternative) -> GrammarError:
    if one.pattern == two.pattern:
        return GrammarError(
            f"{symbol.name} lists {two.pattern} twice; to make it likelier give it a weight instead:"
            f" `{two.pattern} [2]`",
            *_place(two),
        )
    return GrammarError(
        f"{symbol.name} derives the same architecture in two ways, by `{one.pattern}` and by `{two.pattern}`;"
        " give every architecture one derivation",
        *_place(two),
    )


def primitives(compiled: CompiledGrammar) -> tuple[str, ...]:
    """Return the names of all primitives, sorted."""
    return tuple(sorted({t.name for t in compiled.grammar.terminals() if isinstance(t, Primitive)}))
