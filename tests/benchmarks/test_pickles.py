"""Pickles of packages: plain values are read as they were, and whatever else a file asks for is refused, not called."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.benchmarks import BadTable
from morphogen.benchmarks.pickles import read_pickle

PLAIN = {
    "numbers": [1, -(2**70), 2.5, True, None],
    "texts": ("a", b"b"),
    "sets": [{1, 2}, frozenset({3})],
}
ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3),
    "columns first": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "big-endian": np.arange(3, dtype=">i4"),
    "flags": np.array([True, False]),
    "a scalar": np.array(7, dtype=np.uint8),
    "empty": np.zeros((0, 4), dtype=np.float32),
}


def write(folder: Path, content: bytes) -> Path:
    path = folder / "table.pkl"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", [4, 5])
def test_plain_values_and_arrays_are_read(protocol: int, tmp_path: Path) -> None:
    content = {**PLAIN, **ARRAYS, "one": np.float64(1.5), "other": np.int8(-3)}
    found = read_pickle(write(tmp_path, pickle.dumps(content, protocol)))
    assert {name: found[name] for name in PLAIN} == PLAIN
    assert (found["one"], found["other"]) == (1.5, -3) and isinstance(found["one"], np.float64)
    for name, array in ARRAYS.items():
        assert isinstance(found[name], np.ndarray) and found[name].dtype.kind == array.dtype.kind
        assert found[name].shape == array.shape and np.array_equal(found[name], array), name


class Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


class Plain:
    """An object of a class that the file names."""


def built(function: Any, args: Any, state: Any) -> bytes:
    """Return a pickle that calls and then sets a state, which `pickle.dumps` would check."""

    class Made:
        def __reduce__(self) -> Any:
            return function, args, state

    return pickle.dumps({"cells": [Made()]}, 2)


EVIL: dict[str, bytes] = {
    "a command": pickle.dumps(Calls(os.system, "touch evil")),
    "a call inside": pickle.dumps({"000000": {"val_acc": [Calls(os.mkdir, "evil")]}}),
    "eval": b"cbuiltins\neval\n(Vopen('evil', 'w')\ntR.",
    "getattr": b"cbuiltins\ngetattr\n(cnumpy\nndarray\nVtofile\ntR.",
    "numpy runs strings": b"cnumpy.testing._private.utils\nrunstring\n(Vopen('evil', 'w')\n}tR.",
    "numpy loads files": b"cnumpy\nload\n(Vevil\ntR.",
    "a dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.dumps\x93.",
    "a class of ours": pickle.dumps(Plain()),
    "a class of the package": b"chpo_benchmarks.nasbench201\nNASBench201\n)R.",
    "an instance": b"(ios\nsystem\n.",
    "a new object": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "from outside": b"Vevil\nQ.",
    "an array of objects": pickle.dumps(np.array([{}, []], dtype=object), 4),
    "an array by hand": b"cnumpy\nndarray\n((I1000000000000\nttR.",
    "an array of texts": pickle.dumps(np.array(["a", "b"]), 4),
    "an array of records": pickle.dumps(np.zeros(2, dtype=[("a", "f8"), ("b", "i4")]), 4),
    "a kind that is no text": b"cnumpy\ndtype\n(I5\nI0\nI1\ntR.",
    "too few bytes": built(np.dtype, ("f8", False, True), (3, "<", None, None, None, -1, -1, 0)).replace(
        b"f8", b"O8"
    ),
    "a state on a function": b"cnumpy\ndtype\nN}Vmake\nNs\x86b.",
    "broken off": pickle.dumps({"a": list(range(100))})[:-20],
    "empty": b"",
    "no pickle": b"PAR1 and so on",
}


@pytest.mark.parametrize("case", EVIL)
def test_what_is_not_plain_is_refused_and_not_called(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, EVIL[case])
    with pytest.raises(
        BadTable, match="not the plain pickle that is wanted: .*; install its package anew"
    ) as caught:
        read_pickle(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.pkl"], "nothing was called"


def test_the_plain_reader_would_have_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with pickle itself the same file does its work."""
    monkeypatch.chdir(tmp_path)
    pickle.load(io.BytesIO(EVIL["a call inside"]))
    assert (tmp_path / "evil").is_dir()


def test_an_array_has_the_bytes_it_says(tmp_path: Path) -> None:
    whole = pickle.dumps(np.arange(4, dtype=np.int64), 4)
    assert read_pickle(write(tmp_path, whole)).tolist() == [0, 1, 2, 3]
    longer = whole.replace(b"K\x04\x85", b"K\x09\x85")
    assert longer != whole
    with pytest.raises(BadTable, match="it has 32 bytes for an array"):
        read_pickle(write(tmp_path, longer))
