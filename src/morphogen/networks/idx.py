"""Reads IDX files, the format of MNIST (LeCun, Cortes, Burges), plain or gzipped."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from morphogen.networks.image_files import Array, DataError, Source, channels_first, missing

_TYPES: Final = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PARTS: Final = {"train": "train", "test": "t10k"}


def read_idx(path: Path) -> Array:
    """Return the array of one IDX file.

    Raises:
        DataError: not an IDX file, or fewer or more bytes than its header says.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or magic[3] == 0:
                raise DataError(
                    f"{path}: starts with {magic.hex(' ') or 'nothing'}, expected an IDX file (00 00 08 ..)"
                )
            head = file.read(4 * magic[3])
            if len(head) < 4 * magic[3]:
                raise DataError(f"{path}: ends within its header; fetch the file again")
            shape = struct.unpack(f">{magic[3]}I", head)
            dtype = np.dtype(_TYPES[magic[2]])
            wanted = math.prod(shape) * dtype.itemsize
            data = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged or cut off ({error}); fetch the file again") from error
    if len(data) != wanted:
        raise DataError(f"{path}: {len(data)} bytes of data, expected {wanted} for shape {list(shape)}")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_pair(images: Path, labels: Path) -> tuple[Array, Array]:
    """Return images [n, channels, height, width] and labels [n] of two IDX files."""
    x, y = read_idx(images), read_idx(labels)
    if y.ndim != 1:
        raise DataError(
            f"{labels}: has shape {list(y.shape)}, expected labels [n] (images stand before labels)"
        )
    if len(y) != len(x):
        raise DataError(f"{labels}: {len(y)} labels, expected {len(x)}, one for each image of {images}")
    return channels_first(x, str(images)), y


def read_idx_folder(folder: Path) -> Source | None:
    """Return the splits of a folder with the standard four files (or the first two), None if it holds none.

    Raises:
        DataError: images without labels or labels without images.
    """
    parts, files = {}, {}
    for split, prefix in _PARTS.items():
        x, y = (_only(folder, f"{prefix}-{kind}") for kind in ("images?idx3-ubyte", "labels?idx1-ubyte"))
        if x and y:
            parts[split], files[split] = read_pair(x, y), (str(x), str(y))
        elif x or y:
            raise DataError(
                f"{x or y}: found no {prefix}-{'labels-idx1' if x else 'images-idx3'}-ubyte beside it"
            )
    if parts and "train" not in parts:
        raise missing(folder / "train-images-idx3-ubyte")
    return Source(parts, files=files) if parts else None


def _only(folder: Path, pattern: str) -> Path | None:
    """Return the one file that ends in `pattern`, plain before gzipped."""
    found = sorted(folder.glob(f"*{pattern}")) or sorted(folder.glob(f"*{pattern}.gz"))
    if len(found) > 1:
        raise DataError(
            f"{folder}: {found[0].name} and {found[1].name} both fit; put each data set in its own folder"
        )
    return found[0] if found else None
