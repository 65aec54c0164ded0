"""Image data for training: images, labels and fixed stratified splits, from files or arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from morphogen.networks.idx import read_idx_folder, read_pair
from morphogen.networks.image_files import (
    Array,
    DataError,
    Size,
    Source,
    channels_first,
    checked_labels,
    checked_pixels,
    missing,
    read_folder,
    read_npz,
)
from morphogen.networks.pixels import moments, resize
from morphogen.seeding import stream

Indices = NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class ImageData:
    """Images with labels, split once into training, validation and test.

    images: uint8 or float32 [n, channels, height, width]. labels: [n], from 0. train, validation, test: the
    numbers of the images in each split; every beginning of a split is stratified, so it serves as a smaller
    one. mean, std: of each channel [channels], over the training split only. fingerprint: digest of all of
    it; data with one fingerprint are equal. notes: what the loader changed.
    """

    name: str
    images: Array = field(repr=False)
    labels: Indices = field(repr=False)
    classes: tuple[str, ...]
    train: Indices = field(repr=False)
    validation: Indices = field(repr=False)
    test: Indices = field(repr=False)
    mean: NDArray[np.float32] = field(repr=False)
    std: NDArray[np.float32] = field(repr=False)
    fingerprint: str
    notes: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ImageData) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def part(self, fraction: float) -> Indices:
        """Return a stratified part of the training split; a smaller part lies inside a larger one."""
        count = max(len(self.classes), round(fraction * self.train.size))
        return self.train[: min(count, self.train.size)]

    def at(self, resolution: int | None) -> ImageData:
        """Return the data with `resolution` pixels on the longer side (None: as it is); kept for the next."""
        _, height, width = self.shape
        if resolution is None or resolution == max(height, width):
            return self
        scale = resolution / max(height, width)
        return _resized(self, (max(1, round(height * scale)), max(1, round(width * scale))))


def load(
    source: str | Path,
    test: str | Path | None = None,
    *,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.2,
    seed: int = 0,
    size: int | Size | None = None,
) -> ImageData:
    """Load image data and split it.

    source: `digits` (scikit-learn's 8x8), an `.npz` file, a folder of class folders with images, a folder of
    IDX files, or two IDX files as `images:labels`. test: the same for the test split alone. The fractions say
    how much is set aside, class by class, where the source has no such split of its own (the validation
    fraction is of what the test split leaves). seed: of the splits. size: pixels (one side, or height and
    width) to which images are brought.

    Raises:
        DataError: whatever does not fit; the message names the file and what was expected.
    """
    wanted = (size, size) if isinstance(size, int) else size
    found = _found(str(source), wanted)
    parts, classes, notes, files = dict(found.parts), found.classes, found.notes, dict(found.files)
    extra = None
    if test is not None:
        height, width = parts["train"][0].shape[2:]
        extra = _found(str(test), (height, width))
        _same_classes(extra.classes, classes, test, source)
        part = "test" if "test" in extra.parts else "train"
        parts["test"], notes = extra.parts[part], notes + extra.notes
        files["test"] = extra.files.get(part, (str(test), str(test)))
    fractions = (validation_fraction, test_fraction)
    data = _assemble(Path(source).name, str(source), parts, classes, fractions, seed, notes, files)
    if extra is not None:
        _same_classes(extra.classes, data.classes, test, source)
    if wanted and wanted != data.shape[1:]:
        note = (
            f"images were resized from {data.shape[1]}x{data.shape[2]} to {wanted[0]}x{wanted[1]}, as asked"
        )
        data = replace(_resized.__wrapped__(data, wanted), notes=(*notes, note))
    return data


def from_arrays(
    images: Array,
    labels: Array,
    *,
    test: tuple[Array, Array] | None = None,
    classes: Sequence[str] | None = None,
    name: str = "arrays",
    validation_fraction: float = 0.2,
    test_fraction: float = 0.2,
    seed: int = 0,
    layout: Literal["nchw"] | None = None,
) -> ImageData:
    """Make data of images [n, h, w], [n, h, w, channels] or [n, channels, h, w] and labels [n] from 0.

    test_fraction: 0 sets no image aside. layout: `nchw` where the axes are [n, channels, h, w] whatever their
    lengths; else the channel axis is found by them.

    Raises:
        DataError: arrays that do not fit each other, labels or pixels out of range.
    """
    given = {"train": (images, labels), **({"test": test} if test else {})}
    parts = {
        s: (np.asarray(x) if layout else channels_first(np.asarray(x), f"{name}, {s}"), np.asarray(y))
        for s, (x, y) in given.items()
    }
    named = tuple(classes) if classes is not None else None
    return _assemble(name, name, parts, named, (validation_fraction, test_fraction), seed, ())


def _same_classes(
    test: tuple[str, ...] | None, train: tuple[str, ...] | None, file: str | Path | None, source: str | Path
) -> None:
    """Raise for a test split whose classes have names, and others than those in training."""
    if test and train and test != train:
        raise DataError(f"{file}: its classes {test} are not those of {source}: {train}")


# --- reading ------------------------------------------------------------------------------------------------


def _found(source: str, size: Size | None) -> Source:
    try:
        return _read(source, size)
    except OSError as error:
        raise DataError(f"{error.filename or source}: cannot be read ({error.strerror})") from error


def _read(source: str, size: Size | None) -> Source:
    if source == "digits":
        return _digits()
    path = Path(source)
    if path.is_dir():
        return read_idx_folder(path) or read_folder(path, size)
    images, colon, labels = source.rpartition(":")
    if not path.exists() and colon and Path(images).exists():
        if not Path(labels).exists():
            raise missing(Path(labels))
        return Source({"train": read_pair(Path(images), Path(labels))}, files={"train": (images, labels)})
    if not path.exists():
        raise missing(path, ("digits",))
    if path.suffix == ".npz":
        return read_npz(path, size)
    if "idx" in path.name or path.suffix == ".gz":
        raise DataError(
            f"{path}: IDX data are two files; write IMAGES:LABELS, or give the folder they are in"
        )
    known = "digits, an .npz file, a folder of class folders, a folder of IDX files, or IMAGES:LABELS (IDX)"
    raise DataError(f"{path}: unknown kind of file; expected {known}")


def _digits() -> Source:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Source({"train": (digits.images.astype(np.uint8)[:, None], digits.target)})


# --- splitting ----------------------------------------------------------------------------------------------


def _assemble(
    name: str,
    where: str,
    parts: Mapping[str, tuple[Array, Array]],
    classes: tuple[str, ...] | None,
    fractions: tuple[float, float],
    seed: int,
    notes: tuple[str, ...],
    files: Mapping[str, tuple[str, str]] | None = None,
) -> ImageData:
    for kind, value in zip(("validation", "test"), fractions, strict=True):
        if not 0 < value < 1 and (kind, value) != ("test", 0):
            raise DataError(f"{where}: {kind} fraction {value} must lie between 0 and 1")
    images, labels = {}, {}
    for split, (x, y) in parts.items():
        here = where if split == "train" else f"{where} ({split})"
        part, labelled = (files or {}).get(split, (here, here))
        images[split] = checked_pixels(x, part)
        labels[split] = checked_labels(y, len(x), classes, labelled)
        wanted, found = images["train"].shape[1:], images[split].shape[1:]
        if found != wanted:
            raise DataError(
                f"{part}: images have shape {list(found)}, expected {list(wanted)} as in training"
            )
        if (x.dtype.kind == "f") != (parts["train"][0].dtype.kind == "f"):
            raise DataError(
                f"{part}: pixels are {x.dtype}, expected {parts['train'][0].dtype} as in training"
            )
        if classes is None and split == "train":
            classes = tuple(map(str, range(int(labels["train"].max()) + 1)))
    assert classes is not None
    if len(classes) < 2:
        raise DataError(f"{where}: one class only ({classes[0]}); a classifier needs at least two")
    counts = np.bincount(labels["train"], minlength=len(classes))
    if not counts.all():
        empty = classes[int(np.argmin(counts))]
        raise DataError(f"{where}: class {empty} has no image; expected images of all {len(classes)} classes")

    rng = stream(seed, "splits")
    starts = dict(zip(parts, np.cumsum([0, *map(len, labels.values())]).tolist(), strict=False))
    every = np.concatenate([labels[s] for s in parts])
    pool = {s: _shuffled_by_class(labels[s], len(classes), starts[s], rng) for s in parts}
    for split, fraction in (("test", fractions[1]), ("validation", fractions[0])):
        if split not in pool:
            pool[split] = [m[: max(1, round(fraction * m.size)) if fraction else 0] for m in pool["train"]]
            pool["train"] = [m[taken.size :] for m, taken in zip(pool["train"], pool[split], strict=True)]
    least = (4 if fractions[1] else 3) - len(parts)
    for class_, members in zip(classes, pool["train"], strict=True):
        if members.size == 0:
            raise DataError(f"{where}: class {class_} has too few images to split; expected {least} or more")
    order = {s: _interleaved(members) for s, members in pool.items()}
    joined = np.concatenate(list(images.values())) if len(parts) > 1 else images["train"]
    return _finished(name, joined, every, classes, order, notes)


def _shuffled_by_class(labels: Indices, classes: int, start: int, rng: np.random.Generator) -> list[Indices]:
    return [rng.permutation(np.flatnonzero(labels == c)) + start for c in range(classes)]


def _interleaved(members: list[Indices]) -> Indices:
    """Order all members so that every beginning holds each class in proportion, and each at least once."""
    place = np.concatenate([np.arange(m.size) / max(1, m.size) for m in members])
    return np.concatenate(members)[np.argsort(place, kind="stable")]


def _finished(
    name: str,
    images: Array,
    labels: Indices,
    classes: tuple[str, ...],
    order: Mapping[str, Indices],
    notes: tuple[str, ...],
) -> ImageData:
    mean, std = moments(images, order["train"])
    sizes = {split: numbers.size for split, numbers in sorted(order.items())}
    head = repr((images.shape, images.dtype.str, classes, sizes))
    digest = hashlib.blake2b(head.encode(), digest_size=16)
    # Views, so that nobody else's arrays become read-only.
    arrays = [a.view() for a in (images, labels, order["train"], order["validation"], order["test"])]
    for array in arrays:
        digest.update(array.data)
        array.flags.writeable = False
    images, labels, train, validation, test = arrays
    fingerprint = digest.hexdigest()
    return ImageData(name, images, labels, classes, train, validation, test, mean, std, fingerprint, notes)


@lru_cache(maxsize=4)
def _resized(data: ImageData, size: Size) -> ImageData:
    order = {"train": data.train, "validation": data.validation, "test": data.test}
    return _finished(data.name, resize(data.images, size), data.labels, data.classes, order, data.notes)
