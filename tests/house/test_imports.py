"""Who may know whom: the import rules of the design, held against every import wherever it stands."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

# From the bottom up. Arrows point down only; the rooms of one row do not know each other.
ROWS: tuple[tuple[str, ...], ...] = (
    ("graph", "seeding", "scripts"),
    ("architecture",),
    ("spaces", "records"),
    ("journal", "recipes", "found_recipe", "goals"),
    ("predictors", "networks"),
    ("analysis",),
    ("strategies", "supernet"),
    ("estimators",),
    ("study", "benchmarks"),
    ("catalog", "testing", "pools", "comparing", "budgeted"),
    ("evidence", "classifier"),
    ("",),  # the face of the package
    ("report",),
    ("cli",),
    ("__main__",),
)
ROW = {room: row for row, rooms in enumerate(ROWS) for room in rooms}

# Arrows that point down and are forbidden all the same.
NEVER: dict[str, set[str]] = {
    "strategies": {"journal", "networks"},
    "journal": {"spaces"},
    "benchmarks": {"strategies"},
}
# Only the command line speaks to these (and the face of the package may hand them on).
FOR_THE_COMMAND_LINE = {"cli", "report", "evidence", "testing"}

# The discrete side: NumPy at most, and what a single room needs.
DISCRETE: dict[str, set[str]] = {
    "graph": set(),
    "architecture": set(),
    "seeding": {"numpy"},
    "records": {"numpy"},
    "recipes": {"numpy"},
    "goals": set(),
    "spaces": {"numpy", "lark"},
    "strategies": {"numpy", "immutables"},
    "journal": {"psycopg"},
    "study": {"numpy", "ray", "submitit", "pandas", "matplotlib", "IPython"},
}

# In these rooms every file is a method of its own. It may import the files named here, no other of its room.
SHARED: dict[str, set[str]] = {
    "spaces": {"space", "grammar", "text", "compiled", "constraints", "count", "moves", "encodings"},
    "strategies": {"strategy", "seen", "candidates"},
    "estimators": {"estimator", "of_regions"},
    "predictors": {
        "predictor",
        "features",
        "graph_features",
        "graph_batch",
        "acquisition",
        "folds",
        "trees",
        "perceptrons",
        "inference",
        "frame",
        "stacked",
    },
    "supernet": {
        "supernet",
        "relaxation",
        "slots",
        "mixing",
        "routes",
        "scaling",
        "braid",
        "fan",
        "wiring",
        "stack",
        "schedule",
        "measuring",
        "passes",
    },
    "benchmarks": {"benchmark", "files", "own_table", "pickles"},
    "journal": {"journal", "lease"},
    "analysis": {"intervals", "sample_efficiency", "significance", "trajectory", "dominance", "hypervolume"},
}
# A file that picks among the methods of its room, by a word or a URL; no method imports it.
PICKS = {"morphogen.journal.opening", "morphogen.predictors.rank_ensemble"}


@dataclass(frozen=True)
class Module:
    """A file, and what it imports: the full name and the line of each import."""

    name: str
    is_face: bool
    imports: tuple[tuple[str, int], ...]

    @property
    def room(self) -> str:
        """The first name below the package; nothing for the face of the package itself."""
        return room_of(self.name)


def room_of(name: str) -> str:
    return (name.split(".") + [""])[1]


def read(source: Path) -> dict[str, Module]:
    """Return the modules of the package `morphogen` in the folder `source`, by name."""
    files = {}
    for path in sorted((source / "morphogen").rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    modules = {}
    for name, path in files.items():
        is_face = path.name == "__init__.py"
        here = name if is_face else name.rpartition(".")[0]
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        modules[name] = Module(name, is_face, tuple(dict.fromkeys(imported(tree, here, files.keys()))))
    return modules


def imported(tree: ast.Module, here: str, known: Container[str]) -> Iterator[tuple[str, int]]:
    """Yield every import: at the top, in a function, for types only, or by `import_module` with a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here.split(".")[: len(here.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                deeper = f"{module}.{alias.name}"
                yield deeper if deeper in known else module, node.lineno
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            text = node.args[0]
            if called in {"import_module", "__import__"} and isinstance(text, ast.Constant):
                yield str(text.value), node.lineno


def inside(module: Module) -> Iterator[tuple[str, int]]:
    return ((name, line) for name, line in module.imports if name.split(".")[0] == "morphogen")


# --- the rules: each yields a sentence for every import that breaks it -------------------------------------


def upward(modules: dict[str, Module]) -> Iterator[str]:
    for module in modules.values():
        for name, line in inside(module):
            here, there = module.room, room_of(name)
            if here != there and {here, there} <= ROW.keys() and ROW[there] >= ROW[here]:
                yield f"{module.name}:{line} imports {name}: arrows point down, and never along a row"


def unnamed(modules: dict[str, Module]) -> Iterator[str]:
    rooms = {module.room for module in modules.values()}
    return (f"morphogen.{room}: no row is named for it" for room in sorted(rooms - ROW.keys()))


def forbidden(modules: dict[str, Module]) -> Iterator[str]:
    for module in modules.values():
        for name, line in inside(module):
            here, there = module.room, room_of(name)
            if there in NEVER.get(here, set()):
                yield f"{module.name}:{line} imports {name}: {here} never knows {there}"
            if there in FOR_THE_COMMAND_LINE - {here} and here not in {"", "cli", "__main__"}:
                yield f"{module.name}:{line} imports {name}: only the command line knows {there}"


def foreign(modules: dict[str, Module]) -> Iterator[str]:
    for module in modules.values():
        if module.room not in DISCRETE:
            continue
        allowed = DISCRETE[module.room] | sys.stdlib_module_names | {"morphogen"}
        for name, line in module.imports:
            if name.split(".")[0] not in allowed:
                yield f"{module.name}:{line} imports {name}: the discrete side knows NumPy at most"


def between_leaves(modules: dict[str, Module]) -> Iterator[str]:
    for module in modules.values():
        if module.is_face or module.name in PICKS or module.room not in SHARED:
            continue
        for name, line in inside(module):
            if room_of(name) == module.room and (name.split(".") + [""])[2] not in SHARED[module.room]:
                yield f"{module.name}:{line} imports {name}: a method never imports another of its family"


def circles(modules: dict[str, Module]) -> Iterator[str]:
    """Importing a module runs the faces above it too, except those that are being imported already."""
    graph: dict[str, set[str]] = {}
    for module in modules.values():
        graph[module.name] = {name for name, _ in inside(module) if name != module.name}
        for name in list(graph[module.name]):
            while name := name.rpartition(".")[0]:
                if not f"{module.name}.".startswith(f"{name}."):
                    graph[module.name].add(name)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield "a circle: " + " imports ".join(reversed(error.args[1]))


Rule: TypeAlias = Callable[[dict[str, Module]], Iterator[str]]
RULES: tuple[Rule, ...] = (upward, unnamed, forbidden, foreign, between_leaves, circles)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_imports_follow_the_design(rule: Rule, root: Path) -> None:
    modules = read(root / "src")
    assert len(modules) > 15
    broken = list(rule(modules))
    assert not broken, "\n".join(broken)


def test_every_shared_file_is_there(root: Path) -> None:
    package = root / "src/morphogen"
    named = [package / room / f"{file}.py" for room, files in SHARED.items() for file in sorted(files)]
    gone = [str(path.relative_to(root)) for path in named if path.parent.is_dir() and not path.is_file()]
    assert not gone, f"named in SHARED, and not there: {gone}"


# --- the rules can fail ------------------------------------------------------------------------------------

PLANTED: dict[str, tuple[Rule, str, str]] = {
    "up": (upward, "records.py", "from morphogen.journal.journal import Journal"),
    "along a row": (upward, "records.py", "from morphogen.spaces import Space"),
    "inside a function": (upward, "graph.py", "def f():\n    import morphogen.architecture"),
    "for types only": (upward, "graph.py", "if TYPE_CHECKING:\n    from morphogen import architecture"),
    "by a text": (upward, "graph.py", "importlib.import_module('morphogen.architecture')"),
    "relative": (upward, "spaces/space.py", "from ..records import Trial"),
    "the face of the package": (upward, "records.py", "import morphogen as mg"),
    "a new room": (unnamed, "tools.py", ""),
    "strategies know the journal": (
        forbidden,
        "strategies/evolution.py",
        "from morphogen.journal import Journal",
    ),
    "a benchmark knows strategies": (forbidden, "benchmarks/cell.py", "import morphogen.strategies"),
    "a space knows testing": (forbidden, "spaces/space.py", "import morphogen.testing"),
    "torch in a strategy": (foreign, "strategies/evolution.py", "def f():\n    import torch.nn as nn"),
    "scikit-learn in a space": (foreign, "spaces/space.py", "from sklearn.svm import SVC"),
    "leaf to leaf": (
        between_leaves,
        "strategies/evolution.py",
        "from morphogen.strategies.listed import Listed",
    ),
    "leaf to its own face": (
        between_leaves,
        "strategies/evolution.py",
        "from morphogen.strategies import Listed",
    ),
    "contract to leaf": (between_leaves, "strategies/strategy.py", "from .listed import Listed"),
    "a circle through a face": (circles, "spaces/space.py", "from morphogen.spaces import moves"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_import_is_found(case: str, tmp_path: Path) -> None:
    rule, place, line = PLANTED[case]
    tree = {
        "__init__.py": "",
        "graph.py": "",
        "architecture.py": "import hashlib\nfrom morphogen.graph import Graph",
        "records.py": "",
        "journal/__init__.py": "",
        "journal/journal.py": "",
        "spaces/__init__.py": "from morphogen.spaces.moves import mutate",
        "spaces/moves.py": "from morphogen.spaces.space import Space",
        "spaces/space.py": "from morphogen.architecture import Architecture",
        "strategies/__init__.py": "from morphogen.strategies.evolution import Evolution",
        "strategies/strategy.py": "from morphogen.spaces import Space",
        "strategies/evolution.py": "from morphogen.strategies.strategy import Strategy",
        "strategies/listed.py": "from morphogen.strategies.strategy import Strategy, State",
    }
    write(tmp_path / "sound", tree)
    assert list(rule(read(tmp_path / "sound"))) == []
    write(tmp_path / "planted", {**tree, place: f"{tree.get(place, '')}\n{line}\n"})
    assert len(list(rule(read(tmp_path / "planted")))) == 1


def write(source: Path, tree: dict[str, str]) -> None:
    for place, text in tree.items():
        path = source / "morphogen" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
