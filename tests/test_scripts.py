"""References to objects in the user's own files: followed, and where they end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from morphogen.scripts import ScriptError, load_object, reference_to
from morphogen.seeding import stream


@pytest.fixture(autouse=True)
def paths() -> Iterator[None]:
    """Put the search path for modules back."""
    before = sys.path.copy()
    yield
    sys.path[:] = before


def test_a_file_runs_once_and_again_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "my.py"
    file.write_text("class A:\n    inner = [1]\n")
    first = load_object(f"{file}:A.inner")
    assert first == [1]
    assert load_object(f"{file}:A.inner") is first
    file.write_text("class A:\n    inner = [1, 2]\n")
    assert load_object(f"{file}:A.inner") == [1, 2]


def test_files_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "my.py").write_text(f"name = {folder!r}\n")
    assert [load_object(f"{tmp_path}/{folder}/my.py:name") for folder in "aba"] == ["a", "b", "a"]


def test_a_relative_path_and_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.py").write_text("number = 3\n")
    monkeypatch.chdir(tmp_path)
    assert load_object("my.py:number") == 3
    assert load_object("morphogen.seeding:stream") is stream


def test_references_lead_back(tmp_path: Path) -> None:
    file = tmp_path / "my.py"
    file.write_text("def train():\n    return 1\n")
    train = load_object(f"{file}:train")
    assert reference_to(train) == f"{file}:train"
    assert load_object(reference_to(train)) is train
    assert reference_to(stream) == "morphogen.seeding:stream"
    with pytest.raises(ScriptError, match="top level"):
        reference_to(lambda: None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = x / 0\n", r"my.py, line 2 \(y = x / 0\): ZeroDivisionError: division by zero"),
        ("def f():\n    raise KeyError('k')\n\nf()\n", r"line 2 \(raise KeyError\('k'\)\): KeyError: 'k'"),
        ("import nowhere_at_all\n", "line 1 .*ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("x = (\n", "my.py, line 1: SyntaxError"),
        ("import sys\nsys.exit(3)\n", "line 2 .*SystemExit: 3"),
    ],
)
def test_an_error_in_the_file_is_shown_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "my.py").write_text(text)
    with pytest.raises(ScriptError, match=message):
        load_object(f"{tmp_path}/my.py:x")
    (tmp_path / "my.py").write_text("x = 'repaired'\n")
    assert load_object(f"{tmp_path}/my.py:x") == "repaired"


def test_what_is_missing_is_named_with_what_is_near(tmp_path: Path) -> None:
    file = tmp_path / "my_train.py"
    file.write_text("def train():\n    pass\n")
    cases = {
        f"{file}:trainn": "has no trainn; did you mean train",
        f"{file}:zzz": "has no zzz; it has train",
        f"{tmp_path}/my_trian.py:train": "no such file; did you mean my_train.py",
        f"{tmp_path}/other/x.py:train": "no such file in ",
        "my_train.py": "write FILE.py:NAME",
        ":train": "write FILE.py:NAME",
        "morphogen.nowhere:x": "no module has this name",
        "nowhere_at_all:x": "no module has this name",
    }
    for reference, message in cases.items():
        with pytest.raises(ScriptError, match=message):
            load_object(reference)
