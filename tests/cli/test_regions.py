"""A search by regions from the command line: what it shows, the derived winner, and what goes wrong."""

from __future__ import annotations

import html
import io
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from morphogen.cli.progress import picture
from morphogen.cli.regions import Blocks, Neighbours, brief, by_path, columns
from morphogen.cli.tally import Tally
from morphogen.journal import JournalError
from morphogen.networks import load
from morphogen.networks.image_files import DataError
from morphogen.study import Limit, Study, without_times

Cli = Callable[..., Any]

SPACES = '''
"""Spaces for short searches."""
import morphogen as mg

def chain():
    return mg.spaces.dag_chain(2, 3, 2)
'''
FADE = ("--strategy", "pseudo_gradient_evolution", "--estimator", "fade")
SMALL = ("--epochs", 1, "--channels", 8, "--batch-size", 200, "-o", "supernets=2", "-o", "candidates=3")
SEARCH = ("search", *FADE, *SMALL, "--space", "spaces.py:chain", "--final-epochs", 2)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, printed: Cli) -> Path:
    """A folder with a finished search of two regions, and what was printed."""
    folder = tmp_path_factory.mktemp("regions")
    (folder / "spaces.py").write_text(SPACES)
    ended = printed(folder, (*SEARCH, "--trials", 2, "--workers", 0))
    (folder / "out.txt").write_text(ended.out)
    (folder / "err.txt").write_text(ended.err)
    return folder


def test_each_region_is_told_with_its_ranks(searched: Path) -> None:
    err = (searched / "err.txt").read_text()
    told = [line for line in err.splitlines() if line.startswith("region ")]
    assert [line.split()[1] for line in told] == ["0", "1"]
    assert all("accuracy 0." in line and "rank entropy" in line and " s " in line for line in told)
    assert "the best so far" in told[0]
    assert "position 0" in err and "position 1" in err and "━" in err
    stays = [line for line in err.splitlines() if "dag" in line and ">" in line]
    assert stays, "what stays in the next region is marked"


def test_the_derived_architecture_is_the_winner(study: Path) -> None:
    found = Study.open(study)
    best = found.best()
    assert best.estimate is not None and best.derived is not None
    assert str(best.architecture) == best.estimate.derived
    assert best.architecture in found.space
    for position in best.proposal.region:
        assert best.architecture.at(position.path) in position.candidates
    about = json.loads(Path("study-best/network.json").read_text())["about"]
    assert about["architecture"] == best.estimate.derived
    (event,) = [event for event in found.others if event["kind"] == "retrained"]
    assert event["number"] == best.number and event["fidelity"]["channels"] == 8
    assert sum(p.numel() for p in load("study-best").parameters()) == event["values"]["parameters"]
    out = Path("out.txt").read_text()
    assert f"derived from region {best.number} of 2" in out and "test accuracy" in out


def test_show_why_and_export_know_regions(cli: Cli, study: Path) -> None:
    best = Study.open(study).best()
    shown = cli("show", study).out
    for words in (
        "finished after 2 regions",
        "Best 2 of 2 regions",
        "derived from region",
        "position 1",
        "━",
    ):
        assert words in shown
    assert str(best.architecture)[:20] in shown
    assert all(len(line.rstrip()) <= 80 for line in shown.splitlines())
    why = cli("why", study, 1).out
    assert "Region 1 did not fail" in why and "Derived architecture" in why and "entropy" in why
    assert "position 0" in why and "+dag" in why, "what was new in it is marked"
    ended = cli("export", study, "--to", "network")
    assert ended.code == 0, ended.err
    about = json.loads(Path("network/network.json").read_text())["about"]
    assert about["architecture"] == str(best.architecture)
    again = cli("why", study, 0, "--again")
    assert again.code == 0 and "this time it succeeded" in again.out


def test_the_page_names_the_random_search_that_costs_as_much(cli: Cli, study: Path) -> None:
    assert cli("report", study, "--to", "page.html").code == 0
    page = html.unescape(Path("page.html").read_text())
    assert "each of which costs many trainings" in page
    commands = page[page.index("random search at equal cost, and this page beside it") :]
    search, report = commands.partition('class="command">')[2].partition("</pre>")[0].splitlines()
    program, *words = shlex.split(search)
    assert program == "morphogen" and "fade" not in words and "optimizer=adamw" in words
    drawn = cli(*words)
    assert drawn.code == 0, drawn.err
    alone, found = Study.open("study-random.db"), Study.open(study)
    assert alone.ledger.cost >= found.ledger.cost and len(alone.trials) > len(found.trials)
    assert cli(*shlex.split(report)[1:]).code == 0
    page = html.unescape(Path("page.html").read_text())
    assert (
        "as good as the best one with a chance of" in page and f"from the {len(alone.trials)} draws" in page
    )


def test_the_page_needs_no_images(cli: Cli, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*words: object) -> None:
        raise DataError("digits: no such file or folder")

    monkeypatch.setattr("morphogen.networks.data.load", gone)
    ended = cli("report", study, "--to", "page.html")
    assert ended.code == 0, ended.err
    assert "and this page beside it" not in Path("page.html").read_text()


def test_resume_goes_on_with_the_next_region(cli: Cli, study: Path) -> None:
    ended = cli("resume", study, "--trials", 3, "--json")
    assert ended.code == 0, ended.err
    assert "2 finished regions there already" in ended.err and "region 2 " in ended.err
    found, record = Study.open(study), json.loads(ended.out)
    assert record["best"]["architecture"] == str(found.best().architecture)
    before, after = (
        {str(p) for p in t.proposal.region[0].candidates} for t in (found.trials[1], found.trials[2])
    )
    assert before & after and before != after, "the strongest stay, the others are replaced"


def test_settings_reach_the_strategy_and_the_estimator(cli: Cli, study: Path) -> None:
    found = Study.open(study)
    assert "candidates=3" in found.strategy and "supernets=2" in found.estimator
    words = ("search", *FADE, "--space", "spaces.py:chain", "--study", "other.db")
    ended = cli(*words, "-o", "candidats=3")
    assert ended.code == 2 and "neither pseudo_gradient_evolution nor fade has a setting" in ended.err
    assert "did you mean candidates?" in ended.err and "supernets=4" in ended.err
    wrong = cli(*words, "-o", "mixing=hard")
    assert wrong.code == 2 and "one of image, batch, soft" in wrong.err
    assert not Path("other.db").exists()


def test_a_killed_search_asks_for_the_same_next_region(cli: Cli, study: Path) -> None:
    words = [sys.executable, "-m", "morphogen", *map(str, SEARCH), "--no-final", "--study", "killed.db"]
    running = subprocess.Popen([*words, "--trials", "3", "--workers", "1"], stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + 300
        while time.monotonic() < limit and running.poll() is None and _told("killed.db") < 1:
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    finally:
        running.kill()
        running.wait(10)
    told = _told("killed.db")
    assert 1 <= told < 3
    assert cli(*SEARCH, "--no-final", "--study", "killed.db", "--trials", 3, "--workers", 0).code == 0
    assert cli("resume", study, "--trials", 3, "--workers", 0, "--quiet").code == 0
    kept = [
        [
            event
            for event in without_times(Study.open(path).journal.read())
            if event["kind"] in ("asked", "told")
        ]
        for path in ("killed.db", study)
    ]
    assert kept[0] == kept[1]


def _told(path: str) -> int:
    try:
        return sum(not trial.pending for trial in Study.open(path).trials) if Path(path).exists() else 0
    except JournalError:  # not opened yet
        return 0


# --- what goes wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--strategy", "pseudo_gradient_evolution"), "--estimator fade or --estimator darts ranks regions"),
        (
            ("--strategy", "one_shot", "-e", "my.py:count"),
            "--estimator fade or --estimator darts ranks regions",
        ),
        (
            ("--estimator", "fade"),
            "--strategy pseudo_gradient_evolution or --strategy one_shot proposes regions",
        ),
        (
            ("--estimator", "darts"),
            "--strategy pseudo_gradient_evolution or --strategy one_shot proposes regions",
        ),
        ((*FADE, "-o", "nonterminal=BLOK"), "has no nonterminal BLOK (did you mean BLOCK?)"),
        ((*FADE, "--space", "endless.txt"), "the space is infinite"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_starts(
    cli: Cli, words: tuple[str, ...], said: str
) -> None:
    Path("endless.txt").write_text("NET -> conv3x3 | chain(NET, NET)\n")
    ended = cli("search", *words, "--trials", 2, "--workers", 0)
    assert ended.code == 2, ended.err
    (line,) = [line for line in ended.err.splitlines() if line.startswith("morphogen: ")]
    assert said in line and "Traceback" not in ended.err
    assert not Path("study.db").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--space", "digits_small"), "the candidates of one position must agree"),
        (
            ("--space", "hierarchical201", "-o", "nonterminal=CELL"),
            "GB, 4 GB may be used: take fewer candidates",
        ),
    ],
)
def test_a_first_region_that_cannot_be_is_refused_before_anything_starts(
    cli: Cli, words: tuple[str, ...], said: str
) -> None:
    ended = cli("search", *FADE, *words, "--trials", 2, "--workers", 0)
    assert ended.code == 1 and "the first region cannot be estimated: SupernetError" in ended.err
    assert said in ended.err and "-o nonterminal=NAME says which parts have candidates" in ended.err
    assert not Path("study.db").exists() or not Study.open("study.db").journal.read()


def test_cells_of_a_hierarchical_space_are_ranked(cli: Cli) -> None:
    words = (
        "--space",
        "hierarchical201",
        "-o",
        "nonterminal=CELL",
        "-o",
        "supernets=1",
        "-o",
        "candidates=2",
    )
    small = ("--epochs", 1, "--channels", 2, "--batch-size", 64, "--fraction", "0.12", "--no-final")
    ended = cli("search", *FADE, *words, *small, "--trials", 1, "--workers", 0)
    assert ended.code == 0, ended.err
    (trial,) = Study.open("study.db").trials
    assert trial.estimate is not None and trial.architecture in Study.open("study.db").space
    assert len(trial.proposal.region) > 10
    assert {str(p.candidates[0])[:5] for p in trial.proposal.region} == {"cell("}
    assert "more positions" in ended.err and "cell(" in ended.err


# --- the picture --------------------------------------------------------------------------------------------

REGION = [
    {"path": [place], "candidates": [f"dag5_{'10' * 4}{i:02b}(linear_relu, linear_relu)" for i in range(4)]}
    for place in range(3)
]
RANKS = [[0.1, 0.2, 0.3, 0.4], [0.25] * 4, [0.97, 0.01, 0.01, 0.01]]


def drawn(part: Any, width: int) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width).print(part)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [30, 40, 60, 78, 98, 160])
def test_bars_fit_the_terminal_and_are_as_long_as_the_ranks(width: int) -> None:
    after = [{**REGION[0], "candidates": REGION[0]["candidates"][2:]}, *REGION[1:]]
    lines = drawn(columns(REGION, RANKS, width, Neighbours(by_path([]), by_path(after))), width)
    assert all(len(line) <= width for line in lines)
    assert sum("position" in word for line in lines for word in line.split()) == 3
    rows = [line for line in lines if ".40>" in line or ".10" in line]
    assert len(rows) == 2 and rows[0].find(".40>") >= 0, "best first; what goes has no mark"
    bars = [line[: line.find(share)].count("━") for line, share in zip(rows, (".40>", ".10"), strict=True)]
    assert bars[0] >= bars[1]
    if width >= 98:
        assert bars[0] > bars[1]


def test_names_of_candidates_are_short() -> None:
    assert brief("dag3_100(linear_relu, linear_relu)", 16) == "dag3_100"
    assert brief("cell(zero, zero, zero)", 20) == "cell(zero x3)"
    assert brief("cell(zero, conv3x3, zero)", 12) == "cell(zero, …"
    assert brief("conv3x3", 12) == "conv3x3"


def test_a_failed_region_and_one_without_successor_are_shown() -> None:
    stream = io.StringIO()
    tally = Tally(Limit(trials=3))
    blocks = Blocks(tally, Console(file=stream, width=80))
    metrics = [{"name": "accuracy", "maximize": True, "unit": ""}]
    blocks.see({"kind": "opened", "metric": "accuracy", "metrics": metrics})
    spent = {"wall": 1.0, "estimates": 1.0}
    failure = {"type": "Diverged", "message": "the loss is nan in step 3"}
    estimates: list[dict[str, Any]] = [
        {"values": {}, "cost": 1.0, "failure": failure},
        {"values": {"accuracy": 0.5, "entropy": 0.9}, "cost": 2.0, "ranks": RANKS, "derived": "the best"},
    ]
    for number, estimate in enumerate(estimates):
        proposal = {"architecture": "the centre", "region": REGION}
        blocks.see({"kind": "asked", "number": number, "proposal": proposal})
        blocks.see({"kind": "told", "number": number, "estimate": estimate, "spent": spent})
    blocks.show()
    blocks.show()
    text = stream.getvalue()
    assert "region 0  1.0 s  failed by Diverged: the loss is nan" in text
    assert text.count("region 1  2.0 s  accuracy 0.5000  the best so far  rank entropy 0.90") == 1
    assert text.count("position 0") == 1
    assert tally.best is not None and tally.best[2] == "the best"
    assert "2 of 3 regions" in "".join(drawn(picture(tally, 1, 80), 80))
