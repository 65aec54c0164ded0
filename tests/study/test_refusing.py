"""The loop refuses: journals of other searches, journals that make no sense, an estimator that fails at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import EVOLUTION, TINY, Behaves, Smooth, searched

from morphogen.journal import Event, JournalError, Memory
from morphogen.spaces.space import Space
from morphogen.strategies.random_search import RandomSearch
from morphogen.study import (
    Limit,
    RehearsalFailed,
    search,
)


@dataclass(frozen=True)
class Other(Smooth):
    """The same by another name."""


OTHER_SPACE = Space.from_text("NET -> chain(OP, OP)\nOP -> conv3x3 | conv1x1", "smaller")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"space": OTHER_SPACE}, r"the space is tiny \(\w+\) there and smaller \(\w+\) here"),
        (
            {"strategy": replace(EVOLUTION, population=5)},
            "the strategy is .*population=4.* there and .*population=5.* here",
        ),
        (
            {"strategy": RandomSearch()},
            "the strategy is RegularizedEvolution.* there and RandomSearch.* here",
        ),
        ({"estimator": Other()}, "the estimator is Smooth there and Other here"),
        (
            {"estimator": Behaves(())},
            r"the metrics is accuracy, size \(less is better\).* there and accuracy here",
        ),
        ({"metric": "size"}, "the metric is accuracy there and size here"),
        ({"seed": 8}, "the seed is 7 there and 8 here"),
    ],
)
def test_a_journal_of_another_search_is_refused_and_left_alone(change: dict[str, Any], words: str) -> None:
    journal = Memory()
    before = searched(journal, trials=3)
    arguments: dict[str, Any] = {
        "space": TINY,
        "strategy": EVOLUTION,
        "estimator": Smooth(),
        "seed": 7,
    } | change
    with pytest.raises(JournalError, match=words):
        search(**arguments, journal=journal, limit=Limit(trials=6))
    assert journal.read() == before


def scrambled(events: list[Event], place: int, **change: Any) -> list[Event]:
    return [*events[:place], {**events[place], **change}, *events[place + 1 :]]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda events: events[1:], "does not begin with the opening"),
        (lambda events: scrambled(events, 0, format=99), "format 99"),
        (lambda events: scrambled(events, 3, number=5), "event 4 does not follow"),
        (lambda events: [*events, events[-1]], "event 8 does not follow"),
        (lambda events: [*events, events[0]], "event 8 does not follow"),
        (lambda events: scrambled(events, 2, estimate={}), "event 3 does not follow"),
        (lambda events: scrambled(events, 1, proposal={"architecture": "chain(what)"}), "does not know"),
    ],
)
def test_a_journal_that_makes_no_sense_is_refused(
    damage: Callable[[list[Event]], list[Event]], words: str
) -> None:
    journal = Memory(damage(searched(Memory(), trials=3)))
    before = journal.read()
    with pytest.raises(JournalError, match=words):
        searched(journal)
    assert journal.read() == before


def test_two_searches_do_not_share_a_journal() -> None:
    journal = Memory()

    def intrude(event: Event) -> None:
        with pytest.raises(JournalError, match="in use"):
            searched(journal)

    searched(journal, trials=2, on_event=intrude)
    assert len(journal.read()) == 5


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(ValueError, match="reports accuracy, size, took, not speed"):
        search(TINY, EVOLUTION, Smooth(), limit=Limit(trials=1), metric="speed")


@dataclass(frozen=True)
class Broken(Smooth):
    """Fails its rehearsal."""

    def rehearse(self, space: Space, rng: np.random.Generator) -> None:
        raise FileNotFoundError("no images in data.npz")


def test_a_failed_rehearsal_ends_a_search_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(RehearsalFailed, match="FileNotFoundError: no images in data.npz") as caught:
        search(TINY, EVOLUTION, Broken(), tmp_path / "study.db", limit=Limit(trials=3))
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    assert not (tmp_path / "study.db").exists()


def test_a_search_that_is_resumed_needs_no_rehearsal() -> None:
    class Broken(Smooth):
        """Smooth by fingerprint, broken by rehearsal."""

        fingerprint = "Smooth"

        def rehearse(self, space: Space, rng: np.random.Generator) -> None:
            raise AssertionError

    journal = Memory()
    searched(journal, trials=2)
    search(TINY, EVOLUTION, Broken(), journal, limit=Limit(trials=4), seed=7)
    assert len(journal.read()) == 9
