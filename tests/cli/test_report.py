"""`report`: a page from a study, whatever state the study is in, and one line where there is none."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import morphogen as mg
from morphogen.cli import search as searching
from morphogen.cli.repeating import command
from morphogen.cli.settings import Settings
from morphogen.journal import JournalError, open_journal
from morphogen.study import Study

if TYPE_CHECKING:
    from conftest import Cli

PATIENCE = 150
SEARCH = ("search", "-e", "my.py:count", "-w", 0, "-q", "--strategy")


def searched(cli: Cli, *words: object, strategy: str = "regularized_evolution") -> None:
    ended = cli(*SEARCH, strategy, *words)
    assert ended.code == 0, ended.err


def test_a_page_and_a_baseline(cli: Cli) -> None:
    searched(cli, "--trials", 40, "--study", "a.db")
    ended = cli("report", "a.db")
    assert (ended.code, ended.out, ended.err) == (0, "a.html\n", "")
    text = Path("a.html").read_text()
    repeat = "morphogen search --space digits_small --strategy regularized_evolution --estimator my.py:count"
    assert repeat in text and "a-random.db --to a.html" in text
    assert "versions" in open_journal("a.db", read_only=True).read()[0] and "version of python" in text
    random = next(line for line in text.splitlines() if "--strategy random_search" in line).split(">")[-1]
    assert cli(*shlex.split(random)[1:]).code == 0
    assert cli("report", "a.db", "--baseline", "a-random.db", "--to", "b.html").out == "b.html\n"
    assert "Baseline: a-random.db" in Path("b.html").read_text()
    assert Study.open("a-random.db").seed != Study.open("a.db").seed
    assert not list(Path().glob(".*part"))


def test_the_command_to_repeat_gives_the_same_settings(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    """Every setting there is goes round; a new one must be added here."""
    given = Settings(
        data="digits",
        test_data="my test.npz",
        strategy="regularized_evolution",
        options=("population=9", "tournament=3"),
        estimator="training",
        training=("flip=yes",),
        fidelity={"epochs": 3, "learning_rate": 0.05, "fraction": 0.5},
        trials=7,
        seconds=90.0,
        cost=3600.0,
        timeout=60.0,
        workers=2,
        seed=4,
        metric="loss",
        benchmark="nasbench201",
        objectives=("accuracy", "parameters"),
        constraints=("parameters<=20000",),
        weights=("parameters=0.02",),
        final_epochs=0,
    )
    plain = Settings(fidelity={})
    same = [f.name for f in fields(Settings) if getattr(given, f.name) == getattr(plain, f.name)]
    # A recipe and how it trains in full come from its file, see test_recipe.
    assert set(same) <= {"space", "strategy", "estimator", "recipe", "full"}, f"not in this test: {same}"
    seen: list[tuple[Settings, Path]] = []
    monkeypatch.setattr(searching, "_run", lambda settings, path, **_: seen.append((settings, path)))
    for settings in (given, plain, replace(given, final_epochs=5), replace(plain, space="cell201")):
        assert cli(*shlex.split(command(settings, Path("a study.db")))[1:]).code == 0
        assert seen.pop() == (settings, Path("a study.db"))


def test_a_study_of_a_program_and_one_without_trials(cli: Cli) -> None:
    @mg.estimator
    def score(architecture: mg.Architecture, fidelity: mg.Fidelity, rng: object) -> float:
        return float(architecture.size)

    space, strategy = mg.spaces.cell201(), mg.strategies.RandomSearch()
    mg.search(space, strategy, score, "own.db", limit=mg.Limit(trials=9), seed=8)
    assert cli("report", "own.db").code == 0
    assert "run the same program with seed 8" in Path("own.html").read_text()
    first = open_journal("own.db", read_only=True).read()[0]
    open_journal("begun.db").append(first)
    assert cli("report", "begun.db").code == 0
    assert "no trial has been asked for" in Path("begun.html").read_text()


def test_all_failed(cli: Cli) -> None:
    ended = cli("search", "-e", "my.py:broken", "-w", 0, "-q", "--trials", 20)
    assert ended.code == 1
    assert cli("report", "study.db").code == 0
    text = Path("study.html").read_text()
    assert "KeyError" in text and "morphogen why study.db" in text and "about to break" not in text


def contents() -> dict[Path, bytes]:
    """Return every file but those that SQLite keeps beside its own."""
    return {path: path.read_bytes() for path in Path().iterdir() if path.suffix not in (".db-shm", ".db-wal")}


def wrong(cli: Cli, what: str, *words: object) -> None:
    before = contents()
    ended = cli("report", *words)
    assert ended.code == 2 and ended.out == "", ended
    assert what in ended.err and ended.err.count("\n") == 1, ended.err
    assert contents() == before


def test_one_line_for_what_is_no_study(cli: Cli) -> None:
    Path("empty.db").touch()
    Path("words.db").write_text("not a journal at all, but long enough to look like a file\n" * 40)
    for file, what in {
        "none.db": "there is no study",
        "empty.db": "empty",
        "words.db": "not a journal",
    }.items():
        wrong(cli, what, file)
    other = open_journal("strange.db")
    other.append({"kind": "asked", "number": 0})
    del other
    wrong(cli, "does not begin with the opening", "strange.db")


def test_one_line_for_what_is_damaged(cli: Cli) -> None:
    searched(cli, "--trials", 3)
    kept = open_journal("study.db")
    kept.append({"kind": "told", "number": 77})
    del kept
    wrong(cli, "damaged", "study.db")


def test_one_line_for_places_and_baselines_that_do_not_fit(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    searched(cli, "--trials", 3)
    searched(cli, "--trials", 3, "--study", "other.db", "--space", "cell201", strategy="random_search")
    searched(cli, "--trials", 3, "--study", "size.db", "--metric", "parameters", strategy="random_search")
    searched(cli, "--trials", 3, "--study", "same.db", "--seed", 3)
    searched(cli, "--trials", 3, "--study", "more.db", "--epochs", 2, strategy="random_search")
    wrong(cli, "is no page of ours", "study.db", "--to", "study.db")
    wrong(cli, "is a folder", "study.db", "--to", ".")
    wrong(cli, "no folder", "study.db", "--to", "there/page.html")
    wrong(cli, "not the same space", "study.db", "--baseline", "other.db")
    wrong(cli, "improves parameters", "study.db", "--baseline", "size.db")
    wrong(cli, "by random search", "study.db", "--baseline", "same.db")
    wrong(cli, "only equal estimates compare", "study.db", "--baseline", "more.db")
    from morphogen.report import page as made

    module = sys.modules[made.__module__]
    for package, found in (("jinja2", module._template), ("plotly.offline", module._plotly)):
        found.cache_clear()
        with monkeypatch.context() as absent:
            absent.setitem(sys.modules, package, None)
            wrong(cli, 'pip install "morphogen[report]"', "study.db")


def begun(*words: object) -> subprocess.Popen[str]:
    """Start a command that goes on by itself."""
    return subprocess.Popen(
        [sys.executable, "-m", "morphogen", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )


def wait_for(what: str, there: Path, seconds: float = 150) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if there.exists() and what in there.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{there} never had {what!r}")


def test_live_follows_a_search_to_its_end(cli: Cli) -> None:
    """The first watcher is interrupted, the second one stays until the search is."""
    running = begun("search", "-e", "my.py:slow", "-w", 0, "-q", "--trials", 100_000)
    with running, ended_with(running):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(JournalError):  # until something is written
                if Study.open("study.db").trials:
                    break
            time.sleep(0.05)
        for every, page, stopped, code in ((5, "two.html", None, 130), (1, "one.html", running, 0)):
            with begun("report", "study.db", "--live", "--every", every, "--to", page) as watching:
                wait_for(f"window.refresh = {every}", Path(page))
                (stopped or watching).send_signal(signal.SIGINT)
                out, err = watching.communicate(timeout=PATIENCE)
            assert (watching.returncode, out) == (code, f"{page}\n"), err
            assert "window.refresh =" not in Path(page).read_text()
            assert ("the search has ended after" in err) == (code == 0)
        assert running.wait(PATIENCE) == 130
    once = cli("report", "study.db", "--live")
    assert once.code == 0 and "no search is running" in once.err


@contextlib.contextmanager
def ended_with(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a process with the block, whatever happens in it."""
    try:
        yield
    finally:
        process.kill()
