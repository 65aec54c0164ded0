"""Reading grammars and architectures from text."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from morphogen.architecture import (
    CONSTRUCTORS,
    VARIADIC,
    Architecture,
    ArchitectureError,
    Constructor,
    Primitive,
    Terminal,
    Topology,
    builtin,
)
from morphogen.spaces.constraints import Constraint, constraint
from morphogen.spaces.grammar import Alternative, Call, Grammar, GrammarError, Pattern, Ref, Rule

_GRAMMAR = r"""
    start: statement*
    ?statement: rule | first | depth | require | topology | constructor
    rule: NONTERMINAL "->" alternative ("|" alternative)*
    first: "start" NONTERMINAL
    depth: "depth" NUMBER
    require: "require" NAME ["(" argument ("," argument)* ")"]
    topology: "topology" NAME ":" edge+
    constructor: "constructor" NAME NUMBER
    edge: NUMBER "-" NUMBER
    ?argument: NAME | NUMBER
    alternative: pattern ["[" NUMBER "]"]
    ?pattern: ref | call
    ref: NONTERMINAL
    call: (NAME | NUMBER) ["(" pattern ("," pattern)* ")"]
    NONTERMINAL: /[A-Z][A-Za-z0-9_]*/
    NAME: /[a-z][A-Za-z0-9_.+]*|[0-9]+[.A-Za-z_][A-Za-z0-9_.]*/
    NUMBER: /[0-9]+(?![.A-Za-z_0-9])/
    %import common.WS
    COMMENT: /#[^\n]*/
    %ignore WS
    %ignore COMMENT
"""


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=True, propagate_positions=True)


def read_grammar(text: str) -> Grammar:
    """Read a grammar from text.

    One rule is `NAME -> alternative | alternative`, with nonterminals in upper case; an alternative may end
    in a weight, `conv3x3 [2]`. Beside rules stand `start NAME` (default: the first rule), `depth 6`, `require
    connected`, `topology diamond: 1-2 1-3 2-4 3-4` and `constructor recipe 3`. Comments begin with #.

    Raises:
        GrammarError: with line and column.
    """
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None
    try:
        return _Reader(tree).transform(tree)  # type: ignore[no-any-return]
    except VisitError as error:
        if isinstance(error.orig_exc, GrammarError):
            raise error.orig_exc from None
        raise


_WORDS = {
    "NONTERMINAL": "a nonterminal (upper case)",
    "NAME": "a name",
    "NUMBER": "a number",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "VBAR": "`|`",
    "COMMA": "`,`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "MINUS": "`-`",
    "COLON": "`:`",
    "RULE": "a rule (`NAME -> ...`, its name in upper case)",
}
_STATEMENTS = {"NONTERMINAL", "START", "DEPTH", "REQUIRE", "TOPOLOGY", "CONSTRUCTOR"}


def _syntax_error(error: UnexpectedInput, text: str) -> GrammarError:
    line, column = error.line, error.column
    if isinstance(error, UnexpectedEOF) or (
        isinstance(error, UnexpectedToken) and error.token.type == "$END"
    ):
        rows = text.rstrip().split("\n")
        line, column, got = len(rows), len(rows[-1]) + 1, "the end of the text"
    elif isinstance(error, UnexpectedToken):
        got = f"`{error.token}`"
    else:
        got = f"`{text[error.pos_in_stream or 0]}`"
    expected = error.allowed if isinstance(error, UnexpectedCharacters) else getattr(error, "expected", ())
    names = set(expected or ()) - {"$END"}
    if names >= _STATEMENTS:
        names = names - _STATEMENTS | {"RULE"}
    wanted = sorted(_WORDS.get(name, f"`{name.lower()}`") for name in names)
    if wanted == ["`__anon_0`"] or "__ANON_0" in (expected or ()):
        return GrammarError(f"expected `->` after a nonterminal, got {got}", line, column)
    return GrammarError(f"got {got} where {' or '.join(wanted) or 'nothing more'} was expected", line, column)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the known word nearest to `word`, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


@v_args(meta=True)
class _Reader(Transformer[Token, Any]):
    """Turns the parse tree into a grammar; declarations were collected before, so they may stand anywhere."""

    def __init__(self, tree: Any) -> None:
        super().__init__()
        self.declared: dict[str, Terminal] = {}
        for node in tree.iter_subtrees_topdown():
            if node.data in ("topology", "constructor"):
                name = node.children[0]
                if name in self.declared or name in VARIADIC or name in CONSTRUCTORS:
                    raise GrammarError(
                        f"{name} is there already; choose another name", name.line, name.column
                    )
                try:
                    self.declared[str(name)] = self._declare(node)
                except ArchitectureError as error:
                    raise GrammarError(str(error), name.line, name.column) from None

    @staticmethod
    def _declare(node: Any) -> Terminal:
        name, *rest = node.children
        if node.data == "constructor":
            if int(rest[0]) < 1:
                raise ArchitectureError(f"{name}: a constructor needs at least one part")
            return Constructor(str(name), int(rest[0]))
        return Topology(str(name), tuple((int(edge.children[0]), int(edge.children[1])) for edge in rest))

    def start(self, meta: Any, statements: list[Any]) -> Grammar:
        rules = tuple(s for s in statements if isinstance(s, Rule))
        if not rules:
            raise GrammarError("a grammar needs at least one rule, such as `OP -> conv3x3 | identity`", 1, 1)
        named: dict[str, Rule] = {}
        for rule in rules:
            if rule.name in named:
                raise GrammarError(
                    f"{rule.name} is defined twice (first in line {named[rule.name].line}); join them by |",
                    rule.line,
                    rule.column,
                )
            named[rule.name] = rule
        firsts = [s for s in statements if isinstance(s, Ref)]
        depths = [s for s in statements if isinstance(s, tuple)]
        for kind, found in (("start", firsts), ("depth", depths)):
            if len(found) > 1:
                raise GrammarError(f"{kind} is given twice", *_place(found[1]))
        if firsts and firsts[0].name not in named:
            raise GrammarError(
                f"{firsts[0].name} has no rule{nearest(firsts[0].name, named)}",
                firsts[0].line,
                firsts[0].column,
            )
        constraints = tuple(s for s in statements if isinstance(s, Constraint))
        return Grammar(
            start=firsts[0].name if firsts else rules[0].name,
            rules=rules,
            depth=depths[0][0] if depths else None,
            constraints=constraints,
        )

    def rule(self, meta: Any, children: list[Any]) -> Rule:
        name, *alternatives = children
        return Rule(str(name), tuple(alternatives), meta.line, meta.column)

    def first(self, meta: Any, children: list[Token]) -> Ref:
        return Ref(str(children[0]), children[0].line or 0, children[0].column or 0)

    def depth(self, meta: Any, children: list[Token]) -> tuple[int, int, int]:
        if int(children[0]) < 1:
            raise GrammarError("depth must be at least 1", meta.line, meta.column)
        return int(children[0]), meta.line, meta.column

    def require(self, meta: Any, children: list[Token]) -> Constraint:
        name, *arguments = children
        given = tuple(int(a) if a.type == "NUMBER" else str(a) for a in arguments if a is not None)
        try:
            return constraint(str(name), given)
        except ValueError as error:
            raise GrammarError(str(error), meta.line, meta.column) from None

    def alternative(self, meta: Any, children: list[Any]) -> Alternative:
        pattern, weight = children
        if weight is not None and int(weight) < 1:
            raise GrammarError("a weight must be at least 1", weight.line, weight.column)
        return Alternative(pattern, 1 if weight is None else int(weight), meta.line, meta.column)

    def ref(self, meta: Any, children: list[Token]) -> Ref:
        return Ref(str(children[0]), meta.line, meta.column)

    def call(self, meta: Any, children: list[Any]) -> Call:
        name, *args = children
        given: tuple[Pattern, ...] = tuple(a for a in args if a is not None)
        try:
            return Call(terminal_named(str(name), len(given), self.declared), given)
        except ArchitectureError as error:
            raise GrammarError(str(error), meta.line, meta.column) from None

    def topology(self, meta: Any, children: list[Any]) -> None:
        return None

    def constructor(self, meta: Any, children: list[Any]) -> None:
        return None


def _place(statement: Any) -> tuple[int, int]:
    return (statement.line, statement.column) if isinstance(statement, Ref) else (statement[1], statement[2])


def terminal_named(name: str, count: int, declared: dict[str, Terminal]) -> Terminal:
    """Return the terminal `name` for `count` arguments: declared, built in, or (without any) a primitive.

    Raises:
        ArchitectureError: a wrong number of arguments, or a name with arguments that nobody knows.
    """
    if name in declared:
        if declared[name].arity != count:
            raise ArchitectureError(f"{name} takes {declared[name].arity} arguments, got {count}")
        return declared[name]
    known = builtin(name, count)
    if known is not None:
        return known
    if count:
        raise ArchitectureError(
            f"{name} takes no arguments{nearest(name, [*declared, *VARIADIC, *CONSTRUCTORS])} (to give it"
            f" some, declare it: `topology {name}: 1-2 2-3` or `constructor {name} {count}`)"
        )
    return Primitive(name)


_TOKEN = re.compile(r"\s*([A-Za-z0-9_.+]+|[(),])")


def read_architecture(
    text: str, terminal: Callable[[str, int], Terminal], leaves: Mapping[str, Architecture] | None = None
) -> Architecture:
    """Read an architecture; `terminal` finds the terminal for a name and a number of arguments.

    leaves: parts without arguments that are there already, by name, to be shared by all that is read.

    Raises:
        ArchitectureError: with the column where the text goes wrong.
    """
    stack: list[tuple[str, list[Architecture]]] = []
    done: Architecture | None = None
    position, name = 0, ""
    known = dict(leaves or {})

    def fail(message: str) -> ArchitectureError:
        return ArchitectureError(f"column {position + 1}: {message}")

    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise fail(f"`{text[position:].lstrip()[0]}` does not belong in an architecture")
        token = match[1]
        if token == "(":
            if not name:
                raise fail("`(` must follow a name")
            stack.append((name, []))
            name = ""
        elif token in "),":
            if name:
                if name not in known:
                    known[name] = Architecture(terminal(name, 0))
                done, name = known[name], ""
            if done is None or not stack:
                raise fail(f"`{token}` without a part before it")
            stack[-1][1].append(done)
            done = None
            if token == ")":
                head, args = stack.pop()
                done = Architecture(terminal(head, len(args)), tuple(args))
        else:
            if name or done is not None:
                raise fail(f"`{token}` must follow `(` or `,`")
            name = token
        position = match.end()
    if name:
        done = Architecture(terminal(name, 0))
    if stack or done is None:
        raise fail(
            f"the text ends before {stack[-1][0]}( is closed" if stack else "there is no architecture here"
        )
    return done
