"""The training loop: it learns, only what is there to learn, and the same way for the same stream."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from morphogen.networks.batches import Batches, resolve
from morphogen.networks.data import ImageData, from_arrays, load
from morphogen.networks.training import Descent, Diverged, Recipe, fit, schedule, score
from morphogen.seeding import stream

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load("digits")


def small_network(seed: int = 0, dropout: float = 0.0) -> nn.Module:
    """Return two convolutions and a linear layer for the digits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(256, 10),
        )


# --- learning -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_small_network_learns_the_digits(digits: ImageData, optimizer: str) -> None:
    recipe = Recipe(epochs=8, optimizer=optimizer, label_smoothing=0.05)  # type: ignore[arg-type]
    network = small_network()
    fitted = fit(network, digits, digits.train, digits.validation, recipe, stream(0))
    assert fitted.accuracy > 0.9
    assert [point["epoch"] for point in fitted.curve] == list(range(1, 9))
    losses = [point["train_loss"] for point in fitted.curve]
    assert losses[-1] < losses[0] / 2
    assert fitted.curve[-1]["accuracy"] == fitted.accuracy
    assert score(network, digits, digits.validation) == (fitted.accuracy, fitted.loss)
    assert score(network, digits, digits.test)[0] > 0.9


def test_stopped_early_it_takes_the_first_steps_of_the_whole(digits: ImageData) -> None:
    whole = fit(small_network(), digits, digits.train, digits.validation, Recipe(epochs=4), stream(0))
    half = fit(
        small_network(), digits, digits.train, digits.validation, Recipe(epochs=4, stop=0.5), stream(0)
    )
    assert half.curve == whole.curve[:2]
    part = fit(
        small_network(), digits, digits.train, digits.validation, Recipe(epochs=4, stop=0.3), stream(0)
    )
    assert part.curve[0] == whole.curve[0] and len(part.curve) == 2
    assert part.curve[1]["loss"] != whole.curve[1]["loss"]
    with pytest.raises(ValueError, match="stops after a part of its steps"):
        Recipe(stop=0.0)


def test_a_few_steps_are_enough_for_normalization(digits: ImageData) -> None:
    network = small_network()
    norm = network[1]
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None
    seen: list[torch.Tensor] = []
    norm.register_forward_pre_hook(
        lambda _, given: seen.append(given[0].mean((0, 2, 3)).detach()) if norm.training else None
    )
    fit(network, digits, digits.train, digits.validation, Recipe(epochs=1, batch_size=300), stream(0))
    assert len(seen) == 4, "four steps"
    assert torch.allclose(norm.running_mean, torch.stack(seen).mean(0), atol=1e-6), "a plain mean at first"
    assert norm.momentum == 0.1


def test_permuted_labels_leave_nothing_to_learn(digits: ImageData) -> None:
    shuffled = np.random.default_rng(3).permutation(digits.labels)
    lies = from_arrays(digits.images, shuffled, name="lies")
    fitted = fit(small_network(), lies, lies.train, lies.validation, Recipe(epochs=4), stream(0))
    # Chance is 0.1; the standard error over 287 images is 0.018.
    assert 0.03 < fitted.accuracy < 0.17


def test_what_the_test_split_holds_changes_nothing(digits: ImageData) -> None:
    poisoned = digits.images.copy()
    poisoned[digits.test] = 255
    other = from_arrays(poisoned, digits.labels, name="poisoned")
    recipe = Recipe(epochs=1)
    clean = fit(small_network(), digits, digits.train, digits.validation, recipe, stream(0))
    assert fit(small_network(), other, other.train, other.validation, recipe, stream(0)) == clean


# --- the same stream, the same result -----------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_stream_decides_bit_for_bit(digits: ImageData, optimizer: str) -> None:
    recipe = Recipe(epochs=2, flip=True, optimizer=optimizer)  # type: ignore[arg-type]
    part = digits.part(0.3)

    def run(seed: int) -> tuple[object, list[torch.Tensor]]:
        network = small_network(dropout=0.2)
        return fit(network, digits, part, digits.validation, recipe, stream(seed)), list(network.parameters())

    torch.manual_seed(1)
    (first, weights), (other, _) = run(7), run(8)
    torch.manual_seed(2)
    again, weights_again = run(7)
    assert again == first != other
    assert all(torch.equal(a, b) for a, b in zip(weights, weights_again, strict=True))


def test_global_state_is_left_alone(digits: ImageData) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        fit(small_network(dropout=0.5), digits, digits.train[:64], None, Recipe(epochs=1), stream(0))
        assert torch.equal(torch.rand(3), expected)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


# --- batches ------------------------------------------------------------------------------------------------


def test_batches_are_normalized_by_the_training_split(digits: ImageData) -> None:
    batches = Batches(digits, CPU)
    images, labels = batches.plain(torch.from_numpy(np.array(digits.train)))
    assert abs(images.mean().item()) < 1e-5
    assert abs(images.std().item() - 1) < 1e-3
    assert labels.tolist() == digits.labels[digits.train].tolist()
    colored = from_arrays(np.arange(60 * 48).reshape(60, 3, 4, 4) % 251, np.arange(60) % 2)
    images, _ = Batches(colored, CPU).plain(torch.from_numpy(np.array(colored.train)))
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_shifts_move_whole_images_and_fill_with_zeros() -> None:
    images = np.random.default_rng(0).integers(1, 255, (40, 2, 16, 9), np.uint8)
    data = from_arrays(images, np.arange(40) % 2)
    batches, generator = Batches(data, CPU), torch.Generator().manual_seed(0)
    numbers = torch.arange(40)
    moved, labels = batches.augmented(numbers, generator, shift=True, flip=True)
    assert labels.tolist() == data.labels.tolist()
    pixels = (moved / batches.scale + batches.mean).round().to(torch.uint8).numpy()
    seen = set()
    for before, after in zip(images, pixels, strict=True):
        fits = [
            (flip, down, right)
            for flip in (False, True)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if np.array_equal(after, shifted(before[:, :, ::-1] if flip else before, down, right))
        ]
        assert len(fits) == 1
        seen.add(fits[0])
    assert len(seen) > 20  # of 50 ways
    still, _ = batches.augmented(numbers, generator, shift=False, flip=False)
    torch.testing.assert_close(still, batches.plain(numbers)[0])
    assert np.array_equal(data.images, images)


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the image [channels, h, w] moved, with zeros where nothing comes from; by plain loops."""
    moved = np.zeros_like(image)
    _, height, width = image.shape
    for y in range(height):
        for x in range(width):
            if 0 <= y - down < height and 0 <= x - right < width:
                moved[:, y, x] = image[:, y - down, x - right]
    return moved


def test_every_image_is_seen_once_an_epoch_in_batches_of_like_size(digits: ImageData) -> None:
    sizes: list[int] = []
    network = small_network()
    network.register_forward_pre_hook(
        lambda module, args: sizes.append(len(args[0])) if module.training else None  # type: ignore[func-returns-value]
    )
    fit(network, digits, digits.train[:130], None, Recipe(epochs=2, batch_size=64), stream(0))
    assert sizes == [44, 43, 43] * 2
    sizes.clear()
    fit(network, digits, digits.train[:3], None, Recipe(epochs=1, batch_size=2), stream(0))
    assert sizes == [3]  # batch norm needs two images


# --- steps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_steps_equal_those_of_torch(optimizer: str) -> None:
    recipe = Recipe(optimizer=optimizer, weight_decay=0.1)  # type: ignore[arg-type]
    ours, theirs = small_network(), small_network()
    descent = Descent(ours, recipe)
    groups = [
        {"params": [p for p in theirs.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in theirs.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if optimizer == "sgd":
        reference: torch.optim.Optimizer = torch.optim.SGD(groups, momentum=0.9, nesterov=True)
    else:
        reference = torch.optim.AdamW(groups)
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for rate in (0.01, 0.1, 0.03):
        for network in (ours, theirs):
            network(images).square().sum().backward()
        descent.step(rate)
        for group in reference.param_groups:
            group["lr"] = rate
        reference.step()
        reference.zero_grad()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)
        assert a.grad is None


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    rates = [schedule(step, 200) for step in range(200)]
    peak = int(np.argmax(rates))
    assert peak == 9
    assert rates[peak] == 1
    assert rates[0] == 0.1
    assert all(a < b for a, b in pairwise(rates[: peak + 1]))
    assert all(a > b for a, b in pairwise(rates[peak:]))
    assert 0 < rates[-1] < 1e-3
    assert 0 < schedule(0, 1) <= 1
    assert all(0 < schedule(step, 3) <= 1 for step in range(3))


# --- refusals -----------------------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_says_where_and_what_to_do(digits: ImageData) -> None:
    recipe = Recipe(epochs=3, learning_rate=1e30)
    with pytest.raises(Diverged, match=r"epoch \d of 3; lower the learning rate \(its peak is 1e\+30\)"):
        fit(small_network(), digits, digits.train, digits.validation, recipe, stream(0))
    broken = small_network()
    with torch.no_grad():
        next(broken.parameters()).fill_(math.nan)
    with pytest.raises(Diverged, match="the loss is nan in step 1 of 18 of epoch 1 of 10"):
        fit(broken, digits, digits.train, digits.validation, Recipe(), stream(0))


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="2 images a batch"):
        Recipe(batch_size=1)
    with pytest.raises(ValueError, match="sgd or adamw, got 'adam'"):
        Recipe(optimizer="adam")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="label smoothing"):
        Recipe(label_smoothing=1.0)
    with pytest.raises(ValueError, match="learning rate is positive"):
        Recipe(learning_rate=0.0)
    with pytest.raises(ValueError, match="device tpu is not here; take auto or"):
        resolve("tpu")
    assert resolve("cpu") == CPU
