"""`export`: files that others can load, and one clear line for whatever cannot be exported."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morphogen.journal import open_journal
from morphogen.networks import onnx_file

Cli = Callable[..., Any]
SMALL = ("--epochs", 1, "--channels", 4, "--fraction", "0.2", "--batch-size", 128)
SEARCH = ("search", *SMALL, "--trials", 2, "--workers", 0, "--final-epochs", 1)
ROOT = Path(__file__).resolve().parents[2]
HAVE_ONNX = not onnx_file.missing()


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, printed: Cli) -> Path:
    """A folder with a finished search on digits."""
    folder = tmp_path_factory.mktemp("searched")
    printed(folder, SEARCH)
    return folder


def image(path: Path, pixels: Any) -> Path:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_everything_is_written_and_an_image_is_named(cli: Cli, study: Path) -> None:
    ended = cli("export", study, "--to", "out", "--seeds", 2)
    assert ended.code == 0, ended.err
    names = {"weights.safetensors", "network.json", "network.py", "network.pt", "README.md"}
    names |= {"network.onnx"} if HAVE_ONNX else set()
    assert {path.name for path in Path("out").iterdir()} == names
    assert {line.split()[0] for line in ended.out.splitlines()[1:]} == {f"out/{name}" for name in names}
    about = json.loads(Path("out/network.json").read_text())["about"]
    told = Path("out/README.md").read_text()
    for words in (
        "over 2 seeds",
        "binomial over the 359 test images",
        f"{about['test']['parameters']:,}",
        "RegularizedEvolution(",
        "morphogen search --space digits_small",
        "--epochs 1 --channels 4",
        about["architecture"],
    ):
        assert words in told, words
    assert ("one pinned thread" in ended.out and "one pinned thread" in told) == HAVE_ONNX
    # From a file to the name of a class: white on black in 8 bits, as the digits are in 4.
    from sklearn.datasets import load_digits

    pixels = (load_digits().images[0] * 255 / 16).round().astype(np.uint8)
    found = named(Path("out"), image(Path("digit.png"), pixels))
    assert re.fullmatch(r"digit\.png: \d \(\d+\.\d%\)\n", found)
    again = cli("export", study, "--to", "other", "--format", "card")
    assert again.code == 0 and "over 2 seeds" in Path("other/README.md").read_text()


def named(folder: Path, file: Path) -> str:
    """Return what the exported source prints of an image file."""
    run = subprocess.run(
        [sys.executable, "-W", "error", folder / "network.py", file],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_one_format_alone(cli: Cli, study: Path) -> None:
    ended = cli("export", study, "--to", "out", "--format", "source")
    assert ended.code == 0, ended.err
    assert {path.name for path in Path("out").iterdir()} == {"network.py", "network.pt"}
    ended = cli("export", study, "--to", "out", "--format", "onxx")
    assert ended.code == 2 and ended.err.count("\n") == 1 and "did you mean onnx?" in ended.err


def test_without_onnx_the_rest_is_written_and_a_line_says_so(
    cli: Cli, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None if name == "onnx" else object())
    ended = cli("export", study, "--to", "out")
    assert ended.code == 0, ended.err
    assert 'no network.onnx: onnx not installed (pip install "morphogen[onnx]")' in ended.err
    assert Path("out/network.py").is_file() and not Path("out/network.onnx").exists()
    ended = cli("export", study, "--to", "out", "--format", "onnx")
    assert ended.code == 2 and ended.err.count("\n") == 1 and "morphogen[onnx]" in ended.err


def test_weights_that_are_not_the_networks_are_refused(
    cli: Cli, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from morphogen.networks import source
    from morphogen.networks.source import file

    def spoiled(*words: Any) -> dict[str, Any]:
        state = dict(kept(*words))
        last = [name for name, tensor in state.items() if tensor.ndim == 2][-1]
        return {**state, last: state[last].flip(0)}

    kept = file._state
    monkeypatch.setattr(file, "_state", spoiled)
    assert source.file is file
    ended = cli("export", study, "--to", "out", "--format", "source")
    assert ended.code == 1 and "out/network.py is another network: its logits differ by" in ended.err


def test_a_region_is_exported_as_the_network_derived_from_it(cli: Cli) -> None:
    words = ("--strategy", "pseudo_gradient_evolution", "--estimator", "fade", "--space", "dag_chain")
    fast = ("--epochs", 1, "--channels", 8, "-n", 1, "-w", 0, "-o", "candidates=2", "--final-epochs", 1)
    ended = cli("search", *words, *fast, "-q", "--study", "fade.db")
    assert ended.code == 0, ended.err
    ended = cli("export", "fade.db", "--to", "out", "--format", "source", "--format", "card")
    assert ended.code == 0, ended.err
    assert "class Module" in Path("out/network.py").read_text()
    assert "1 region, 0 failed" in Path("out/README.md").read_text()


def test_what_cannot_be_exported_says_why_in_one_line(cli: Cli, study: Path) -> None:
    Path("empty.db").touch()
    Path("broken.db").write_bytes(b"SQLite format 3\0" + b"\0" * 500)
    Path("text.db").write_text("no journal")
    with sqlite3.connect("foreign.db") as other:
        other.execute("CREATE TABLE things (name TEXT)")
    other.close()
    python = """
import morphogen as mg
from my import count
mg.search(mg.spaces.cell201(), mg.strategies.RandomSearch(), count, "python.db", limit=mg.Limit(trials=1))
"""
    subprocess.run([sys.executable, "-c", python], check=True, timeout=120)
    for name in ("empty.db", "broken.db", "text.db", "foreign.db", "none.db", "python.db"):
        ended = cli("export", name, "--to", "out")
        assert ended.code in (1, 2) and not ended.out, name
        assert ended.err.startswith("morphogen: ") and ended.err.count("\n") == 1, ended.err
        assert name in ended.err and "should not happen" not in ended.err
        assert not Path("out").exists()


def test_while_a_search_runs_only_what_is_trained_is_exported(cli: Cli, study: Path) -> None:
    with open_journal(study).lease():  # type: ignore[attr-defined]
        assert cli("export", study, "--to", "out", "--format", "source").code == 0
        ended = cli("export", study, "--to", "new", "--final-epochs", 3)
        assert ended.code == 1 and ended.err.count("\n") == 1 and not Path("new").exists()
        assert "a search is writing study.db, and the network is still to be trained" in ended.err
