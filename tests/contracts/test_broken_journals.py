"""Each checker of journals finds what it is there for: broken ones are planted."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import failing

from morphogen.journal.journal import Event, Journal
from morphogen.journal.memory import Memory
from morphogen.testing import journals


class Faulty(Journal):
    """Keeps events in a pickle file, with one fault."""

    def __init__(self, folder: Path, fault: str = "") -> None:
        self.file, self.fault = folder / "events", fault
        self.cache: list[Event] = self.load()

    def load(self) -> list[Event]:
        found: list[Event] = pickle.loads(self.file.read_bytes()) if self.file.exists() else []
        return found

    def append(self, event: Event) -> None:
        events = self.cache if self.fault == "caches" else self.load()
        self.cache = [event, *events] if self.fault == "reverses" else [*events, event]
        if self.fault == "forgets" and len(self.cache) > 3:
            return
        self.file.write_bytes(pickle.dumps(self.cache))

    def read(self, since: int = 0) -> list[Event]:
        if self.fault == "keeps the list":
            return self.cache
        if self.fault == "caches":
            return self.cache[since:]
        return self.load()[since + (self.fault == "counts from one" and since > 0) :]


BROKEN_JOURNALS = [
    (journals.events_come_back_in_order, "reverses"),
    (journals.reading_begins_where_told, "counts from one"),
    (journals.what_was_written_stays, "keeps the list"),
    (journals.opening_again_finds_all, "forgets"),
    (journals.readers_see_what_writers_write, "caches"),
]


@pytest.mark.parametrize(("check", "fault"), BROKEN_JOURNALS)
def test_broken_journals_are_found(check: Callable[[journals.Open], None], fault: str) -> None:
    assert "the journal holds" in failing(check, lambda folder: Faulty(folder, fault))
    check(Faulty)


@pytest.mark.parametrize("check", [journals.a_dying_process_loses_nothing])
def test_a_journal_that_dies_with_its_process_is_found(check: Callable[[journals.Open], None]) -> None:
    assert "there are []" in failing(check, Forgotten())


class Forgotten:
    """Opens a new journal in memory each time, also in another process."""

    def __call__(self, folder: Path) -> Journal:
        return Memory()

    def __reduce__(self) -> tuple[Any, ...]:
        from functools import partial

        return partial, (Memory,)
