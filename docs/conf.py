"""Sphinx settings; the reference is written here from the package itself, so that no module is forgotten."""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
from pathlib import Path

from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

import morphogen

project = "Morphogen"
author = "The Morphogen authors"
settings = Path(__file__).parents[1] / "pyproject.toml"
release = version = tomllib.loads(settings.read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True, "ignore-module-all": True}

# Strict builds run without a network, so only names of our own are looked up: each of those must be there.
nitpick_ignore_regex = [("py:.*", r"(?!morphogen\.).*")]
suppress_warnings = ["ref.python"]  # two modules have the short name that stands in a signature

html_theme = "furo"
html_title = "Morphogen"

# --- the reference: one page a room, one section a module ---------------------------------------------------

WORDS_ONLY = {"cli", "__main__"}  # `morphogen --help` describes these


def reference() -> dict[str, list[str]]:
    """Return the modules of each room of the package: its face first, private modules left out."""
    rooms: dict[str, list[str]] = {}
    for info in pkgutil.walk_packages(morphogen.__path__, "morphogen."):
        parts = info.name.split(".")[1:]
        if parts[0] not in WORDS_ONLY and not any(part.startswith("_") for part in parts):
            rooms.setdefault(parts[0], []).append(info.name)
    return rooms


def page(room: str, names: list[str]) -> str:
    """Return the page of a room: what its face says, then each module with its public names."""
    lines = [f"# {room}", ""]
    for name in names:
        if name != f"morphogen.{room}":
            lines += [f"## {name.removeprefix('morphogen.')}", ""]
        is_face = hasattr(importlib.import_module(name), "__path__")
        lines += [
            "```{eval-rst}",
            f".. automodule:: {name}",
            *(["   :no-members:"] if is_face else []),
            "```",
            "",
        ]
    return "\n".join(lines)


def write_reference(folder: Path) -> None:
    """Make `folder` hold one page for each room and nothing else; a page that is right is not touched."""
    folder.mkdir(exist_ok=True)
    pages = {folder / f"{room}.md": page(room, names) for room, names in reference().items()}
    for path in folder.iterdir():
        if path not in pages:
            path.unlink()
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


write_reference(Path(__file__).parent / "api")


def written_plain(app: Sphinx, env: object, node: pending_xref, text: object) -> object:
    """Write a name without a link if it is there but not in the reference, such as a type variable."""
    try:
        pkgutil.resolve_name(node["reftarget"])
    except (AttributeError, ImportError, ValueError):
        return None
    return text


def setup(app: Sphinx) -> None:
    """Register what strict builds ask for."""
    app.connect("missing-reference", written_plain)
