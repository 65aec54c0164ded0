"""Running evidence by name, and reading the results that are kept in the package."""

from __future__ import annotations

import json
import platform
import time
from datetime import UTC, datetime
from importlib import metadata, resources
from typing import cast

from morphogen import catalog
from morphogen.evidence.entry import Entry, Progress, Result


def names() -> tuple[str, ...]:
    """Return the names of all entries; nothing is imported."""
    return tuple(entry.name for entry in catalog.entries("evidence"))


def find(name: str) -> Entry:
    """Return the entry called `name`; raise `catalog.UnknownName`, with the nearest name, for any other."""
    return cast(Entry, catalog.find("evidence", name).load())


def run(name: str, quick: bool = False, *, progress: Progress | None = None) -> Result:
    """Run the experiment of an entry and return what it found; `quick` takes seconds, with wider bars.

    Raises:
        catalog.UnknownName: there is no such entry. MissingData: a table that the experiment needs is not
        there; the message says which and where it is sought.
    """
    entry = find(name)
    begun = time.perf_counter()
    findings = tuple(entry.experiment(quick, progress or (lambda doing, share: None)))
    return Result(
        name=entry.name,
        claim=entry.claim,
        source=entry.source,
        control=entry.control,
        command=f"morphogen evidence {entry.name}{' --quick' if quick else ''}",
        version=_version("morphogen"),
        environment={"python": platform.python_version()} | {name: _version(name) for name in entry.packages},
        date=datetime.now(UTC).date().isoformat(),
        quick=quick,
        seeds=entry.quick_seeds if quick else entry.seeds,
        findings=findings,
        seconds=round(time.perf_counter() - begun, 1),
    )


def committed(name: str) -> Result | None:
    """Return the result of the full experiment that is kept in the package, None where there is none."""
    file = resources.files("morphogen.evidence") / "results" / f"{name}.json"
    return Result.from_json(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
