"""The documentation is true: Python blocks run; commands, their options and targets of `make` exist."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "api" not in path.relative_to(ROOT).parts  # written by docs/conf.py from the package
)
SECONDS = 300

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[\w+-]*).*$")
EXEMPT = re.compile(r"<!-- not run: \S.* -->")
SHELL = {"console", "sh", "bash", "shell"}
NOT_RUN_BY_ANYBODY = {"py", "python3", "pycon", "ipython", "doctest"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the number of its first line, its lines, whether the page exempts it."""

    language: str
    line: int
    lines: tuple[str, ...]
    exempt: bool


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    found: list[Block] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        opened = FENCE.match(lines[number])
        number += 1
        if opened is None:
            continue
        before = [line for line in lines[max(0, number - 3) : number - 1] if line.strip()]
        exempt = bool(before and EXEMPT.search(before[-1]))
        first, body, indent = number, [], len(opened["indent"])
        while number < len(lines) and lines[number].strip() != opened["fence"]:
            body.append(lines[number][indent:])
            number += 1
        number += 1
        found.append(Block(opened["language"], first + 1, tuple(body), exempt))
    return found


def script(page: list[Block]) -> str:
    """Return the Python blocks of a page as one program whose line numbers are those of the page."""
    lines: list[str] = []
    for block in page:
        if block.language == "python" and not block.exempt:
            lines += [""] * (block.line - 1 - len(lines))
            lines += block.lines
    return "\n".join(lines) + "\n"


def commands(block: Block) -> list[list[str]]:
    """Return the commands of a shell block as words; in `console` blocks they stand behind a dollar sign."""
    if block.language not in SHELL or block.exempt:
        return []
    lines = "\n".join(block.lines).replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.strip()[2:] for line in lines if line.strip().startswith("$ ")]
    found = []
    for line in lines:
        for part in re.split(r"&&|\|\||[|;]", line):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words:
                found.append([Path(words[0]).name if words[0].startswith(".venv/") else words[0], *words[1:]])
    return found


PROGRAMS = {path: program for path in PAGES if (program := script(blocks(path.read_text()))).strip()}
COMMANDS = sorted({tuple(c) for path in PAGES for block in blocks(path.read_text()) for c in commands(block)})


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PROGRAMS, ids=name)
def test_python_blocks_run(page: Path, tmp_path: Path) -> None:
    program = tmp_path / f"{page.stem}.py"
    program.write_text(PROGRAMS[page], encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert run.returncode == 0, f"{name(page)}, with its line numbers:\n{run.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_python_block_is_one_that_runs(page: Path) -> None:
    strange = [block.line for block in blocks(page.read_text()) if block.language in NOT_RUN_BY_ANYBODY]
    assert not strange, f"{name(page)}: write ```python (and assert what it shows) in line {strange}"


# --- commands -----------------------------------------------------------------------------------------------


@functools.cache
def help_of(command: str) -> tuple[int, str]:
    """Return the exit code and the words of `morphogen COMMAND --help`, on one wide line an option."""
    run = subprocess.run(
        [sys.executable, "-m", "morphogen", *command.split(), "--help"],
        env={**os.environ, "COLUMNS": "240", "TERMINAL_WIDTH": "240", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("words", [c for c in COMMANDS if c[0] == "morphogen"], ids=" ".join)
def test_the_command_and_its_options_exist(words: tuple[str, ...]) -> None:
    command = words[1] if len(words) > 1 and not words[1].startswith("-") else ""
    code, text = help_of(command)
    assert code == 0, f"morphogen {command}: {text}"
    known = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", text)) | {"--help"}
    options = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[A-Za-z]", word)}
    assert options <= known, f"morphogen {command} does not know {sorted(options - known)}"


@pytest.mark.parametrize("words", [c for c in COMMANDS if c[0] == "make"], ids=" ".join)
def test_the_target_exists(words: tuple[str, ...]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {word for word in words[1:] if "=" not in word}
    assert asked <= targets, f"the Makefile has no {sorted(asked - targets)}"


def test_whoever_reads_how_to_compare_can_compare(tmp_path: Path) -> None:
    """The Python blocks of the page, and then its commands on the table that they wrote, with fewer seeds."""
    page = blocks((ROOT / "docs/compare.md").read_text())
    (tmp_path / "page.py").write_text(script(page), encoding="utf-8")
    own = [words for block in page for words in commands(block) if "my.csv" in words]
    assert len(own) == 3
    said = []
    if importlib.util.find_spec("matplotlib") is None:
        own = [words[: words.index("--plot")] if "--plot" in words else words for words in own]
    for words in (["page.py"], *(["-m", *words, "--seeds", "3"] for words in own)):
        run = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS
        )
        assert run.returncode == 0, run.stderr
        said.append(run.stdout + run.stderr)
    assert all("exact random search" in text and "my.csv: 125 rows" in text for text in said[1:])
    assert any("my.csv: 125 rows, seconds; 3 seeds" in text for text in said)
    assert len(json.loads((tmp_path / "out.json").read_text())["standings"]) == 3
    assert (tmp_path / "regret.svg").is_file() == any("--plot" in words for words in own)


# --- the reader of pages ------------------------------------------------------------------------------------

PAGE = """\
# A page

```python
x = 1
```

<!-- not run: needs a second machine -->
```python
raise SystemExit(1)
```

```python
assert x == 1
```

```console
$ morphogen search --space cell201 \\
    --trials=20 | tee log
found
$ make demo
```
"""


def test_blocks_of_a_page_share_names_and_keep_their_lines() -> None:
    program = script(blocks(PAGE)).splitlines()
    assert program[3] == "x = 1" and program[12] == "assert x == 1"
    assert "raise SystemExit(1)" not in program


def test_an_exemption_needs_a_reason() -> None:
    bare = PAGE.replace("not run: needs a second machine", "not run:")
    assert "raise SystemExit(1)" in script(blocks(bare)).splitlines()


def test_commands_of_a_page() -> None:
    assert [c for block in blocks(PAGE) for c in commands(block)] == [
        ["morphogen", "search", "--space", "cell201", "--trials=20"],
        ["tee", "log"],
        ["make", "demo"],
    ]
