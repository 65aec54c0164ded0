"""Image data: stratified splits, moments of the training split, resolution, and refusals with their fix."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.networks.data import ImageData, from_arrays, load
from morphogen.networks.image_files import DataError
from morphogen.networks.pixels import moments, resize, weights
from morphogen.study.parcel import pack, unpack

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (60, 6, 5), np.uint8)
Y = np.arange(60) % 3


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load("digits")


# --- what is read -------------------------------------------------------------------------------------------


def test_digits_are_bundled(digits: ImageData) -> None:
    assert digits.shape == (1, 8, 8)
    assert digits.images.dtype == np.uint8
    assert digits.classes == tuple("0123456789")
    assert len(digits.train) + len(digits.validation) + len(digits.test) == 1797


def test_mnist_has_its_published_moments(data: Path) -> None:
    found = load(data / "mnist_train.npz", data / "mnist_test3000.npz")
    assert found.shape == (1, 28, 28)
    assert (len(found.train), len(found.validation), len(found.test)) == (48000, 12000, 3000)
    np.testing.assert_allclose(found.mean / 255, 0.1307, atol=5e-4)
    np.testing.assert_allclose(found.std / 255, 0.3081, atol=5e-4)


# --- splits -------------------------------------------------------------------------------------------------


def test_splits_are_disjoint_complete_stratified_and_fixed_by_the_seed(digits: ImageData) -> None:
    splits = (digits.train, digits.validation, digits.test)
    assert sorted(np.concatenate(splits).tolist()) == list(range(1797))
    whole = np.bincount(digits.labels) / 1797
    for numbers in splits:
        np.testing.assert_allclose(np.bincount(digits.labels[numbers]) / len(numbers), whole, atol=0.005)
    assert load("digits").fingerprint == digits.fingerprint
    other = load("digits", seed=1)
    assert other.fingerprint != digits.fingerprint
    assert set(other.test) != set(digits.test)


def test_parts_are_nested_stratified_and_keep_every_class() -> None:
    labels = np.array([0] * 90 + [1] * 9 + [2] * 3)
    found = from_arrays(np.zeros((102, 4, 4), np.uint8), labels)
    small, half = found.part(0.01), found.part(0.5)
    assert sorted(found.labels[small]) == [0, 1, 2]
    assert set(small) < set(half) < set(found.part(1.0)) == set(found.train)
    share = np.bincount(found.labels[half]) / np.bincount(found.labels[found.train])
    np.testing.assert_allclose(share[:2], 0.5, atol=0.1)


def test_moments_come_from_the_training_split_only(digits: ImageData) -> None:
    poisoned = digits.images.copy()
    poisoned[np.concatenate([digits.test, digits.validation])] = 255
    changed = from_arrays(poisoned, digits.labels)
    np.testing.assert_array_equal(changed.train, digits.train)
    np.testing.assert_array_equal(changed.mean, digits.mean)
    np.testing.assert_array_equal(changed.std, digits.std)
    assert changed.fingerprint != digits.fingerprint
    np.testing.assert_allclose(digits.mean[0], digits.images[digits.train].mean(), rtol=1e-6)
    np.testing.assert_allclose(digits.std[0], digits.images[digits.train].std(), rtol=1e-6)


def test_a_constant_channel_has_a_spread_of_one() -> None:
    mean, std = moments(np.full((5, 2, 3, 3), 7, np.uint8), np.arange(5))
    assert mean.tolist() == [7, 7]
    assert std.tolist() == [1, 1]


def test_data_travel_out_of_band_and_stay_equal(digits: ImageData, tmp_path: Path) -> None:
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(digits, protocol=5, buffer_callback=buffers.append)
    assert len(content) < 2000
    assert sum(buffer.raw().nbytes for buffer in buffers) > digits.images.nbytes
    pack(digits, tmp_path / "parcel")
    back = unpack(tmp_path / "parcel")
    assert back == digits
    assert hash(back) == hash(digits)
    np.testing.assert_array_equal(back.images, digits.images)
    assert not digits.images.flags.writeable


def test_arrays_given_stay_writable_and_unchanged() -> None:
    images, labels = X.copy(), Y.copy()
    from_arrays(images, labels)
    images[0] = 0
    labels[0] = 0


# --- resolution ---------------------------------------------------------------------------------------------


def test_resizing_takes_area_means_and_keeps_ramps() -> None:
    images = X[:, None].astype(np.float32)[:, :, :, :4]
    np.testing.assert_allclose(
        resize(images, (3, 2)), images.reshape(60, 1, 3, 2, 2, 2).mean(axis=(3, 5)), rtol=1e-5
    )
    for before, after in ((5, 3), (3, 5), (7, 7), (1, 4), (28, 13)):
        np.testing.assert_allclose(weights(before, after).sum(1), 1, rtol=1e-6)
        # Each old pixel counts as much as any other when an axis shrinks.
        if after <= before:
            np.testing.assert_allclose(weights(before, after).sum(0), after / before, rtol=1e-5)
    ramp = weights(4, 8) @ np.arange(4.0)
    np.testing.assert_allclose(np.diff(ramp)[1:-1], 0.5)


def test_resolution_keeps_splits_and_aspect(digits: ImageData) -> None:
    small = digits.at(4)
    assert small.shape == (1, 4, 4)
    assert small.images.dtype == np.uint8
    np.testing.assert_array_equal(small.train, digits.train)
    assert small.fingerprint != digits.fingerprint
    np.testing.assert_allclose(small.mean, digits.mean, rtol=0.02)
    assert small.std[0] < digits.std[0]
    assert digits.at(4) is small
    assert digits.at(8) is digits is digits.at(None)
    assert from_arrays(X, Y).at(3).shape == (1, 3, 2)
    assert load("digits", size=(6, 4)).shape == (1, 6, 4)


# --- refusals -----------------------------------------------------------------------------------------------

NAN = X.astype(np.float32)
NAN[41, 2, 2] = np.nan


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (X, Y[:59], "60 images but 59 labels"),
        (X, Y - 1, "label -1 is out of range"),
        (X, Y + 0.5, "not whole numbers"),
        (X, np.where(Y == 2, np.nan, Y), "not whole numbers"),
        (X, np.array(["a", "b", "c"])[Y], "not whole numbers"),
        (X, Y * 2, "class 1 has no image"),
        (X, Y * 0, "one class only"),
        (X, np.eye(3)[Y], r"labels have shape \[60, 3\]"),
        (NAN, Y, "image 41 has pixels that are NaN"),
        (X.reshape(60, -1), Y, r"has shape \[60, 30\], expected"),
        (X[:0], Y[:0], "no images"),
        (X.astype(str), Y, "expected numbers"),
        (X[:7], np.array([0, 0, 0, 1, 1, 1, 2]), "class 2 has too few images to split; expected 3 or more"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images: Any, labels: Any, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", x=images, y=labels)
    with pytest.raises(DataError, match=message) as error:
        load(tmp_path / "some.npz")
    assert "some.npz" in str(error.value)
    with pytest.raises(DataError, match=message):
        from_arrays(images, labels, name="mine")


def test_labels_and_shapes_of_the_test_split_are_checked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine \(test\): label 3 is out of range; expected 0 to 2"):
        from_arrays(X, Y, test=(X, Y + 1), name="mine")
    with pytest.raises(DataError, match=r"have shape \[1, 5, 5\], expected \[1, 6, 5\]"):
        from_arrays(X, Y, test=(X[:, 1:], Y))
    with pytest.raises(DataError, match="pixels are float64, expected uint8"):
        from_arrays(X, Y, test=(X / 255, Y))
    with pytest.raises(DataError, match="label 2 is out of range; expected 0 to 1"):
        from_arrays(X, Y, classes=("a", "b"))
    with pytest.raises(DataError, match="class d has no image"):
        from_arrays(X, Y, classes=tuple("abcd"))
    with pytest.raises(DataError, match="fraction 1.5"):
        from_arrays(X, Y, validation_fraction=1.5)


def test_a_test_split_of_its_own_file_is_named_in_its_errors(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", x=X, y=Y)
    np.savez(tmp_path / "low.npz", x=X[:, 1:], y=Y)
    np.savez(tmp_path / "high.npz", x=X, y=Y + 1)
    np.savez(tmp_path / "named.npz", x=X[Y < 2], y=Y[Y < 2], classes=np.array(["a", "b"]))
    cases = {
        "low": r"low.npz: images have shape \[1, 5, 5\], expected \[1, 6, 5\] as in training",
        "high": "high.npz: label 3 is out of range; expected 0 to 2",
        "named": r"named.npz: its classes \('a', 'b'\) are not those of .*train.npz: \('0', '1', '2'\)",
    }
    for name, message in cases.items():
        with pytest.raises(DataError, match=message):
            load(tmp_path / "train.npz", tmp_path / f"{name}.npz")


def test_missing_and_unknown_sources_name_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "mnist.npz").touch()
    with pytest.raises(DataError, match="did you mean mnist.npz"):
        load(tmp_path / "mist.npz")
    with pytest.raises(DataError, match="did you mean digits"):
        load("digit")
    with pytest.raises(DataError, match="no such file or folder"):
        load(tmp_path / "nowhere" / "zzz")
    (tmp_path / "table.csv").touch()
    with pytest.raises(DataError, match="unknown kind of file; expected digits, an .npz file"):
        load(tmp_path / "table.csv")
    (tmp_path / "train-images-idx3-ubyte.gz").touch()
    with pytest.raises(DataError, match="IDX data are two files"):
        load(tmp_path / "train-images-idx3-ubyte.gz")
