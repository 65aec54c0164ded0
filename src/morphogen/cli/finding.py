"""From words to things: spaces and estimators by name, from grammar files and from Python files."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from morphogen.cli.errors import Wrong, hint

if TYPE_CHECKING:
    from morphogen.benchmarks import Benchmark
    from morphogen.spaces import GrammarError, Space
    from morphogen.strategies import Strategy

WIDTH = 76


def find_space(word: str) -> Space:
    """Return the space that `word` names: one of the catalogue, a grammar file, or `my.py:space`."""
    from morphogen.catalog import entries, find
    from morphogen.scripts import load_object

    known = [entry.name for entry in entries("space")]
    if word in known:
        return _as_space(word, find("space", word).load())
    path = Path(word)
    if path.is_dir():
        raise Wrong(f"{word} is a folder; a space is a name (`morphogen list spaces`) or a grammar file")
    if path.suffix == ".py":
        raise Wrong(f"{word} is a Python file: say what in it is meant, such as {word}:space")
    if path.exists():
        return _read_grammar(path)
    if ":" in word:
        return _as_space(word, load_object(word))
    if "/" in word or "." in word:
        raise Wrong(f"there is no file {word}; a space is a name (`morphogen list spaces`) or a grammar file")
    raise Wrong(
        f"there is no space called {word!r}; {hint(word, known)} (a grammar file or my.py:space will do, too)"
    )


def _as_space(word: str, found: Any) -> Space:
    from morphogen.spaces import Space

    made = found() if callable(found) else found
    if isinstance(made, str):
        made = Space.from_text(made, word.rpartition(":")[2])
    if not isinstance(made, Space):
        raise Wrong(
            f"{word} is {type(made).__name__}; it must be a Space, a function of one, or grammar text"
        )
    return made


def _read_grammar(path: Path) -> Space:
    from morphogen.spaces import GrammarError, Space

    try:
        return Space.from_file(path)
    except GrammarError as error:
        _point_at(path, error)


def _point_at(path: Path, error: GrammarError) -> NoReturn:
    """Raise a grammar's error with the line that is wrong, and a mark under the place in it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if not 1 <= error.line <= len(lines):
        raise error
    message, column = error.message.removeprefix(f"{path}: "), max(1, error.column)
    first = max(0, column - WIDTH + 10)  # of a long line, the part round the place is shown
    shown = lines[error.line - 1].replace("\t", " ")[first : first + WIDTH]
    mark = " " * (column - 1 - first) + "^"
    raise Wrong(f"{path}, line {error.line}, column {column}: {message}\n  {shown}\n  {mark}") from None


def find_benchmark(word: str, names: Sequence[str] = ()) -> Benchmark:
    """Return the table of the catalogue called `word`, such as `nasbench201/cifar100`, with the metrics `names`.

    One of them may be the table's objective, which then comes first; the others are told beside it.
    """
    from morphogen.benchmarks import Benchmark
    from morphogen.catalog import find

    name, _, dataset = word.partition("/")
    kind = find("benchmark", name).load()
    settings = [f"{fields(kind)[0].name}={dataset}"] if dataset else []
    configured(kind, word, settings)  # what is wrong with these is said first
    beside = "also" in {field.name for field in fields(kind)}

    def fits(setting: str) -> bool:
        try:
            configured(kind, word, [*settings, setting])
        except Wrong:
            return False
        return True

    mains = [name for name in names if fits(f"objective={name}")]
    if len(mains) > 1:
        raise Wrong(f"{word} knows one of {', '.join(mains)} at a time: name the others apart")
    rest = [name for name in names if name not in mains]
    if rest and not mains and beside and not fits(f"also={rest[0]}"):
        mains = [rest.pop(0)]  # whose error lists the objectives
    settings += [f"objective={name}" for name in mains]
    if rest and beside:
        settings.append(f"also={';'.join(rest)}")
    made = configured(kind, word, settings)
    assert isinstance(made, Benchmark)
    return made


# --- settings by name ---------------------------------------------------------------------------------------


def loaded(kind: str, word: str) -> Any:
    """Return the strategy or estimator called `word`, or what `my.py:NAME` names; a class where it has settings."""
    from morphogen.catalog import find
    from morphogen.scripts import load_object

    return load_object(word) if ":" in word else find(kind, word).load()


def shared_out(
    options: Sequence[str], strategy: str, estimator: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which options are settings of the strategy, and which of the estimator.

    A name that both know is the strategy's, one that neither knows is refused where both have settings.
    """
    theirs = {} if ":" in estimator else _fields_of(loaded("estimator", estimator))
    theirs.pop("data", None)
    if not options or not theirs:
        return tuple(options), ()
    mine = _fields_of(loaded("strategy", strategy))
    taken: tuple[list[str], list[str]] = ([], [])
    for option in options:
        name, equals, _ = option.partition("=")
        if equals and name not in mine and name not in theirs:
            close = difflib.get_close_matches(name, [*mine, *theirs], n=1)
            near = f" (did you mean {close[0]}?)" if close else ""
            raise Wrong(
                f"neither {strategy} nor {estimator} has a setting {name!r}{near}: "
                f"{strategy}: {_settings(strategy, mine)}; {estimator}: {_settings(estimator, theirs)}"
            )
        taken[name in theirs and name not in mine].append(option)
    return tuple(taken[0]), tuple(taken[1])


def _fields_of(kind: Any) -> dict[str, Field[Any]]:
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return {}
    return {field.name: field for field in fields(kind) if field.init}


def find_strategy(word: str, options: Sequence[str]) -> Strategy[Any]:
    """Return the strategy called `word` (or `my.py:Strategy`) with its settings."""
    from morphogen.strategies import Strategy

    made = loaded("strategy", word)
    if isinstance(made, type) and issubclass(made, Strategy):
        made = configured(made, word, options)
    elif options:
        raise Wrong(f"{word} is made already: name the class to set {', '.join(options)}")
    if not isinstance(made, Strategy):
        raise Wrong(f"{word} is {type(made).__name__}; it must be a Strategy")
    return made


def configured(kind: type[Any], word: str, options: Sequence[str], **given: Any) -> Any:
    """Return `kind` made of `given` and of options such as `population=30`, read as its fields are typed.

    Raises:
        Wrong: an option that is no setting, or a value that does not fit.
    """
    known = {field.name: field for field in fields(kind) if field.init and field.name not in given}
    hints = get_type_hints(kind, include_extras=False)
    values = dict(given)
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise Wrong(f"write a setting as name=value, not {option!r}; {_settings(word, known)}")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            near = f" (did you mean {close[0]}?)" if close else ""
            raise Wrong(f"{word} has no setting {name!r}{near}; {_settings(word, known)}")
        try:
            values[name] = read_value(text, hints[name])
        except ValueError as error:
            raise Wrong(f"{word}: {name} must be {error}, not {text!r}") from None
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        raise Wrong(f"{word}: {error}") from error


def _settings(word: str, known: Mapping[str, Field[Any]]) -> str:
    shown = [
        field.name if field.default is MISSING else f"{field.name}={_plain(field.default)}"
        for field in known.values()
    ]
    return f"it takes {', '.join(shown)}" if shown else f"{word} has no settings"


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def read_value(text: str, kind: Any) -> Any:
    """Return the value of type `kind` that `text` means; raise `ValueError` with what was expected.

    A tuple is written as its parts with `;` between them, or as @FILE with one part a line.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if NoneType in inner and text.lower() == "none":
            return None
        choices = [option for option in inner if option is not NoneType]
        simple = [option for option in choices if option in (int, float, str, bool)] or choices
        return read_value(text, simple[0])
    if origin is tuple:
        part = inner[0] if inner else str
        if text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8").replace("\n", ";")
        return tuple(read_value(line.strip(), part) for line in text.split(";") if line.strip())
    if origin is Literal:
        return _chosen(text, {str(value): value for value in inner})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _chosen(text, {str(member.value): member for member in kind})
    if kind is bool:
        words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False}
        return _chosen(text.lower(), words | {"off": False, "0": False})
    if kind in (int, float):
        return _number(text, kind)
    if kind is str:
        return text
    if hasattr(kind, "parse"):  # a kind of method that is written as a word, such as a pool rule
        return kind.parse(text)
    return _by_name(text, kind)


def _by_name(text: str, kind: Any) -> Any:
    """Return the method of the catalogue called `text`, as it is made unless told otherwise."""
    from morphogen.catalog import UnknownName, entries, find

    word = str(getattr(kind, "__name__", "")).lower()
    if not any(entries(word)):
        raise ValueError(f"set in Python (it is {kind})")
    try:
        return find(word, text).load()()
    except UnknownName as error:
        raise ValueError(f"a {word} by name ({error})") from None


def _chosen(text: str, choices: Mapping[str, Any]) -> Any:
    if text not in choices:
        raise ValueError(f"one of {', '.join(choices)}")
    return choices[text]


def _number(text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError("a whole number" if kind is int else "a number") from None
