"""A search on images: the winner is trained once more, tested, saved, shown, exported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.networks import load
from morphogen.study import Study, without_times

Cli = Callable[..., Any]
SMALL = ("--epochs", 1, "--channels", 4, "--fraction", "0.2", "--batch-size", 128)
SEARCH = ("search", *SMALL, "--trials", 2, "--workers", 0, "--final-epochs", 2)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, printed: Cli) -> Path:
    """A folder with a finished search on digits, and what was printed."""
    folder = tmp_path_factory.mktemp("searched")
    (folder / "printed.txt").write_text(printed(folder, SEARCH).out)
    return folder


def test_the_closing_lines_name_what_was_found(searched: Path) -> None:
    out = (searched / "printed.txt").read_text()
    for words in ("validation accuracy", "test accuracy", "(95%), 359 images", "parameters", "multiply-adds"):
        assert words in out
    assert "study-best/weights.safetensors" in out and "study-best/network.json" in out
    assert "after 2 epochs" in out and "Ledger" in out and "morphogen export study.db" in out


def test_the_winner_is_in_the_journal_and_on_disk(study: Path) -> None:
    found = Study.open(study)
    (event,) = [event for event in found.others if event["kind"] == "retrained"]
    assert event["number"] == found.best().number and event["path"] == "study-best"
    assert event["values"]["tested"] == 359
    assert event["values"]["low"] <= event["values"]["accuracy"] <= event["values"]["high"]
    about = json.loads(Path("study-best/network.json").read_text())["about"]
    assert about["architecture"] == str(found.best().architecture)
    network = load("study-best")
    assert sum(p.numel() for p in network.parameters()) == event["values"]["parameters"]


def test_the_saved_network_has_the_test_accuracy_it_says(study: Path) -> None:
    import torch

    from morphogen.networks.data import load as load_data

    record = json.loads(Path("study-best/network.json").read_text())["about"]
    data = load_data("digits")
    mean, std = (
        np.array(record["normalization"][name], np.float32)[:, None, None] for name in ("mean", "std")
    )
    images = (data.images[data.test].astype(np.float32) - mean) / std
    with torch.inference_mode():
        right = (
            load("study-best")(torch.from_numpy(images)).argmax(1).numpy() == data.labels[data.test]
        ).mean()
    assert right == pytest.approx(record["test"]["accuracy"])


def test_again_it_is_not_trained_once_more(cli: Cli, study: Path) -> None:
    weights = Path("study-best/weights.safetensors")
    before = weights.stat().st_mtime_ns
    ended = cli(*SEARCH)
    assert ended.code == 0 and "reached its limit" in ended.err
    assert weights.stat().st_mtime_ns == before
    assert ended.out == Path("printed.txt").read_text()


def test_a_lost_network_is_trained_again_and_equal(cli: Cli, study: Path) -> None:
    before = Path("study-best/weights.safetensors").read_bytes()
    shutil.rmtree("study-best")
    assert cli(*SEARCH).code == 0
    assert Path("study-best/weights.safetensors").read_bytes() == before
    events = without_times(Study.open(study).journal.read())
    assert events[-1] == events[-2]


def test_no_final_trains_nothing(cli: Cli) -> None:
    ended = cli(*SEARCH[:-2], "--no-final", "--json", "--quiet")
    assert ended.code == 0 and "final" not in json.loads(ended.out)
    assert not Path("study-best").exists()


def test_show_and_json_tell_of_the_network(cli: Cli, study: Path) -> None:
    assert "test accuracy" in cli("show", study).out
    record = json.loads(cli("show", study, "--json").out)
    assert [event["path"] for event in record["retrained"]] == ["study-best"]
    final = json.loads(cli(*SEARCH, "--json", "--quiet").out)["final"]
    assert final["folder"] == "study-best" and final["fidelity"]["epochs"] == 2


def test_export_copies_what_is_trained(cli: Cli, study: Path) -> None:
    ended = cli("export", study, "--to", "out")
    assert ended.code == 0 and "out/weights.safetensors" in ended.out
    assert Path("out/weights.safetensors").read_bytes() == Path("study-best/weights.safetensors").read_bytes()
    assert len([e for e in Study.open(study).others if e["kind"] == "retrained"]) == 1


def test_export_of_another_trial_trains_it(cli: Cli, study: Path) -> None:
    other = 1 - Study.open(study).best().number
    ended = cli("export", study, "--to", "other", "--trial", other, "--final-epochs", 1)
    assert ended.code == 0, ended.err
    about = json.loads(Path("other/network.json").read_text())["about"]
    assert about["trial"] == other and about["trained"]["epochs"] == 1
    assert cli("export", study, "--to", "x", "--trial", 9).code == 2


def test_other_data_are_another_search(cli: Cli, study: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez("mine.npz", x=rng.integers(0, 255, (60, 8, 8), dtype=np.uint8), y=np.arange(60) % 3)
    ended = cli(*SEARCH, "--data", "mine.npz")
    assert ended.code == 2 and "the estimator is" in ended.err


def test_own_data_that_change_are_noticed(cli: Cli) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (60, 8, 8), dtype=np.uint8)
    np.savez("mine.npz", x=images, y=np.arange(60) % 3)
    words = ("--data", "mine.npz", "--epochs", 1, "--channels", 4, "-n", 1, "-w", 0, "--no-final", "-q")
    assert cli("search", *words).code == 0
    np.savez("mine.npz", x=images[::-1], y=np.arange(60) % 3)
    ended = cli("resume", "study.db", "--trials", 2)
    assert ended.code == 2 and "belongs to another search" in ended.err
