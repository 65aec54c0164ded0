"""Sphinx settings; the reference is written here from the package itself, so that no module is forgotten."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import which_strategy
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

import morphogen
from morphogen import catalog, evidence
from morphogen.evidence.entry import Finding

project = "Morphogen"
author = "The Morphogen authors"
settings = Path(__file__).parents[1] / "pyproject.toml"
release = version = tomllib.loads(settings.read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "ignore-module-all": True,
    "exclude-members": "set_score_request",  # scikit-learn writes it into its classifiers, with links to its own pages
}

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


def write_pages(folder: Path, pages: dict[str, str]) -> None:
    """Make `folder` hold these pages and nothing else; a page that is right is not touched."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


# --- the catalogue and the evidence, from the catalogue and the committed results ---------------------------


def catalogue() -> str:
    """Return the page of all methods."""
    lines = [
        "# Catalogue",
        "",
        "Every method, from `morphogen.catalog`; `morphogen list` prints the same. The figure is one finding of a",
        "committed result, read from it when this page is built (95% interval in parentheses), and leads to its",
        "[evidence](evidence.md). The references stand below, and in `morphogen.catalog.find(kind, name).citation`.",
        "",
    ]
    for kind in catalog.KINDS:
        if kind == "evidence":  # has a page of its own
            continue
        lines += [f"## {kind}", "", "| name | what it is | source | figure |", "|---|---|---|---|"]
        for entry in catalog.entries(kind):
            lines.append(f"| `{entry.name}` | {entry.line} | {entry.source} | {measured(entry)} |")
        lines.append("")
    cited = sorted({line for entry in catalog.entries() for line in entry.citation.splitlines()})
    return "\n".join([*lines, "## References", "", *(f"- {line}" for line in cited), ""])


def measured(entry: catalog.Entry) -> str:
    """Return the figure of a method, with a link to its evidence; nothing where none is committed."""
    if entry.figure is None:
        return ""
    found = which_strategy.said(which_strategy.finding(entry.figure.claim, entry.figure.finding))
    return f"[{found}](evidence.md#{entry.figure.claim}) {entry.figure.about}"


def told(finding: Finding) -> str:
    """Return a row of the table of findings."""
    between = f"{finding.interval.low:.4g} to {finding.interval.high:.4g}" if finding.interval else ""
    verdict = "" if finding.bar is None else "holds" if finding.holds else "**does not hold**"
    name = f"{finding.name} (control)" if finding.control else finding.name
    return f"| {name} | {finding.value:.6g} | {between} | {finding.bar or ''} | {verdict} |"


def proof() -> str:
    """Return the page of all claims with their committed results."""
    lines = [
        "# Evidence",
        "",
        "Each claim has an experiment that tests it here, a control that a fake would pass and the method must beat,",
        "and its result, committed as JSON. `morphogen evidence NAME` runs it again. A claim that does not hold here",
        "says so.",
        "",
    ]
    for name in evidence.names():
        entry, result = evidence.find(name), evidence.committed(name)
        lines += [f"## {name}", "", entry.claim, ""]
        lines += [f"*Source:* {entry.source}", "", f"*Control:* {entry.control}", ""]
        if result is None:
            lines += ["No full result is committed yet.", ""]
            continue
        verdict = "The claim holds here." if result.holds else "**The claim does not hold here as a whole.**"
        verdict += f" {entry.refuted}" if entry.refuted else ""
        lines += [
            f"{verdict} {result.seeds} seeds, {result.seconds:.0f} seconds, {result.date}: `{result.command}`.",
            "",
            "| finding | value | 95% interval | bar | |",
            "|---|---|---|---|---|",
            *map(told, result.findings),
            "",
        ]
    return "\n".join(lines)


HERE = Path(__file__).parent
write_pages(HERE / "api", {f"{room}.md": page(room, names) for room, names in reference().items()})
write_pages(
    HERE / "generated",
    {"catalogue.md": catalogue(), "evidence.md": proof(), "which.md": which_strategy.page()},
)


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
