"""`search`, `resume`, `show`, `why` with functions that train nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen.journal import JournalError
from morphogen.study import Study

Cli = Callable[..., Any]
SEARCH = ("search", "--estimator", "my.py:count", "--workers", "0")


def test_a_search_ends_with_its_best_network(cli: Cli) -> None:
    ended = cli(*SEARCH, "--trials", 12, "-o", "population=4", "-o", "tournament=2")
    assert ended.code == 0
    study = Study.open("study.db")
    best = study.best()
    assert f"Best network: trial {best.number} of 12" in ended.out
    assert str(best.architecture).split("(")[0] in ended.out
    assert "morphogen show study.db" in ended.out
    assert "12 of 12 trials" in ended.err
    assert "population=4" in study.strategy


def test_without_a_limit_it_says_which_one_it_takes(cli: Cli) -> None:
    ended = cli(*SEARCH)
    assert ended.code == 0 and "50 trials" in ended.err
    assert len(Study.open("study.db").trials) == 50


def test_the_same_command_again_says_that_it_is_finished(cli: Cli) -> None:
    first = cli(*SEARCH, "--trials", 5)
    again = cli(*SEARCH, "--trials", 5)
    assert again.code == 0 and "has reached its limit" in again.err
    assert again.out == first.out
    more = cli(*SEARCH, "--trials", 9)
    assert more.code == 0 and "5 finished trials there already" in more.err
    assert len(Study.open("study.db").trials) == 9


def test_resume_goes_on_by_the_recorded_settings(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.txt").write_text("NET -> chain(OP, OP, OP)\nOP -> conv3x3 | conv1x1 | max_pool | avg_pool\n")
    words = ("--space", "mine.txt", "--strategy", "random_search", "-o", "over=productions", "--seed", 3)
    assert cli(*SEARCH, *words, "--trials", 4).code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ended = cli("resume", "../study.db", "--trials", 7)
    assert ended.code == 0, ended.err
    study = Study.open("../study.db")
    assert (len(study.trials), study.seed, study.space.name) == (7, 3, "mine")
    assert "productions" in study.strategy


def test_notes_are_written_once_and_not_compared(cli: Cli) -> None:
    cli(*SEARCH, "--trials", 2)
    assert cli(*SEARCH, "--trials", 3).code == 0
    notes = Study.open("study.db").notes
    assert notes["trials"] == 2 and notes["estimator"] == "my.py:count" and notes["workers"] == 0


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--seed", 1), "the seed is 0 there and 1 here"),
        (("--space", "cell201"), "the space is digits_small"),
        (("-o", "population=9"), "the strategy is"),
        (("--metric", "parameters"), "the metric is"),
        (("--epochs", 3), "the estimator is"),
    ],
)
def test_another_search_leaves_the_journal_alone(cli: Cli, words: tuple[object, ...], what: str) -> None:
    cli(*SEARCH, "--trials", 2)
    before = Study.open("study.db").journal.read()
    ended = cli(*SEARCH, "--trials", 4, *words)
    assert ended.code == 2 and what in ended.err
    assert Study.open("study.db").journal.read() == before


def test_the_fidelity_reaches_a_function(cli: Cli) -> None:
    assert cli("search", "-e", "my.py:epochs", "-w", 0, "-n", 2, "--epochs", 7, "-q").code == 0
    assert Study.open("study.db").best().estimate.values == {"accuracy": 7}


def test_the_metric_may_be_another_one(cli: Cli) -> None:
    assert cli(*SEARCH, "--trials", 8, "--metric", "parameters", "--quiet").code == 0
    study = Study.open("study.db")
    assert study.best().estimate.values["parameters"] == min(
        t.estimate.values["parameters"] for t in study.trials
    )


def test_quiet_and_json(cli: Cli) -> None:
    ended = cli(*SEARCH, "--trials", 3, "--quiet", "--json")
    assert ended.err == ""
    record = json.loads(ended.out)
    study = Study.open("study.db")
    assert record["best"]["number"] == study.best().number
    assert record["best"]["architecture"] == str(study.best().architecture)
    assert (record["trials"], record["failed"]) == (3, 0)


def test_a_list_of_architectures_in_a_file(cli: Cli) -> None:
    Path("mine.txt").write_text("NET -> chain(OP, OP)\nOP -> conv3x3 | conv1x1\n")
    Path("list.txt").write_text("chain(conv3x3, conv1x1)\n\nchain(conv1x1, conv1x1)\n")
    words = ("--space", "mine.txt", "--strategy", "listed", "-o", "architectures=@list.txt")
    assert cli(*SEARCH, *words).code == 0
    assert [str(t.architecture) for t in Study.open("study.db").trials] == Path("list.txt").read_text().split(
        "\n"
    )[::2]


# --- failures -----------------------------------------------------------------------------------------------


def test_a_function_that_always_fails_stops_the_search(cli: Cli) -> None:
    ended = cli("search", "--estimator", "my.py:broken", "--workers", 1, "--trials", 20)
    assert ended.code == 1
    assert "5 trials in a row failed alike" in ended.err and "KeyError" in ended.err
    assert "morphogen why study.db 4" in ended.err
    told = cli("why", "study.db", 4)
    assert told.code == 0
    for words in ("failed", "KeyError", 'return {"accuracy": {}["nothing"]}', "about to break", "--again"):
        assert words in told.out
    shown = cli("show", "study.db").out
    assert "stopped" in shown and "5 x KeyError" in shown and "morphogen why study.db 0" in shown


def test_why_again_runs_the_trial_once_more(cli: Cli) -> None:
    cli("search", "--estimator", "my.py:broken", "--workers", 0, "--trials", 2)
    ended = cli("why", "study.db", 1, "--again")
    assert ended.code == 1
    assert "about to break" in ended.out and "KeyError: 'nothing'" in ended.err
    source = Path("my.py").read_text()
    Path("my.py").write_text(source.replace('{}["nothing"]', "0.75"))
    mended = cli("why", "study.db", 1, "--again")
    assert mended.code == 0 and "this time it succeeded" in mended.out and "0.75" in mended.out


def test_no_success_is_a_failed_search(cli: Cli) -> None:
    ended = cli("search", "--estimator", "my.py:broken", "--workers", 0, "--trials", 2)
    assert ended.code == 1 and "no trial succeeded: KeyError" in ended.err


def test_why_of_a_trial_that_did_not_fail(cli: Cli) -> None:
    cli(*SEARCH, "--trials", 2)
    ended = cli("why", "study.db", 1)
    assert ended.code == 0 and "did not fail" in ended.out and "accuracy" in ended.out
    missing = cli("why", "study.db", 7)
    assert missing.code == 2 and "trials 0 to 1, not 7" in missing.err


# --- show ---------------------------------------------------------------------------------------------------


def test_show_tells_the_story(cli: Cli) -> None:
    cli(*SEARCH, "--trials", 25, "-o", "population=5")
    out = cli("show", "study.db").out
    assert "finished after 25 trials" in out and "Best 20 of 25 trials" in out
    for words in ("Frontier", "Ledger", "idle", "strategy", "journal", "parameters"):
        assert words in out
    assert all(len(line) <= 80 for line in out.splitlines())
    rows = [line for line in cli("show", "study.db", "--all").out.splitlines() if "chain(" in line]
    assert [int(row.split()[0]) for row in rows[:25]] == list(range(25))


def test_show_as_json(cli: Cli) -> None:
    cli(*SEARCH, "--trials", 3)
    record = json.loads(cli("show", "study.db", "--json").out)
    assert len(record["trials"]) == 3 and record["status"] == "finished after 3 trials"
    assert record["notes"]["estimator"] == "my.py:count"


# --- killed and interrupted ---------------------------------------------------------------------------------


def started(*words: object) -> subprocess.Popen[str]:
    """Start a command in a process of its own and wait until its search has finished a few trials."""
    command = [sys.executable, "-m", "morphogen", *map(str, words)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(JournalError):  # it has not begun
            if len(Study.open("study.db").trials) > 3:
                return process
        time.sleep(0.05)
    raise AssertionError(process.communicate())


SLOW = ("search", "--estimator", "my.py:slow", "--workers", 2, "--trials", 60)


def test_show_sees_a_running_search_and_ctrl_c_ends_it(cli: Cli) -> None:
    process = started(*SLOW[:-1], 600)  # more than it can finish before it is interrupted
    running = cli("show", "study.db")
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "running" in running.out
    assert process.returncode == 130
    assert "interrupted" in err and "morphogen resume study.db" in err and "Traceback" not in err
    assert "interrupted after" in cli("show", "study.db").out
    before = len(Study.open("study.db").trials)
    assert cli("resume", "study.db", "--workers", 0, "--trials", before + 5).code == 0
    trials = Study.open("study.db").trials
    assert len(trials) == before + 5 and all(trial.succeeded for trial in trials)


def test_killed_and_started_again_it_goes_on(cli: Cli) -> None:
    process = started(*SLOW)
    process.kill()
    process.communicate()
    before = [trial for trial in Study.open("study.db").trials if trial.succeeded]
    assert cli(*SLOW).code == 0
    trials = Study.open("study.db").trials
    assert len(trials) == 60 and all(trials[trial.number] == trial for trial in before)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_the_live_picture_on_a_terminal(cli: Cli) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "morphogen", *map(str, SLOW)]
    environment = {**os.environ, "COLUMNS": "70", "LINES": "24", "TERM": "xterm"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end was closed
                break
            seen += part
    os.close(ours)
    text = seen.decode()
    assert process.returncode == 0, text
    assert "of 60 trials" in text and "running" in text and "best" in text
    assert "Best network" in text and "Traceback" not in text
