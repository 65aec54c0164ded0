"""Classes and calls as values, and their text in the layout that `ruff format` gives it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, final

LONGEST: Final = 88
"""Characters in a line; what formatters take when they are told nothing."""

INDENT: Final = 4


class Width(NamedTuple):
    """A number of channels: `factor` times the argument called `name`, or the number itself without a name."""

    name: str
    factor: int

    def __str__(self) -> str:
        if not self.name or self.factor == 1:
            return self.name or str(self.factor)
        return f"{self.factor} * {self.name}"

    def times(self, factor: int) -> Width:
        """Return so many times the width."""
        return Width(self.name, self.factor * factor)


@final
@dataclass(frozen=True)
class Call:
    """Something called: a class of the file, or a name such as `nn.ReLU`."""

    callee: Class | str
    arguments: tuple[Argument, ...] = ()


Argument: TypeAlias = "Call | Width | str"


@final
@dataclass(frozen=True)
class Class:
    """A module class. Equal classes are one in the file.

    base: its name, but for a number that tells it from others. arguments: of the constructor, with their
    types. fields: each an attribute, or, without `forward`, a part of an `nn.Sequential`. forward: the lines of
    the forward pass, which reads `inputs`. text: the whole class where it is known word by word.
    """

    base: str
    about: str
    arguments: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, Argument], ...] = ()
    forward: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ("x",)
    text: str = ""

    @property
    def sequential(self) -> bool:
        """Whether its parts follow one another."""
        return not self.forward and not self.text


def classes(call: Call) -> Iterator[Class]:
    """Yield the classes that a call needs, each behind those that it needs itself; repeats occur."""
    for argument in call.arguments:
        if isinstance(argument, Call):
            yield from classes(argument)
    if isinstance(call.callee, Class):
        yield from needed(call.callee)


def needed(module: Class) -> Iterator[Class]:
    """Yield the classes that `module` needs, and at last itself."""
    for _, part in module.fields:
        if isinstance(part, Call):
            yield from classes(part)
    yield module


def named(modules: Iterable[Class], taken: Iterable[str]) -> dict[Class, str]:
    """Return a name for each class: its base, with a number where several have it or it is `taken`."""
    found = list(dict.fromkeys(modules))
    shared: dict[str, list[Class]] = {}
    for module in found:
        shared.setdefault(module.base, []).append(module)
    used = {*taken, *(base for base, members in shared.items() if len(members) == 1)}
    names = {}
    for module in found:
        base, members = module.base, shared[module.base]
        if len(members) == 1 and base not in taken:
            names[module] = base
            continue
        number = members.index(module) + 1
        gap = "_" if base[-1].isdigit() else ""
        while f"{base}{gap}{number}" in used:
            number += len(members)
        names[module] = f"{base}{gap}{number}"
        used.add(names[module])
    return names


@final
@dataclass(frozen=True)
class Writer:
    """Puts classes into text, by the names that they were given."""

    names: Mapping[Class, str]

    def module(self, module: Class) -> str:
        """Return the lines of a class."""
        if module.text:
            return module.text
        parent = "nn.Sequential" if module.sequential else "nn.Module"
        lines = [f"class {self.names[module]}({parent}):", *docstring(module.about, INDENT)]
        if module.fields:
            lines += ["", *self._constructor(module)]
        if module.forward:
            inputs = ", ".join(f"{name}: Tensor" for name in module.inputs)
            lines += ["", f"    def forward(self, {inputs}) -> Tensor:"]
            lines += [f"        {line}" for line in module.forward]
        return "\n".join(lines)

    def _constructor(self, module: Class) -> Iterator[str]:
        words = ", ".join(["self", *(f"{name}: {kind}" for name, kind in module.arguments)])
        yield f"    def __init__({words}) -> None:"
        if module.sequential:
            yield from self.lines(Call("super().__init__", tuple(part for _, part in module.fields)), 8)
            return
        yield "        super().__init__()"
        for name, part in module.fields:
            yield from self.lines(part, 8, f"self.{name} = ")

    def lines(self, part: Argument, indent: int, before: str = "", after: str = "") -> list[str]:
        """Return an expression on one line where it fits, else with one argument a line."""
        pad = " " * indent
        line = f"{pad}{before}{self._flat(part)}{after}"
        if not isinstance(part, Call) or (len(line) <= LONGEST and not _spread(part)):
            return [line]
        words = ", ".join(map(self._flat, part.arguments))
        if indent + INDENT + len(words) <= LONGEST and not any(isinstance(a, Call) for a in part.arguments):
            return [f"{pad}{before}{self._name(part)}(", f"{pad}    {words}", f"{pad}){after}"]
        inside = [line for a in part.arguments for line in self.lines(a, indent + INDENT, after=",")]
        return [f"{pad}{before}{self._name(part)}(", *inside, f"{pad}){after}"]

    def _flat(self, part: Argument) -> str:
        if not isinstance(part, Call):
            return str(part)
        return f"{self._name(part)}({', '.join(map(self._flat, part.arguments))})"

    def _name(self, call: Call) -> str:
        return call.callee if isinstance(call.callee, str) else self.names[call.callee]


def _spread(part: Argument) -> bool:
    """Whether an expression is easier to read with one argument a line, though it may fit on one."""
    return isinstance(part, Call) and any(
        _spread(argument) or (isinstance(argument, Call) and len(part.arguments) > 1)
        for argument in part.arguments
    )


def docstring(text: str, indent: int) -> list[str]:
    """Return a docstring of one sentence, capitalized and closed."""
    import textwrap

    sentence = f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
    pad = " " * indent
    sentence = sentence.replace("\\", "\\\\").replace('"""', "'''")
    if len(pad) + len(sentence) + 6 <= LONGEST:
        return [f'{pad}"""{sentence}"""']
    first, *rest = textwrap.wrap(sentence, LONGEST - len(pad) - 3)
    return [f'{pad}"""{first}', *(f"{pad}{line}" for line in rest), f'{pad}"""']


def total(terms: Iterable[str], before: str, indent: int) -> list[str]:
    """Return a sum behind `before`, in parentheses on several lines where it is long."""
    parts = list(terms)
    line = before + " + ".join(parts)
    if indent + len(line) <= LONGEST or len(parts) == 1:
        return [line]
    inside = [" + ".join(parts)]
    if indent + INDENT + len(inside[0]) > LONGEST:
        inside = [f"{'+ ' if number else ''}{part}" for number, part in enumerate(parts)]
    return [f"{before}(", *(f"    {line}" for line in inside), ")"]


def quoted(text: str) -> str:
    """Return a string literal in double quotes, or in single ones where that spares escapes."""
    literal = repr(text)
    if literal[0] == "'" and '"' not in text:
        body = literal[1:-1].replace("\\'", "'")
        return f'"{body}"'
    return literal


def sequence(name: str, items: Iterable[str]) -> list[str]:
    """Return a tuple assigned to `name`."""
    parts = list(items)
    line = f"{name} = ({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if len(line) <= LONGEST:
        return [line]
    return [f"{name} = (", *(f"    {part}," for part in parts), ")"]
