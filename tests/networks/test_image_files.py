"""Archives and folders of images: what is read, and refusals that name the file and the fix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from morphogen.networks.data import load
from morphogen.networks.image_files import DataError, channels_first

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (60, 6, 5), np.uint8)
Y = np.arange(60) % 3


def write_pictures(folder: Path, sizes: dict[str, list[tuple[int, int]]], mode: str = "RGB") -> Path:
    """Write a folder of class folders with one image (width, height) for each entry."""
    for name, shapes in sizes.items():
        (folder / name).mkdir(parents=True)
        for i, (width, height) in enumerate(shapes):
            pixels = RNG.integers(0, 256, (height, width, len(mode)), np.uint8).squeeze()
            Image.fromarray(pixels, mode=None).save(folder / name / f"{i}.png")
    return folder


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((60, 6, 5), (1, 6, 5)),
        ((60, 6, 5, 1), (1, 6, 5)),
        ((60, 6, 5, 3), (3, 6, 5)),
        ((60, 3, 6, 5), (3, 6, 5)),
        ((60, 5, 5, 12), (12, 5, 5)),
        ((60, 12, 5, 5), (12, 5, 5)),
        ((60, 3, 3, 1), (1, 3, 3)),
    ],
)
def test_the_axes_of_arrays_are_told_apart(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    images = np.arange(np.prod(shape)).reshape(shape)
    found = channels_first(images, "x")
    assert found.shape[1:] == expected
    assert set(found[0].ravel()) == set(images[0].ravel())  # no image was mixed with another
    if shape[-1] != expected[-1]:
        np.testing.assert_array_equal(found[3, :, 1, 2], images[3, 1, 2].reshape(-1))


def test_axes_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(DataError, match=r"cannot tell the channels in shape \[60, 5, 6, 7\]"):
        channels_first(np.zeros((60, 5, 6, 7)), "x")


def test_npz_without_and_with_its_own_splits(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    alone = load(tmp_path / "a.npz")
    assert [len(s) for s in (alone.train, alone.validation, alone.test)] == [39, 9, 12]
    np.savez_compressed(tmp_path / "b.npz", x_train=X, y_train=Y, x_test=X[:9], y_test=Y[:9])
    split = load(tmp_path / "b.npz")
    assert [len(s) for s in (split.train, split.validation, split.test)] == [48, 12, 9]
    np.testing.assert_array_equal(np.sort(split.test), np.arange(60, 69))
    medical = {"train_images": X, "train_labels": Y[:, None], "val_images": X[:6], "val_labels": Y[:6, None]}
    np.savez(tmp_path / "c.npz", **medical, test_images=X[:9], test_labels=Y[:9, None])
    given = load(tmp_path / "c.npz")
    assert [len(s) for s in (given.train, given.validation, given.test)] == [60, 6, 9]


def test_a_test_file_of_its_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", x=X, y=Y)
    np.savez(tmp_path / "test.npz", x=X[:12], y=Y[:12])
    found = load(tmp_path / "train.npz", tmp_path / "test.npz")
    assert len(found.test) == 12
    np.testing.assert_array_equal(found.images[np.sort(found.test), 0], X[:12])


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"cat": [(7, 5)] * 6, "ant": [(7, 5)] * 5})
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    found = load(tmp_path)
    assert found.classes == ("ant", "cat")
    assert found.shape == (3, 5, 7)
    assert np.bincount(found.labels).tolist() == [5, 6]
    assert found.notes == ()
    with Image.open(tmp_path / "ant" / "3.png") as image:
        np.testing.assert_array_equal(found.images[3].transpose(1, 2, 0), np.asarray(image))


def test_grey_pictures_stay_grey_and_sizes_are_made_common(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"a": [(8, 8)] * 5 + [(9, 4)], "b": [(8, 8)] * 6}, mode="L")
    found = load(tmp_path)
    assert found.shape == (1, 8, 8)
    assert found.notes == ("1 of 12 images were resized to 8x8, the most common size",)
    asked = load(tmp_path, size=4)
    assert asked.shape == (1, 4, 4)
    assert "as asked" in asked.notes[0]


def test_a_folder_with_splits(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", {"a": [(4, 4)] * 5, "b": [(4, 4)] * 5})
    write_pictures(tmp_path / "test", {"a": [(4, 4)] * 2, "b": [(4, 4)]})
    found = load(tmp_path)
    assert [len(s) for s in (found.train, found.validation, found.test)] == [8, 2, 3]
    write_pictures(tmp_path / "test", {"c": [(4, 4)]})
    with pytest.raises(DataError, match="class c has no folder"):
        load(tmp_path)


def test_cifar_packed_as_jpeg(data: Path, tmp_path: Path) -> None:
    with np.load(data / "cifar10_train20k_jpeg.npz", allow_pickle=False) as archive:
        offset = archive["offset"][:601]
        first = {"jpeg": archive["jpeg"][: offset[-1]], "offset": offset, "y": archive["y"][:600]}
        np.savez(tmp_path / "first.npz", **first, classes=archive["classes"])
    found = load(tmp_path / "first.npz")
    assert found.shape == (3, 32, 32)
    assert found.classes[0] == "airplane"
    assert 100 < found.mean.min() < found.mean.max() < 140
    np.savez(tmp_path / "broken.npz", **{**first, "offset": offset[:-1]})
    with pytest.raises(DataError, match="offset must rise from 0 to the"):
        load(tmp_path / "broken.npz")
    first["jpeg"][offset[7] : offset[8]] = 0
    np.savez(tmp_path / "bad.npz", **first)
    with pytest.raises(DataError, match="image 7: not a readable image; repair or drop it"):
        load(tmp_path / "bad.npz")


def test_damaged_and_foreign_archives_are_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.npz"
    np.savez(whole, x=X, y=Y)
    content = whole.read_bytes()
    cases = {
        "cut.npz": (content[: len(content) // 2], "not a readable NumPy archive"),
        "empty.npz": (b"", "not a readable NumPy archive"),
        "text.npz": (b"hello", "not a readable NumPy archive"),
        "bits.npz": (content[:400] + bytes(40) + content[440:], "damaged"),
    }
    for name, (broken, message) in cases.items():
        (tmp_path / name).write_bytes(broken)
        with pytest.raises(DataError, match=f"{name}.*{message}"):
            load(tmp_path / name)
    np.savez(tmp_path / "pickled.npz", x=np.array([{}, {}], object), y=Y[:2])
    with pytest.raises(DataError, match="not an array of plain numbers"):
        load(tmp_path / "pickled.npz")
    np.savez(tmp_path / "keys.npz", pictures=X, y=Y)
    with pytest.raises(DataError, match="found the arrays pictures, y, expected x and y"):
        load(tmp_path / "keys.npz")
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match="one array without names"):
        load(tmp_path / "array.npz")


def test_folders_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected one folder of images a class"):
        load(tmp_path)
    write_pictures(tmp_path, {"a": [(4, 4)] * 3, "b": []})
    with pytest.raises(DataError, match="b: no images of this class; expected files ending in .png"):
        load(tmp_path)
    (tmp_path / "b" / "0.png").write_bytes((tmp_path / "a" / "0.png").read_bytes()[:40])
    with pytest.raises(DataError, match=r"b/0.png: not a readable image"):
        load(tmp_path)
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "b" / "0.png")
    with pytest.raises(DataError, match=r"b/0.png: has pixels of mode I;16; expected 8 bits"):
        load(tmp_path)
