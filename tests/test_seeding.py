"""Random streams by name: the same everywhere, and independent of each other."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import numpy as np

from morphogen.seeding import stream


def first(seed: int, *path: int | str) -> int:
    return int(stream(seed, *path).integers(2**62))


def test_a_name_is_a_stream() -> None:
    assert first(7, 12, "estimate") == first(7, 12, "estimate")
    names: list[tuple[int | str, ...]] = [
        (0,),
        (1,),
        (0, 0),
        (0, 1),
        (0, "0"),
        (0, "1"),
        (0, 0, 0),
        (0, "estimate"),
    ]
    names += [(0, n) for n in range(2, 500)] + [(n, 0) for n in range(1, 500)]
    assert len({first(int(seed), *path) for seed, *path in names}) == len(names)


def test_whole_numbers_are_one_name() -> None:
    assert first(np.int64(3), np.int64(4)) == first(3, 4)  # type: ignore[arg-type]


def test_another_process_has_the_same_streams() -> None:
    code = (
        "import json; from morphogen.seeding import stream;"
        "print(json.dumps(stream(7, 12, 'estimate').random(5).tolist()))"
    )
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        run = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        assert json.loads(run.stdout) == stream(7, 12, "estimate").random(5).tolist()


def test_streams_are_unrelated_and_even() -> None:
    rows = np.array([stream(0, n).random(64) for n in range(400)])
    assert abs(rows.mean() - 0.5) < 0.01
    assert abs(rows.std() - 12**-0.5) < 0.01
    assert np.abs(rows.mean(axis=0) - 0.5).max() < 0.07
    correlations = np.corrcoef(rows)[np.triu_indices(400, 1)]
    assert abs(correlations.mean()) < 0.01
    assert np.abs(correlations).max() < 0.65


def test_a_stream_goes_on_after_pickling() -> None:
    rng = stream(0, "a")
    rng.random()
    again = pickle.loads(pickle.dumps(rng))
    assert rng.random() == again.random()
