"""Saved networks: exactly the same logits, and one clear error for anything that is not one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from morphogen.networks.building import build
from morphogen.networks.saving import DESCRIPTION, WEIGHTS, SavedNetworkError, load, save
from morphogen.networks.skeleton import NetworkSpec
from morphogen.spaces.cell201 import cell201
from morphogen.spaces.darts_cell import darts_cell
from morphogen.spaces.digits_small import digits_small
from morphogen.spaces.space import Space


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The folder of a saved network."""
    network = build(digits_small().sample(np.random.default_rng(0)), (1, 8, 8), 10, channels=4)
    save(network, tmp_path / "best")
    return tmp_path / "best"


@pytest.mark.parametrize("space", [cell201(), digits_small(), darts_cell()], ids=lambda space: space.name)
def test_a_loaded_network_gives_the_same_logits(space: Space, tmp_path: Path) -> None:
    architecture = space.sample(np.random.default_rng(1))
    network = build(architecture, (3, 12, 12), 5, channels=4, cells=2, seed=3)
    network = network.to(memory_format=torch.channels_last)
    x = torch.rand(4, 3, 12, 12)
    network(x)  # moves the running statistics off their start
    save(network, tmp_path / "a" / "b", about={"architecture": str(architecture)})
    loaded = load(tmp_path / "a" / "b")
    assert not loaded.training
    assert loaded.spec == network.spec
    assert torch.equal(loaded(x), network.eval().to(memory_format=torch.contiguous_format)(x))
    description = json.loads((tmp_path / "a" / "b" / DESCRIPTION).read_text())
    assert description["about"] == {"architecture": str(architecture)}
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == [DESCRIPTION, WEIGHTS]


def test_saving_again_replaces(saved: Path) -> None:
    other = build(cell201().sample(np.random.default_rng(2)), (3, 8, 8), 4).eval()
    save(other, saved)
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(load(saved)(x), other(x))


def test_a_specification_survives_json() -> None:
    for space in (cell201(), darts_cell(), digits_small()):
        spec = NetworkSpec.of(space.sample(np.random.default_rng(3)), (3, 16, 16), 7, channels=5, cells=2)
        assert NetworkSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize("name", [DESCRIPTION, WEIGHTS])
def test_missing_files_are_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(SavedNetworkError, match=f"best holds no saved network: {name} is missing"):
        load(saved)


@pytest.mark.parametrize("name", [DESCRIPTION, WEIGHTS])
@pytest.mark.parametrize(
    "content", [b"", b"\x80\xff garbage", b"[]", b"{}"], ids=["empty", "bytes", "list", "object"]
)
def test_damaged_files_are_one_clear_error(saved: Path, name: str, content: bytes) -> None:
    (saved / name).write_bytes(content)
    with pytest.raises(SavedNetworkError, match="best holds a damaged network"):
        load(saved)


def test_a_cut_file_is_noticed(saved: Path) -> None:
    content = (saved / WEIGHTS).read_bytes()
    (saved / WEIGHTS).write_bytes(content[: len(content) // 2])
    with pytest.raises(SavedNetworkError, match="damaged"):
        load(saved)


def test_weights_of_another_network_are_refused(saved: Path, tmp_path: Path) -> None:
    save(build(cell201().sample(np.random.default_rng(4)), (1, 8, 8), 10), tmp_path / "other")
    (tmp_path / "other" / WEIGHTS).replace(saved / WEIGHTS)
    with pytest.raises(SavedNetworkError, match="damaged"):
        load(saved)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("root", "pyramid"),
        ("classes", -1),
        ("inputs", [1, 8]),
        ("inputs", "abc"),
        (
            "graphs",
            [{"inputs": 1, "labels": ["input0", "conv3x3"], "predecessors": [[], [1]], "output": [1]}],
        ),
        (
            "graphs",
            [{"inputs": 1, "labels": ["input0", "os.system"], "predecessors": [[], [0]], "output": [1]}],
        ),
        ("graphs", [{"inputs": 1, "labels": ["input0"], "predecessors": [[]], "output": [-2]}]),
        ("graphs", [{"inputs": 1, "labels": [], "predecessors": [], "output": []}]),
    ],
)
def test_descriptions_without_sense_are_refused(saved: Path, key: str, value: object) -> None:
    record = json.loads((saved / DESCRIPTION).read_text())
    record["network"][key] = value
    (saved / DESCRIPTION).write_text(json.dumps(record))
    with pytest.raises(SavedNetworkError, match="damaged"):
        load(saved)
