"""Who listens to a search: callbacks, what they raise, and the table in a notebook."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from searches import EVOLUTION, TINY, InOrder, Smooth

from morphogen.estimators.function import estimator
from morphogen.records import Trial
from morphogen.study import Limit, Processes, Study, search, without_times
from morphogen.study.notebook import EVERY, Live, output, picture


def test_callbacks_hear_of_each_trial_when_it_is_finished(tmp_path: Path) -> None:
    heard: list[Trial] = []
    study = search(
        TINY, EVOLUTION, Smooth(), limit=Limit(trials=20), callbacks=[heard.append, lambda trial: None]
    )
    assert tuple(heard) == study.trials
    assert any(trial.failed for trial in heard)


def test_a_callback_finds_its_trial_in_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.db"

    def look(trial: Trial) -> None:
        assert Study.open(path).trials[trial.number] == trial

    search(TINY, EVOLUTION, Smooth(), path, limit=Limit(trials=5), callbacks=[look])


class Full(Exception):
    """What a callback raises."""


def stops_at(number: int) -> list[object]:
    def stop(trial: Trial) -> None:
        if trial.number == number:
            raise Full("no room on the disk")

    return [stop]


def test_what_a_callback_raises_ends_the_search_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with pytest.raises(Full, match="no room") as caught:
        search(TINY, EVOLUTION, Smooth(), path, limit=Limit(trials=20), callbacks=stops_at(6))
    assert "trial 6" in caught.value.__notes__[0] and "j.db" in caught.value.__notes__[0]
    study = Study.open(path)
    assert [trial.pending for trial in study.trials] == [False] * 7
    resumed = search(TINY, EVOLUTION, Smooth(), path, limit=Limit(trials=20))
    whole = search(TINY, EVOLUTION, Smooth(), limit=Limit(trials=20))
    assert without_times(resumed.journal.read()) == without_times(whole.journal.read())


def test_what_runs_elsewhere_is_waited_for_when_a_callback_raises(tmp_path: Path) -> None:
    path, heard = tmp_path / "j.db", list[int]()
    callbacks = [*stops_at(0), lambda trial: heard.append(trial.number)]
    with pytest.raises(Full):
        search(
            TINY, InOrder(), Smooth(0.2), path, limit=Limit(trials=9), callbacks=callbacks, pool=Processes(2)
        )
    trials = Study.open(path).trials
    assert 2 <= len(trials) <= 3 and not any(trial.pending for trial in trials)
    assert 0 not in heard


def test_an_interrupt_in_a_callback_is_an_interrupt() -> None:
    def interrupt(trial: Trial) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="1 finished trials are in"):
        search(TINY, EVOLUTION, Smooth(), limit=Limit(trials=20), callbacks=[interrupt])


# --- copies -------------------------------------------------------------------------------------------------


def test_a_copy_of_a_study_takes_its_trials_and_leaves_the_file(tmp_path: Path) -> None:
    study = search(TINY, EVOLUTION, Smooth(), tmp_path / "j.db", limit=Limit(trials=5))
    for other in (pickle.loads(pickle.dumps(study)), copy.deepcopy(study)):
        assert other.trials == study.trials
        assert other.to_json() == study.to_json()
        assert str(other.journal) == "the journal in memory"


# --- notebooks ----------------------------------------------------------------------------------------------


def test_the_picture_shows_where_the_search_is() -> None:
    study = search(TINY, EVOLUTION, Smooth(), limit=Limit(trials=20), seed=3)
    html, best = picture(study, Limit(trials=30, hours=1)), study.best()
    assert f"20 trials finished, {len(study.failures)} failed (of 30, 0 of 3,600 s)" in html
    assert f"(trial {best.number})" in html and str(best.architecture) in html
    assert html.count("<tr") == 1 + 5 and html.count("<table>") == html.count("</table>") == 1
    assert study._repr_html_() == picture(study)


def test_a_column_of_the_picture_is_what_its_head_says() -> None:
    @estimator(metrics={"parameters": "minimize", "accuracy": "maximize"})
    def train(architecture: object, fidelity: object, rng: object) -> dict[str, float]:
        return {"parameters": 1234.0, "accuracy": 0.5}

    html = picture(search(TINY, InOrder(), train, limit=Limit(trials=1), metric="accuracy"))
    assert [cell.partition("<")[0] for cell in html.split(">") if cell[:1].isalnum()][-6:] == [
        *("trial", "accuracy", "parameters"),
        *("0", "0.5", "1,234"),
    ]


def test_what_a_failure_says_is_text_in_the_picture() -> None:
    @estimator
    def train(architecture: object, fidelity: object, rng: object) -> float:
        raise ValueError("5 <b>& 6")

    html = picture(search(TINY, InOrder(), train, limit=Limit(trials=2)))
    assert "failed, ValueError: 5 &lt;b&gt;&amp; 6" in html and "<b>&" not in html


def test_the_table_is_shown_now_and_then_and_in_the_end() -> None:
    shown: list[str] = []
    study = search(TINY, EVOLUTION, Smooth(), limit=Limit(trials=3))
    now = iter([0.0, 0.0, EVERY / 2, EVERY, EVERY])
    live = Live(study, Limit(trials=3), shown.append, lambda: next(now))
    for trial in study.trials:
        live(trial)
    assert len(shown) == 2


def test_outside_notebooks_nothing_is_shown() -> None:
    assert output() is None


NOTEBOOK = """
import morphogen as mg
@mg.estimator
def train(architecture, fidelity, rng):
    return str(architecture).count("conv")
study = mg.search(mg.spaces.cell201(), mg.strategies.RandomSearch(), train, limit=mg.Limit(trials=8))
"""


def test_in_a_real_notebook_one_table_is_kept_up_to_date(tmp_path: Path) -> None:
    import nbclient
    import nbformat

    cells = [nbformat.v4.new_code_cell(text) for text in (NOTEBOOK, "study")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    first, second = (cell.outputs for cell in notebook.cells)
    assert len(first) == 1 and "8 trials finished (of 8)" in first[0]["data"]["text/html"]
    assert "8 trials finished" in second[0]["data"]["text/html"]
