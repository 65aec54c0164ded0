"""`recipe` and `search --fidelity`: real small trainings from the references to the retrained winner."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morphogen.cli.repeating import command
from morphogen.cli.settings import Settings
from morphogen.estimators.rank_agreement import RankAgreement
from morphogen.found_recipe import FoundRecipe, RecipeError
from morphogen.study import Study

Cli = Callable[..., Any]
SPACE = """
NET -> chain(DOWN, OP)
OP -> identity | conv1x1 | avg_pool | bare_conv1x1
DOWN -> conv3x3_down | max_pool_down
"""
WORDS = (
    *("recipe", "--space", "small.txt", "--epochs", 3, "--channels", 4, "--references", 6, "--repeats", 1),
    *("-k", "epochs=1,2", "-k", "fraction=0.1,0.5", "--trials", 3, "--cheaper", 1.2, "-w", 0),
)


@pytest.fixture(scope="module")
def found(printed: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder in which a recipe was found, and what was said."""
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "small.txt").write_text(SPACE)
    return folder, printed(folder, WORDS)


@pytest.fixture
def here(cli: Cli, found: tuple[Path, Any], tmp_path: Path) -> Cli:
    """The command line in a copy of that folder."""
    shutil.copytree(found[0], tmp_path, dirs_exist_ok=True)
    return cli


def test_it_ends_with_the_front_the_verdict_and_the_file(found: tuple[Path, Any]) -> None:
    folder, ended = found
    assert "3 recipes for small on digits, against 6 networks trained in full" in ended.out
    assert "BPE-" in ended.out and "stopped early" in ended.out and "too few references" in ended.out
    assert "1 of 3: 6 networks trained in full, once, 3 epochs each" in ended.err
    assert "2 of 3: 3 of 4 recipes: epochs, fraction" in ended.err
    recipe = FoundRecipe.read(folder / "recipe.json")
    assert recipe.full.epochs == 3 and recipe.kind == "recipe" and recipe.references == 6
    assert recipe.fidelity.epochs in (1, 2) and recipe.fidelity.channels == 4 and recipe.speedup > 1.2
    assert recipe.low <= recipe.spearman <= recipe.high
    for name, trials in (("full", 6), ("recipes", 3)):
        assert len(Study.open(folder / "recipe-study" / f"{name}.db").trials) == trials


def test_the_same_command_again_trains_nothing(here: Cli, found: tuple[Path, Any]) -> None:
    kept = Path("recipe-study/trainings.jsonl").read_bytes()
    again = here(*WORDS)
    assert again.code == 0 and again.out == found[1].out
    assert Path("recipe-study/trainings.jsonl").read_bytes() == kept


def test_its_studies_say_whose_they_are(here: Cli) -> None:
    ended = here("resume", "recipe-study/recipes.db")
    assert ended.code == 2 and "is part of `morphogen recipe --to recipe.json`" in ended.err


def test_other_knobs_belong_to_another_file(here: Cli) -> None:
    ended = here(*WORDS, "-k", "batch_size=32,64")
    assert ended.code == 2 and "belongs to another search" in ended.err and "--to names another" in ended.err


def test_interrupted_it_goes_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("small.txt").write_text(SPACE)
    calls, estimate = [], RankAgreement.estimate

    def cut(self: RankAgreement, *given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return estimate(self, *given)

    monkeypatch.setattr(RankAgreement, "estimate", cut)
    ended = cli(*WORDS)
    assert ended.code == 130 and "the same command goes on from there" in ended.err
    assert not Path("recipe.json").exists()
    before = len(Study.open("recipe-study/full.db").trials)
    ended = cli(*WORDS)
    assert ended.code == 0 and Path("recipe.json").exists()
    assert len(Study.open("recipe-study/full.db").trials) == before == 6


def test_a_search_by_the_recipe_trains_its_winner_in_full(here: Cli) -> None:
    search = ("search", "--space", "small.txt", "--fidelity", "recipe.json", "--trials", 2, "-w", 0)
    ended = here(*search)
    assert ended.code == 0, ended.err
    assert "by recipe.json (" in ended.err and "takes the place" not in ended.err
    recipe, study = FoundRecipe.read("recipe.json"), Study.open("study.db")
    assert study.metric.name == "loss"
    assert f"epochs={recipe.fidelity.epochs}," in study.estimator
    assert f"fraction={recipe.fidelity.fraction}" in study.estimator
    (event,) = [event for event in study.others if event["kind"] == "retrained"]
    assert event["fidelity"] == recipe.full.to_json()
    again = command(Settings.from_notes(study.notes, Path("study.db")), Path("again.db"))
    assert "--fidelity recipe.json" in again and "--epochs" not in again
    assert here(*shlex.split(again)[1:], "--no-final").code == 0
    assert Study.open("again.db").estimator == study.estimator
    longer = here("resume", "study.db", "--trials", 3)
    assert longer.code == 0 and len(study.trials) == 3


def test_what_does_not_agree_with_the_recipe_is_said(here: Cli) -> None:
    search = ("search", "--fidelity", "recipe.json", "--trials", 1, "-w", 0, "--no-final")
    ended = here(*search, "--space", "digits_small", "--channels", 2, "-t", "optimizer=adamw")
    assert ended.code == 0, ended.err
    assert "--channels 2 takes the place of 4 in recipe.json" in ended.err
    assert "-t optimizer=adamw differs" in ended.err
    assert "recipe.json was found on small: how well it ranks digits_small was not measured" in ended.err
    study = Study.open("study.db")
    assert "channels=2," in study.estimator and "optimizer=adamw" in study.estimator


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--references", 3), "3 references say nothing of ranks"),
        (("-k", "epochs=2"), "a knob needs two values or more"),
        (("-k", "epochs"), "write NAME=A,B,..."),
        (("-k", "size=1,2"), "with NAME one of epochs"),
        (("-k", "epochs=1,x"), "the values are numbers"),
        (("-k", "epochs=1.5,2"), "whole numbers"),
        (("-k", "fraction=0.5,2"), "fraction must be at most 1"),
        (("-k", "cutout=0,4"), "has no cutout"),
        (("-k", "resolution=1,8"), "fewer than two of these resolutions fit"),
        (("--pick", "best"), "bpe-1 or bpe-2"),
        (("--metric", "f1"), "training reports accuracy"),
        (("--to", "no/where.json"), "there is no folder no"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_trained(
    cli: Cli, words: tuple[Any, ...], what: str
) -> None:
    Path("small.txt").write_text(SPACE)
    ended = cli("recipe", "--space", "small.txt", "--epochs", 3, *words)
    assert ended.code == 2 and what in ended.err and ended.err.count("morphogen:") == 1
    assert not Path("recipe-study").exists()


def test_nothing_so_cheap_is_said(here: Cli) -> None:
    ended = here(*WORDS[:-4], "--cheaper", 1000, "-w", 0)
    assert ended.code == 1 and "no recipe takes at most" in ended.err and "--cheaper 1000" in ended.err


def test_damaged_files_are_named(here: Cli) -> None:
    record = json.loads(Path("recipe.json").read_text())
    for text, what in (
        ("{", "no JSON"),
        ("[]", "its format is None"),
        (json.dumps({**record, "format": "other"}), "its format is 'other'"),
        (json.dumps({**record, "fidelity": {"epochs": -1}}), "epochs must be positive"),
        (json.dumps({**record, "fidelity": {"color": 1}}), "damaged recipe"),
        (json.dumps({n: v for n, v in record.items() if n != "full"}), "full is missing"),
        (json.dumps({n: v for n, v in record.items() if n != "seconds"}), "seconds"),
    ):
        Path("bad.json").write_text(text)
        with pytest.raises(RecipeError, match=what):
            FoundRecipe.read("bad.json")
    ended = here("search", "--fidelity", "bad.json")
    assert ended.code == 2 and "damaged recipe" in ended.err
    ended = here("search", "--fidelity", "nothing.json")
    assert ended.code == 2 and "No such file" in ended.err
    ended = here("search", "--fidelity", "recipe.json", "--estimator", "zero_cost")
    assert ended.code == 2 and "zero_cost trains otherwise" in ended.err
    ended = here("search", "--fidelity", "recipe.json", "--benchmark", "nasbench201/cifar10")
    assert ended.code == 2 and "a table trains nothing" in ended.err
    assert not Path("study.db").exists()


def test_a_supernet_takes_the_sizes_of_a_recipe(here: Cli) -> None:
    search = (
        "search",
        "--space",
        "small.txt",
        "--fidelity",
        "recipe.json",
        "--strategy",
        "one_shot",
        "--trials",
        1,
    )
    words = (*search, "--estimator", "darts", "-o", "nonterminal=OP", "-w", 0)
    ended = here(*words)
    assert ended.code == 0, ended.err
    recipe, study = FoundRecipe.read("recipe.json"), Study.open("study.db")
    assert f"epochs={recipe.fidelity.epochs}," in study.estimator and "channels=4," in study.estimator
    (event,) = [event for event in study.others if event["kind"] == "retrained"]
    assert event["fidelity"]["epochs"] == recipe.full.epochs
    record = json.loads(Path("recipe.json").read_text(encoding="utf-8"))
    record["fidelity"]["stop"] = 0.5
    Path("stopped.json").write_text(json.dumps(record), encoding="utf-8")
    ended = here(
        *("stopped.json" if word == "recipe.json" else word for word in words), "--study", "other.db"
    )
    assert ended.code == 2 and "stops a training early, and darts trains supernets" in ended.err
