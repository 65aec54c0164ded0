"""What a file may look like: its first line, its name, its length; and tests that do not look away."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST = 400
NAMELESS = {"utils", "util", "core", "common", "helpers", "helper", "base", "manager", "misc"}
MACHINE = re.compile(r"(?<![\w.:/*<>}-])/(?:work|tmp|root|home|Users)/")


def sources(root: Path) -> list[Path]:
    return sorted((root / "src/morphogen").rglob("*.py"))


def test_every_file_says_what_it_is(root: Path) -> None:
    files = [
        *sources(root),
        *(path for folder in ("tests", "examples", "benchmarks") for path in (root / folder).rglob("*.py")),
    ]
    mute = [str(path.relative_to(root)) for path in files if not ast.get_docstring(parse(path))]
    assert not mute, f"no docstring: {mute}"


def test_no_file_is_long(root: Path) -> None:
    lengths = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in sources(root)}
    long = {path: length for path, length in lengths.items() if length > LONGEST}
    assert not long, f"over {LONGEST} lines, a noun may be missing: {long}"


def test_every_name_is_a_noun_of_the_house(root: Path) -> None:
    places = {path.relative_to(root).with_suffix("") for path in sources(root)}
    nameless = {str(place) for place in places if NAMELESS & {part.strip("_") for part in place.parts}}
    assert not nameless, f"a noun is missing: {sorted(nameless)}"


# --- faces only hand on names ------------------------------------------------------------------------------


def definitions(tree: ast.Module, *, top: bool) -> Iterator[int]:
    """Yield the line of everything in a face that does more than hand on names; the top one may be lazy."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) or is_docstring(node):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not node.orelse:
            if all(isinstance(inner, ast.Import | ast.ImportFrom) for inner in node.body):
                continue
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if top or all(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                continue
        elif top and isinstance(node, ast.FunctionDef) and node.name in {"__getattr__", "__dir__"}:
            continue
        yield node.lineno


def is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_faces_define_nothing(root: Path) -> None:
    package = root / "src/morphogen"
    broken = [
        f"{path.relative_to(root)}:{line}"
        for path in sources(root)
        if path.name == "__init__.py"
        for line in definitions(parse(path), top=path.parent == package)
    ]
    assert not broken, f"more than names: {broken}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('"""A face."""\nfrom a import b\n__all__ = ["b"]\n', []),
        ("if TYPE_CHECKING:\n    import a\n", []),
        ("def f():\n    pass\n", [1]),
        ("limit = 3\n", [1]),
        ("class A:\n    pass\nprint(A)\n", [1, 3]),
        ("def __getattr__(name):\n    return name\n", [1]),
        ("if TYPE_CHECKING:\n    x = 1\n", [1]),
    ],
)
def test_a_definition_in_a_face_is_found(text: str, lines: list[int]) -> None:
    assert list(definitions(ast.parse(text), top=False)) == lines


# --- paths of one machine ----------------------------------------------------------------------------------


def test_no_file_names_a_path_of_one_machine(root: Path) -> None:
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        pytest.skip(reason="not a git checkout: which files belong to the project is not known")
    listing = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = []
    for name in filter(None, listing.split("\0")):
        path = root / name
        if not path.is_file() or path == Path(__file__).resolve():
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture or an archive
        found += [f"{name}:{number}" for number, line in enumerate(lines, 1) if MACHINE.search(line)]
    assert not found, f"a path that is there on one machine only: {found}"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('open("/tmp/x")', True),
        ("cd /work/main", True),
        ("data at /home/me/data", True),
        ("https://example.org/home/page", False),
        ("../shared/work/x", False),
        ("a /workshop/x", False),
    ],
)
def test_a_machine_path_is_found(line: str, found: bool) -> None:
    assert bool(MACHINE.search(line)) == found


# --- tests do not look away --------------------------------------------------------------------------------

BROAD = {"Exception", "BaseException", "AssertionError"}


def looking_away(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield skips and expected failures without a reason, and handlers that swallow an assertion."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            if called in {"pytest.skip", "pytest.xfail"}:
                reason = keywords.get("reason", node.args[0] if node.args else None)
            elif called in {
                "pytest.mark.skip",
                "pytest.mark.skipif",
                "pytest.mark.xfail",
                "pytest.importorskip",
            }:
                reason = keywords.get("reason")
            elif called.endswith("suppress"):
                if BROAD & {ast.unparse(argument) for argument in node.args}:
                    yield node.lineno, "suppresses a failed assertion"
                continue
            else:
                continue
            if reason is None or (isinstance(reason, ast.Constant) and not str(reason.value or "").strip()):
                yield node.lineno, f"{called} without a reason"
        elif isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {ast.unparse(kind) for kind in caught if kind is not None}
            silent = all(
                isinstance(line, ast.Pass | ast.Continue) or is_docstring(line) for line in node.body
            )
            if silent and (node.type is None or BROAD & names):
                yield node.lineno, "swallows a failed assertion"
    for decorated in ast.walk(tree):
        for decorator in getattr(decorated, "decorator_list", ()):
            if ast.unparse(decorator) in {"pytest.mark.skip", "pytest.mark.xfail"}:
                yield decorator.lineno, f"{ast.unparse(decorator)} without a reason"


def test_no_test_looks_away(root: Path) -> None:
    broken = [
        f"{path.relative_to(root)}:{line} {what}"
        for path in sorted((root / "tests").rglob("*.py"))
        for line, what in looking_away(parse(path))
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("pytest.skip()", 1),
        ("pytest.skip('')", 1),
        ("pytest.skip(reason='no data')", 0),
        ("@pytest.mark.skip\ndef test(): ...", 1),
        ("@pytest.mark.skipif(True)\ndef test(): ...", 1),
        ("@pytest.mark.xfail(reason='the bug of line 3')\ndef test(): ...", 0),
        ("try:\n    f()\nexcept Exception:\n    pass", 1),
        ("try:\n    f()\nexcept (ValueError, AssertionError):\n    pass", 1),
        ("try:\n    f()\nexcept ValueError:\n    pass", 0),
        ("try:\n    f()\nexcept:\n    pass", 1),
        ("with contextlib.suppress(Exception):\n    f()", 1),
    ],
)
def test_looking_away_is_found(text: str, count: int) -> None:
    assert len(list(looking_away(ast.parse(text)))) == count
