"""The tutorial as its reader would follow it: its folder of images, its commands with less to spend, its end."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LESS: Final = {
    "--time": ("--trials", "2", "--epochs", "1", "--channels", "4", "--final-epochs", "1", "--workers", "1")
}


def pages() -> object:
    """Return the reader of pages, which is a test file beside this one."""
    spec = importlib.util.spec_from_file_location("pages", HERE / "test_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pages"] = module
    spec.loader.exec_module(module)
    return module


def cheaper(words: list[str]) -> list[str]:
    """Return a command that does the same with less: a few trials in place of a time."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in LESS:
            next(rest)
            found += LESS[word]
        else:
            found.append(word)
    return [*found, *(("--time", "1s", "--epochs", "1", "--workers", "1") if "doctor" in words else ())]


def run(folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder in which somebody followed the tutorial, and what each command said."""
    reader = pages()
    folder = tmp_path_factory.mktemp("tutorial")
    page = reader.blocks((ROOT / "docs/tutorial.md").read_text())  # type: ignore[attr-defined]
    images = next(block for block in page if block.language == "python")
    (folder / "images.py").write_text("\n".join(images.lines), encoding="utf-8")
    run(folder, "images.py")
    commands = [words for block in page for words in reader.commands(block)]  # type: ignore[attr-defined]
    assert 3 <= len(commands) <= 5
    said = {words[1]: run(folder, "-m", *cheaper(words)) for words in commands}
    (folder / "use.py").write_text(
        "\n".join(next(block for block in page if block.exempt).lines), encoding="utf-8"
    )
    return folder, said


def test_the_commands_lead_from_a_folder_to_a_network(followed: tuple[Path, dict[str, str]]) -> None:
    folder, said = followed
    assert "train 96, validation 24, test 30" in said["doctor"]
    assert "test accuracy" in said["search"] and "test accuracy" in said["export"]
    assert "<html" in (folder / "photos.html").read_text()
    about = json.loads((folder / "photos-network/network.json").read_text())["about"]
    assert about["classes"] == ["disc", "ring", "square"] and len(about["normalization"]["mean"]) == 3
    files = {path.name for path in (folder / "photos-network").iterdir()}
    assert {"weights.safetensors", "network.py", "README.md"} <= files


def test_the_network_runs_without_morphogen(followed: tuple[Path, dict[str, str]]) -> None:
    folder, _ = followed
    if importlib.util.find_spec("onnxruntime") is None:
        pytest.skip(reason="ONNX is an extra: morphogen[onnx]")
    assert run(folder, "use.py").strip() in {"disc", "ring", "square"}


def test_the_readme_gives_the_same_commands() -> None:
    reader = pages()
    ours, theirs = (
        [words for block in reader.blocks((ROOT / page).read_text()) for words in reader.commands(block)]  # type: ignore[attr-defined]
        for page in ("docs/tutorial.md", "README.md")
    )
    photos = [words for words in theirs if any("photos" in word for word in words)]
    assert photos == ours and len(photos) <= 5
