"""What the shell completes: names of the catalogue, files where a name may also be a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def _named(kind: str, start: str) -> Iterator[tuple[str, str]]:
    from morphogen.catalog import entries

    return ((entry.name, entry.line) for entry in entries(kind) if entry.name.startswith(start))


def _files(start: str, *endings: str) -> Iterator[tuple[str, str]]:
    folder, _, name = start.rpartition("/")
    place = Path(f"{folder}/" if folder or start.startswith("/") else ".")
    if not place.is_dir():
        return
    for path in sorted(place.iterdir()):
        if not path.name.startswith(name) or path.name.startswith("."):
            continue
        shown = f"{folder}/{path.name}" if "/" in start else path.name
        if path.is_dir():
            yield f"{shown}/", "folder"
        elif path.suffix in endings:
            yield shown, "file"


def spaces(incomplete: str) -> list[tuple[str, str]]:
    """Complete the name of a space, or a file with one."""
    return [*_named("space", incomplete), *_files(incomplete, ".txt", ".grammar", ".py")]


def strategies(incomplete: str) -> list[tuple[str, str]]:
    """Complete the name of a strategy."""
    return list(_named("strategy", incomplete))


def estimators(incomplete: str) -> list[tuple[str, str]]:
    """Complete the name of an estimator, or a file with one."""
    return [*_named("estimator", incomplete), *_files(incomplete, ".py")]


def data(incomplete: str) -> list[tuple[str, str]]:
    """Complete `digits`, or files and folders with images."""
    bundled = [("digits", "1,797 images of digits, 8x8")] if "digits".startswith(incomplete) else []
    return [*bundled, *_files(incomplete, ".npz", ".gz")]


def benchmarks(incomplete: str) -> list[tuple[str, str]]:
    """Complete the name of a benchmark, or a file with a table."""
    return [*_named("benchmark", incomplete), *_files(incomplete, ".csv", ".parquet")]


def studies(incomplete: str) -> list[tuple[str, str]]:
    """Complete the file of a study."""
    return list(_files(incomplete, ".db"))


def claims(incomplete: str) -> list[tuple[str, str]]:
    """Complete the name of an entry of the evidence."""
    every = [("all", "every entry")] if "all".startswith(incomplete) else []
    return [*every, *_named("evidence", incomplete)]


def kinds(incomplete: str) -> list[str]:
    """Complete what can be listed."""
    from morphogen.cli.headings import headings

    return [word for word in headings() if word.startswith(incomplete)]
