"""IDX files: folders and pairs, plain and gzipped, and refusals of damaged ones."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.networks.data import load
from morphogen.networks.image_files import DataError

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (60, 6, 5), np.uint8)
Y = np.arange(60) % 3


def idx(array: np.ndarray[Any, Any], code: int = 8) -> bytes:
    """Return the bytes of an IDX file."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_idx_as_a_folder_and_as_a_pair(tmp_path: Path, packed: bool) -> None:
    parts = {"train-images-idx3-ubyte": X, "train-labels-idx1-ubyte": Y.astype(np.uint8)}
    parts |= {"t10k-images-idx3-ubyte": X[:9], "t10k-labels-idx1-ubyte": Y[:9].astype(np.uint8)}
    for name, array in parts.items():
        content = idx(array)
        (tmp_path / f"{name}{'.gz' if packed else ''}").write_bytes(
            gzip.compress(content) if packed else content
        )
    folder = load(tmp_path)
    assert [len(s) for s in (folder.train, folder.validation, folder.test)] == [48, 12, 9]
    np.testing.assert_array_equal(folder.images[:60, 0], X)
    ending = ".gz" if packed else ""
    pair = load(f"{tmp_path}/train-images-idx3-ubyte{ending}:{tmp_path}/train-labels-idx1-ubyte{ending}")
    assert len(pair.test) == 12
    np.testing.assert_array_equal(pair.images[:, 0], X)


def test_idx_of_other_numbers_than_bytes(tmp_path: Path) -> None:
    (tmp_path / "x-idx").write_bytes(idx(X.astype(np.float32) / 255, 0x0D))
    (tmp_path / "y-idx").write_bytes(idx(Y.astype(np.int32), 0x0C))
    found = load(f"{tmp_path}/x-idx:{tmp_path}/y-idx")
    assert found.images.dtype == np.float32
    np.testing.assert_allclose(found.images[:, 0] * 255, X, rtol=1e-6)


def test_damaged_idx_files_are_refused(tmp_path: Path) -> None:
    labels = tmp_path / "labels-idx"
    labels.write_bytes(idx(Y.astype(np.uint8)))
    good = idx(X)
    cases = {
        "magic": (b"PNG!" + good, "starts with 50 4e 47 21"),
        "header": (good[:9], "ends within its header"),
        "short": (good[:-1], "1799 bytes of data, expected 1800"),
        "long": (good + b"x", "1801 bytes of data, expected 1800"),
        "gzip": (gzip.compress(good)[:-20], "damaged or cut off"),
        "none": (b"", "starts with nothing"),
    }
    for name, (content, message) in cases.items():
        images = tmp_path / name
        images.write_bytes(content)
        with pytest.raises(DataError, match=f"{name}: .*{message}"):
            load(f"{images}:{labels}")
    (tmp_path / "good").write_bytes(good)
    (tmp_path / "few-idx").write_bytes(idx(Y[:50].astype(np.uint8)))
    with pytest.raises(DataError, match=r"few-idx: 50 labels, expected 60, one for each image of .*good"):
        load(f"{tmp_path / 'good'}:{tmp_path / 'few-idx'}")
    with pytest.raises(DataError, match="images stand before labels"):
        load(f"{labels}:{tmp_path / 'good'}")


def test_labels_out_of_range_name_their_own_file(tmp_path: Path) -> None:
    for prefix, labels in (("train", Y), ("t10k", Y + 1)):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(X))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels.astype(np.uint8)))
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte: label 3 is out of range; expected 0 to 2"):
        load(tmp_path)


def test_incomplete_idx_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(X))
    with pytest.raises(DataError, match="found no t10k-labels-idx1-ubyte beside it"):
        load(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(Y.astype(np.uint8)))
    with pytest.raises(DataError, match="train-images-idx3-ubyte: no such file"):
        load(tmp_path)
