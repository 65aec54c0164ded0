"""Objects in the user's own Python files, named like `my.py:train` (or `package.module:train`)."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import linecache
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_PREFIX: Final = "morphogen_script_"


class ScriptError(ValueError):
    """A reference to a Python object that cannot be followed; the message says where it ends."""


def load_object(reference: str) -> Any:
    """Return the object that `reference` names; its file runs once in each process, and anew when it changed.

    reference: `FILE.py:NAME`, or `MODULE:NAME` for something that is installed. NAME may have dots.

    Raises:
        ScriptError: no such file, no such name in it, or an error while the file runs (with its line).
    """
    place, colon, name = reference.rpartition(":")
    if not colon or not place or not name:
        raise ScriptError(f"{reference}: write FILE.py:NAME, such as my.py:train")
    module = _script(Path(place)) if place.endswith(".py") else _module(place)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            names = [n for n in vars(found) if not n.startswith("_")] if hasattr(found, "__dict__") else []
            near = difflib.get_close_matches(part, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(names[:8]) or 'no names'}"
            raise ScriptError(f"{place} has no {name}{hint}")
        found = getattr(found, part)
    return found


def reference_to(target: Any) -> str:
    """Return the reference under which another process finds a function or class.

    Raises:
        ScriptError: it was defined inside a function, as a lambda, or where there is no file.
    """
    name, module = getattr(target, "__qualname__", repr(target)), getattr(target, "__module__", "")
    if "<" in name:
        raise ScriptError(f"{name}: other processes find it only at the top level of a file; define it there")
    if module in ("__main__", "__mp_main__") or module.startswith(_PREFIX):
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is None or not Path(file).is_file():
            raise ScriptError(
                f"{name}: other processes find it only in a file; write it into one, such as my.py"
            )
        return f"{Path(file).resolve()}:{name}"
    return f"{module}:{name}"


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name + ".").startswith(error.name + "."):
            raise ScriptError(
                f"{name}: no module has this name; a file is written as FILE.py:NAME"
            ) from error
        raise


def _script(file: Path) -> ModuleType:
    """Return the module of a file: the running program if it is that, else loaded under a name of its own."""
    path = file.resolve()
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, beside, n=1)
        hint = f"; did you mean {near[0]}?" if near else f" in {path.parent}"
        raise ScriptError(f"{file}: no such file{hint}")
    for name in ("__main__", "__mp_main__"):
        running = sys.modules.get(name)
        if running and (own := getattr(running, "__file__", None)) and Path(own).resolve() == path:
            return running
    stamp = path.stat()
    version = (stamp.st_mtime_ns, stamp.st_size)
    name = f"{_PREFIX}{path.stem}_{hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()}"
    known = sys.modules.get(name)
    if known and getattr(known, "__morphogen_version__", None) == version:
        return known
    return _run(path, name, version)


def _run(path: Path, name: str, version: tuple[int, int]) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # as `python my.py` does: its neighbours can be imported
    sys.modules[name] = module
    linecache.checkcache(str(path))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ScriptError(f"{path}{_line(error, path)}: {type(error).__name__}: {error}") from error
    vars(module)["__morphogen_version__"] = version
    return module


def _line(error: BaseException, path: Path) -> str:
    """Return the number and text of the last line of `path` in the error's traceback."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f", line {error.lineno}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == path]
    return f", line {frames[-1].lineno} ({frames[-1].line})" if frames else ""
