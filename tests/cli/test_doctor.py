"""`doctor`: each trouble is found where it was planted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from morphogen.cli.checks import leaks, spreads
from morphogen.networks.data import from_arrays

Cli = Callable[..., Any]


def test_a_function_that_follows_its_generator_is_fine(cli: Cli) -> None:
    ended = cli("doctor", "--estimator", "my.py:count", "--workers", 2)
    assert ended.code == 0, ended
    assert "the same random numbers give the same values" in " ".join(ended.out.split())
    assert "an hour by 2 workers" in " ".join(ended.out.split())


def test_a_function_with_random_numbers_of_its_own_fails(cli: Cli) -> None:
    ended = cli("doctor", "--estimator", "my.py:hasty")
    assert ended.code == 1
    assert "fail" in ended.out and "deterministic=False" in ended.out


def test_pure_chance_is_a_warning(cli: Cli) -> None:
    ended = cli("doctor", "--estimator", "my.py:slow")
    assert ended.code == 0
    assert "warn" in ended.out and "Chance decides" in ended.out


def test_a_function_that_breaks_is_said_so(cli: Cli) -> None:
    ended = cli("doctor", "--estimator", "my.py:broken")
    assert ended.code == 1 and "a trial failed: KeyError" in ended.err


def test_digits_are_fine(cli: Cli) -> None:
    ended = cli("doctor", "--epochs", 1, "--channels", 4, "--fraction", "0.2", "--time", "1s")
    out = " ".join(ended.out.split())
    assert ended.code == 0, ended
    assert "no image is in two of them" in out and "the same random numbers give the same values" in out


def images(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 255, (count, 8, 8), dtype=np.uint8)


def test_a_copied_image_is_found() -> None:
    many = images(600)
    assert leaks(from_arrays(many, np.arange(600) % 3)).verdict == "ok"
    test = (images(660)[600:], np.arange(60) % 3)
    clean = from_arrays(many, np.arange(600) % 3, test=test)
    assert leaks(clean).verdict == "ok"
    test[0][7] = many[clean.train[5]]
    found = leaks(from_arrays(many, np.arange(600) % 3, test=test))
    assert found.verdict == "fail" and "1 images of test are in train too" in found.found


def test_spreads_are_those_that_were_planted() -> None:
    rng = np.random.default_rng(0)
    centers = rng.normal(0.9, 0.03, 4000)
    pairs = [
        (float(c + a), float(c + b))
        for c, (a, b) in zip(centers, rng.normal(0, 0.01, (4000, 2)), strict=True)
    ]
    within, between, mean = spreads(pairs)
    assert (within, between, mean) == pytest.approx((0.01, 0.03, 0.9), rel=0.05)
    assert spreads([(1.0, 2.0), (2.0, 1.0)])[:2] == (pytest.approx(0.5**0.5), 0.0)
