"""`count`, `sample`, `list`: words about spaces."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen.catalog import ENTRIES
from morphogen.spaces import Space

GRAMMAR = "NET -> chain(OP, OP)\nOP -> conv3x3 [3] | identity\n"


def test_count_prints_the_integer_alone(cli: Callable[..., Any]) -> None:
    assert cli("count", "cell201").out == "15625\n"


def test_weights_count_unless_distinct(cli: Callable[..., Any]) -> None:
    Path("mine.txt").write_text(GRAMMAR)
    assert cli("count", "mine.txt").out == "16\n"
    assert cli("count", "mine.txt", "--distinct").out == "4\n"


def test_the_hierarchical_space_has_447_digits(cli: Callable[..., Any]) -> None:
    ended = cli("count", "hierarchical201")
    assert len(ended.out.strip()) == 447
    assert "10^446.09" in ended.err
    assert cli("count", "hierarchical201", "--digits").out == "447\n"
    assert cli("count", "hierarchical201", "--distinct", "--brief").out == "10^375.85\n"


def test_an_integer_longer_than_python_likes_to_print(cli: Callable[..., Any]) -> None:
    before = sys.get_int_max_str_digits()
    rules = [f"N{i} -> chain(N{i + 1}, N{i + 1})" for i in range(14)]
    Path("huge.txt").write_text("\n".join([*rules, "N14 -> conv3x3 | conv1x1"]))
    printed = cli("count", "huge.txt").out.strip()
    assert len(printed) == 4933 and sys.get_int_max_str_digits() == before
    assert printed.endswith(str(pow(2, 2**14, 10**12)))


def test_a_space_of_a_python_file(cli: Callable[..., Any]) -> None:
    Path("spaces.py").write_text(
        f"import morphogen as mg\ntext = {GRAMMAR!r}\nspace = mg.Space.from_text(text)\n"
        "def made():\n    return space\n"
    )
    for name in ("space", "made", "text"):
        assert cli("count", f"spaces.py:{name}", "--distinct").out == "4\n"


def test_samples_are_of_the_space(cli: Callable[..., Any]) -> None:
    Path("mine.txt").write_text(GRAMMAR)
    space = Space.from_text(GRAMMAR)
    ended = cli("sample", "mine.txt", "-n", 7, "--seed", 3)
    lines = ended.out.splitlines()
    assert len(lines) == 7 and all(space.contains(space.parse(line)) for line in lines)
    assert cli("sample", "mine.txt", "-n", 7, "--seed", 3).out == ended.out
    assert cli("sample", "mine.txt", "-n", 7, "--seed", 4).out != ended.out


def test_list_names_everything(cli: Callable[..., Any]) -> None:
    out = cli("list").out
    assert all(entry.name in out for entry in ENTRIES)
    assert "conv3x3" in out and "Real et al. 2019" in out


@pytest.mark.parametrize("word", ["spaces", "space"])
def test_list_of_one_kind(cli: Callable[..., Any], word: str) -> None:
    names = cli("list", word, "--names").out.split()
    assert "cell201" in names and "random_search" not in names


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m morphogen sample cell201 -n 20000 | head -n 1"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout.count("\n")) == (0, 1)
    assert "Traceback" not in ended.stderr and "Broken" not in ended.stderr
