"""Reads labelled images from files: NumPy archives, JPEG-packed archives and folders of class folders."""

from __future__ import annotations

import difflib
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Array = NDArray[Any]
Size = tuple[int, int]

EXTENSIONS: Final = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
_KEYS: Final = {
    "train": (("x", "y"), ("x_train", "y_train"), ("train_images", "train_labels")),
    "validation": (("x_validation", "y_validation"), ("x_val", "y_val"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}
_FOLDERS: Final = {"train": ("train",), "validation": ("validation", "valid", "val"), "test": ("test",)}


class DataError(ValueError):
    """Data that cannot be used: the message names the file, what was found and what was expected."""


@dataclass(frozen=True)
class Source:
    """What a file or folder held: images [n, channels, height, width] and labels [n] of each split.

    files: the names of the files with the images and the labels of a split, where they are two of their own.
    """

    parts: Mapping[str, tuple[Array, Array]]
    classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def missing(path: Path, known: Sequence[str] = ()) -> DataError:
    """Return the error for a path that does not exist, with the nearest names beside it."""
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [*known, *beside], n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else f" in {path.parent.resolve()}"
    return DataError(f"{path}: no such file or folder{hint}")


# --- checks -------------------------------------------------------------------------------------------------


def checked_pixels(images: Array, where: str) -> Array:
    """Return images as uint8 where they fit, else as float32, C-contiguous; raise what makes them unfit."""
    if images.size == 0:
        raise DataError(f"{where}: no images (shape {list(images.shape)})")
    if images.dtype.kind not in "buif":
        raise DataError(f"{where}: pixels are {images.dtype}, expected numbers")
    if images.dtype.kind == "f":
        if not np.isfinite(images).all():
            number = int(np.argmin(np.isfinite(images).all(axis=(1, 2, 3))))
            raise DataError(f"{where}: image {number} has pixels that are NaN or infinite; repair or drop it")
        return np.ascontiguousarray(images, np.float32)
    small = images.dtype == np.bool_ or (images.min() >= 0 and images.max() <= 255)
    return np.ascontiguousarray(images, np.uint8 if small else np.float32)


def checked_labels(
    labels: Array, count: int, classes: tuple[str, ...] | None, where: str
) -> NDArray[np.int64]:
    """Return labels [count] as int64 from 0; raise what makes them unfit."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"{where}: labels have shape {list(labels.shape)}, expected one number an image: [n]")
    if len(labels) != count:
        raise DataError(f"{where}: {count} images but {len(labels)} labels")
    labels = labels.astype(np.int64) if labels.dtype == np.bool_ else labels
    if labels.dtype.kind not in "uif" or not np.array_equal(labels, np.trunc(labels)):
        raise DataError(f"{where}: labels are not whole numbers; expected 0, 1, 2 ... and names in `classes`")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or (classes is not None and high >= len(classes)):
        number = low if low < 0 else high
        range_ = f"0 to {len(classes) - 1}" if classes is not None else "0, 1, 2 ..."
        raise DataError(f"{where}: label {number} is out of range; expected {range_}")
    return labels.astype(np.int64)


# --- NumPy archives -----------------------------------------------------------------------------------------


def read_npz(path: Path, size: Size | None = None) -> Source:
    """Read an archive with x and y, with x_train, y_train, x_test and y_test, or with jpeg, offset and y.

    Raises:
        DataError: a damaged archive, other keys, or arrays that are not images and labels.
    """
    with path.open("rb") as file:
        if file.read(2) not in (b"PK", b"\x93N"):  # a zip archive, or one array
            raise DataError(f"{path}: not a readable NumPy archive; write it with numpy.savez")
        file.seek(0)
        try:
            archive = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path}: not a readable NumPy archive ({error}); write it with numpy.savez"
            ) from error
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError(f"{path}: holds one array without names; write it with numpy.savez(x=, y=)")
        return _split(path, archive, size)


def _split(path: Path, archive: np.lib.npyio.NpzFile, size: Size | None) -> Source:
    names = set(archive.files)
    classes = tuple(str(c) for c in _member(path, archive, "classes")) if "classes" in names else None
    if {"jpeg", "offset", "y"} <= names:
        images, notes = _unpack(path, archive, size)
        return Source({"train": (images, _member(path, archive, "y"))}, classes, notes)
    parts = {}
    for split, choices in _KEYS.items():
        for x, y in choices:
            if x in names and y in names:
                images = channels_first(_member(path, archive, x), f"{path}, {x}")
                parts[split] = (images, _member(path, archive, y))
                break
    if "train" not in parts:
        wanted = "x and y; x_train, y_train, x_test and y_test; or jpeg, offset and y"
        raise DataError(f"{path}: found the arrays {', '.join(sorted(names)) or 'none'}, expected {wanted}")
    return Source(parts, classes)


def _member(path: Path, archive: Any, key: str) -> Array:
    try:
        return np.asarray(archive[key])
    except MemoryError as error:
        raise DataError(f"{path}, {key}: does not fit into memory ({error})") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}, {key}: damaged, or not an array of plain numbers ({error})") from error


def channels_first(images: Array, where: str) -> Array:
    """Return images [n, h, w], [n, h, w, channels] or [n, channels, h, w] as [n, channels, h, w].

    The channel axis is the one of 1 to 4 entries; where that does not tell, the one that squares leave.
    """
    if images.ndim == 3:
        return images[:, None]
    if images.ndim != 4:
        shape = list(images.shape)
        raise DataError(
            f"{where}: has shape {shape}, expected [n, height, width] with or without a channel axis"
        )
    _, a, b, c = images.shape
    first, last = 1 <= a <= 4, 1 <= c <= 4
    if first == last:
        first, last = b == c, a == b
    if first == last:
        raise DataError(
            f"{where}: cannot tell the channels in shape {list(images.shape)}; store [n, channels, h, w]"
        )
    return images if first else images.transpose(0, 3, 1, 2)


def _unpack(path: Path, archive: Any, size: Size | None) -> tuple[Array, tuple[str, ...]]:
    packed, offset = _member(path, archive, "jpeg"), _member(path, archive, "offset")
    if packed.dtype != np.uint8 or packed.ndim != 1 or offset.ndim != 1 or offset.dtype.kind not in "iu":
        raise DataError(f"{path}: expected jpeg as flat uint8 and offset as flat integers")
    if offset.size < 2 or offset[0] != 0 or offset[-1] != packed.size or bool(np.any(np.diff(offset) <= 0)):
        raise DataError(f"{path}: offset must rise from 0 to the {packed.size} bytes of jpeg")
    spans = list(zip(offset[:-1].tolist(), offset[1:].tolist(), strict=True))
    return _decode([(f"{path}, image {i}", packed[a:b].tobytes()) for i, (a, b) in enumerate(spans)], size)


# --- image files --------------------------------------------------------------------------------------------


def read_folder(path: Path, size: Size | None = None) -> Source:
    """Read a folder with one folder of images a class, or such folders below `train`, `validation`, `test`.

    Raises:
        DataError: no class folders, a class without images, or an image that cannot be read.
    """
    folders = {child.name: child for child in sorted(path.iterdir()) if _visible(child) and child.is_dir()}
    splits = {s: folders[n] for s, choices in _FOLDERS.items() for n in choices if n in folders}
    if "train" not in splits or len(splits) < 2 or len(splits) != len(folders):
        splits = {"train": path}
    classes = [
        child.name for child in sorted(splits["train"].iterdir()) if _visible(child) and child.is_dir()
    ]
    if not classes:
        raise DataError(f"{path}: expected one folder of images a class, or IDX files, and found neither")
    files: list[Path] = []
    labels: dict[str, list[int]] = {}
    for split, folder in splits.items():
        strange = {c.name for c in folder.iterdir() if _visible(c) and c.is_dir()} - set(classes)
        if strange:
            raise DataError(f"{folder}: class {sorted(strange)[0]} has no folder in {splits['train']}")
        labels[split] = []
        for label, name in enumerate(classes):
            found = _images(folder / name)
            if not found and split == "train":
                wanted = " ".join(EXTENSIONS)
                raise DataError(
                    f"{folder / name}: no images of this class; expected files ending in {wanted}"
                )
            files.extend(found)
            labels[split].extend([label] * len(found))
    images, notes = _decode([(str(file), file) for file in files], size)
    parts, start = {}, 0
    for split, own in labels.items():
        parts[split] = (images[start : start + len(own)], np.array(own, np.int64))
        start += len(own)
    return Source(parts, tuple(classes), notes)


def _visible(path: Path) -> bool:
    return not path.name.startswith((".", "__"))


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        f for f in folder.rglob("*") if f.suffix.lower() in EXTENSIONS and _visible(f) and f.is_file()
    )


def _decode(items: Sequence[tuple[str, Path | bytes]], size: Size | None) -> tuple[Array, tuple[str, ...]]:
    """Return uint8 images [n, channels, h, w], grey if all are grey, of one size; and what was changed."""
    heads = [_open(name, item, lambda image: (image.size[::-1], image.mode)) for name, item in items]
    modes = {mode for _, mode in heads}
    for (name, _), (_, mode) in zip(items, heads, strict=True):
        if mode.startswith(("I", "F")):
            raise DataError(f"{name}: has pixels of mode {mode}; expected 8 bits a channel")
    sizes = Counter(shape for shape, _ in heads)
    common = size or max(sizes, key=lambda shape: (sizes[shape], shape))
    mode = "L" if modes <= {"1", "L", "LA"} else "RGB"
    images = _room(len(items), len(mode), common, asked=size is not None)
    for number, (name, item) in enumerate(items):
        images[number] = _open(name, item, lambda image: _pixels(image, mode, common))
    changed = len(items) - sizes[common]
    why = "as asked" if size else "the most common size"
    note = f"{changed} of {len(items)} images were resized to {common[0]}x{common[1]}, {why}"
    return images, (note,) if changed else ()


def _room(count: int, channels: int, size: Size, *, asked: bool) -> Array:
    needed = count * channels * size[0] * size[1] / 2**30
    if needed > 4 and not asked:
        raise DataError(
            f"{count} images of {size[0]}x{size[1]} would fill {needed:.0f} GiB; give a smaller size"
        )
    return np.empty((count, channels, *size), np.uint8)


def _pixels(image: Image.Image, mode: str, size: Size) -> Array:
    if image.size != size[::-1]:
        image.draft(mode, size[::-1])  # a large JPEG file is then decoded at a fraction of its size
    image = image.convert(mode)
    if image.size != size[::-1]:
        image = image.resize(
            size[::-1], resample=2
        )  # bilinear; Pillow averages over the area when it shrinks
    return np.asarray(image).reshape(*size, len(mode)).transpose(2, 0, 1)


def _open(name: str, item: Path | bytes, use: Callable[[Image.Image], Any]) -> Any:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise DataError(f"{name}: reading image files needs Pillow; run pip install pillow") from error
    try:
        with Image.open(io.BytesIO(item) if isinstance(item, bytes) else item) as image:
            return use(image)
    except UnidentifiedImageError as error:  # its own words only repeat the file
        raise DataError(f"{name}: not a readable image; repair or drop it") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{name}: not a readable image ({error})") from error
