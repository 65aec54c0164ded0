"""Reading the pickled table of a package: plain containers and arrays of numbers are built, nothing else is called."""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, final

import numpy as np
from numpy.typing import NDArray

from morphogen.benchmarks.files import BadTable

NUMBERS: Final = re.compile(r"b1|[iu][1248]|f[248]")
"""The kinds of numbers an array may hold; no objects, no records."""


def read_pickle(path: Path) -> Any:
    """Return what a pickle holds: None, numbers, texts, bytes, containers of these, NumPy numbers and arrays.

    No function or class that the file names is ever called or imported: for NumPy's, functions of this file
    stand in.

    Raises:
        BadTable: the file asks for anything else, or is broken.
    """
    try:
        with path.open("rb") as file:
            return _Plain(file).load()
    except Exception as error:  # a broken pickle raises nearly anything
        raise BadTable(
            f"{path} is not the plain pickle that is wanted: {error}; install its package anew"
        ) from None


class _Plain(pickle.Unpickler):
    """Knows the names by which NumPy pickles numbers and arrays, and no others."""

    def find_class(self, module: str, name: str) -> _Maker:
        known = ALLOWED.get((module.replace("numpy.core", "numpy._core"), name))
        if known is None:
            self._refuse(f"it asks for {module}.{name}")
        return _Maker(known)

    def persistent_load(self, pid: Any) -> NoReturn:
        self._refuse("it asks for something outside the file")

    def _refuse(self, what: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{what}; only plain containers and arrays of numbers are read")


@final
class _Maker:
    """What a pickle gets instead of a function: it can be called, and nothing can be put on it."""

    __slots__ = ("make",)
    make: Callable[..., Any]

    def __init__(self, make: Callable[..., Any]) -> None:
        object.__setattr__(self, "make", make)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise pickle.UnpicklingError("it changes a function")

    def __call__(self, *args: Any) -> Any:
        return self.make(*args)


@final
class _Kind:
    """Stands in for `numpy.dtype`: a kind of numbers and their byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, align: bool = False, copy: bool = True) -> None:
        if not (isinstance(code, str) and NUMBERS.fullmatch(code)):
            raise pickle.UnpicklingError(f"it has an array of {code!r}, not of numbers")
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        version, order, subarray, names, fields, *_ = state
        if order not in ("<", ">", "|", "=") or (subarray, names, fields) != (None, None, None):
            raise pickle.UnpicklingError("it has an array of records, not of numbers")
        self.order = order

    def read(self, raw: Any, shape: Any, order: str) -> NDArray[Any]:
        """Return the numbers in some bytes; there are exactly as many as `shape` says."""
        kind = np.dtype(self.code) if self.order == "|" else np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]
        sizes = [int(size) for size in shape]
        if min(sizes, default=0) < 0 or math.prod(sizes) * kind.itemsize != len(raw):
            raise pickle.UnpicklingError(f"it has {len(raw)} bytes for an array {shape} of {kind}")
        return (
            np.frombuffer(raw, kind)
            .astype(kind.newbyteorder("="))
            .reshape(sizes, order="F" if order == "F" else "C")
        )


@final
class _Array(np.ndarray[Any, np.dtype[Any]]):
    """An array of numbers that is filled from the file after it was made, as NumPy pickles them."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, raw = state
        if not (isinstance(kind, _Kind) and isinstance(raw, bytes)):
            raise pickle.UnpicklingError("it has an array of objects, not of numbers")
        found = kind.read(raw, shape, "F" if fortran else "C")
        super().__setstate__((1, found.shape, found.dtype, False, found.tobytes()))  # type: ignore[arg-type]


def _empty(array: Any, shape: Any, code: Any) -> _Array:
    return _Array((0,))


def _number(kind: _Kind, raw: bytes) -> Any:
    return kind.read(raw, (), "C")[()]


def _from_buffer(raw: Any, kind: _Kind, shape: Any, order: str) -> NDArray[Any]:
    return kind.read(bytes(raw), shape, order)


def _no_array(*_: Any) -> NoReturn:
    raise pickle.UnpicklingError("it makes an array by hand")


ALLOWED: Final[dict[tuple[str, str], Callable[..., Any]]] = {
    ("numpy", "dtype"): _Kind,
    ("numpy", "ndarray"): _no_array,  # named by `_reconstruct`, never called
    ("numpy._core.multiarray", "scalar"): _number,
    ("numpy._core.multiarray", "_reconstruct"): _empty,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
}
"""The names that a pickle may use, and what stands in for them here."""
