"""Checks of a journal: nothing that was written is lost, changed or out of order.

A journal is given as a function that opens the journal kept in a folder: `InFolder("study.db")`, or one of
your own; other processes can use it if it is a function of a module.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias, final

from morphogen.journal.journal import Event, Journal
from morphogen.journal.opening import open_journal
from morphogen.testing.check import Check, named

Open: TypeAlias = Callable[[Path], Journal]
"""Opens the journal that is kept in a folder; the folder is empty the first time."""


@final
@dataclass(frozen=True)
class InFolder:
    """Opens the journal of this name, as `open_journal` does."""

    name: str

    def __call__(self, folder: Path) -> Journal:
        return open_journal(folder / self.name)


EVENTS: Final[tuple[Event, ...]] = (
    {
        "kind": "opened",
        "format": 1,
        "metrics": [{"name": "accuracy", "maximize": True, "unit": ""}],
        "seed": 0,
    },
    {"kind": "asked", "at": 1.5, "number": 0, "proposal": {"architecture": "chain(conv3x3, a)"}},
    {"kind": "told", "at": 2.25, "number": 0, "estimate": {"values": {"accuracy": 0.1 + 0.2}, "cost": 1e-9}},
    {
        "kind": "asked",
        "number": 1,
        "proposal": {"architecture": "zero", "parent": None, "text": "é \u2603 \\ '\""},
    },
    {
        "kind": "stopped",
        "reason": "line one\nline two",
        "nested": {"deep": [1, [2, {"three": True}]], "no": {}},
    },
)


def checks(open_journal: Open, *, lasting: bool = True) -> tuple[Check, ...]:
    """Return all checks; `lasting` is whether a second opening of a folder finds what the first one wrote."""
    found: list[Callable[[Open], None]] = [
        events_come_back_in_order,
        reading_begins_where_told,
        what_was_written_stays,
    ]
    if lasting:
        found += [
            opening_again_finds_all,
            readers_see_what_writers_write,
            two_writing_processes_lose_nothing,
            a_dying_process_loses_nothing,
        ]
    return named(found, open_journal)


def events_come_back_in_order(open_journal: Open) -> None:
    """Events are read as they were written, texts and numbers to the last digit."""
    with TemporaryDirectory() as folder:
        journal = open_journal(Path(folder))
        assert journal.read() == [], f"a new journal holds {journal.read()}"
        for count, event in enumerate(EVENTS, 1):
            journal.append(event)
            _check_equal(journal.read(), list(EVENTS[:count]), f"after {count} events")


def reading_begins_where_told(open_journal: Open) -> None:
    """`read(since)` returns the events from number `since` on, and nothing beyond the last."""
    with TemporaryDirectory() as folder:
        journal = open_journal(Path(folder))
        for event in EVENTS:
            journal.append(event)
        for since in range(len(EVENTS) + 2):
            _check_equal(journal.read(since), list(EVENTS[since:]), f"from event {since} on")


def what_was_written_stays(open_journal: Open) -> None:
    """What the writer does to its event, or a reader to its list, afterwards does not change the journal."""
    with TemporaryDirectory() as folder:
        journal = open_journal(Path(folder))
        event: dict[str, Any] = {"kind": "asked", "number": 0}
        journal.append(event)
        event["number"] = 1
        journal.read().clear()
        _check_equal(journal.read(), [{"kind": "asked", "number": 0}], "after its event was changed outside")


def opening_again_finds_all(open_journal: Open) -> None:
    """A journal that is opened again, and once more, holds what was written, and goes on from there."""
    with TemporaryDirectory() as folder:
        for count, event in enumerate(EVENTS):
            journal = open_journal(Path(folder))
            _check_equal(journal.read(), list(EVENTS[:count]), f"opened again after {count} events")
            journal.append(event)


def readers_see_what_writers_write(open_journal: Open) -> None:
    """Of two openings at once, each sees at once what the other has written."""
    with TemporaryDirectory() as folder:
        one, two = open_journal(Path(folder)), open_journal(Path(folder))
        for count, event in enumerate(EVENTS):
            (one, two)[count % 2].append(event)
            for journal in (one, two):
                _check_equal(journal.read(), list(EVENTS[: count + 1]), "with two openings")


def two_writing_processes_lose_nothing(open_journal: Open) -> None:
    """Two processes that write at once lose nothing, and each keeps its order."""
    with TemporaryDirectory() as folder:
        _run(*((open_journal, folder, writer, False) for writer in range(2)))
        events = open_journal(Path(folder)).read()
        for writer in range(2):
            numbers = [event["number"] for event in events if event["writer"] == writer]
            assert numbers == list(range(MANY)), f"writer {writer} wrote 0 to {MANY - 1}, there are {numbers}"
        assert len(events) == 2 * MANY, f"two writers wrote {2 * MANY} events, there are {len(events)}"


def a_dying_process_loses_nothing(open_journal: Open) -> None:
    """What a process wrote is there when it ends without a word."""
    with TemporaryDirectory() as folder:
        _run((open_journal, folder, 0, True))
        numbers = [event["number"] for event in open_journal(Path(folder)).read()]
        assert numbers == list(range(MANY)), f"the process wrote 0 to {MANY - 1}, there are {numbers}"


MANY: Final = 100


def _write(open_journal: Open, folder: str, writer: int, dies: bool) -> None:
    journal = open_journal(Path(folder))
    for number in range(MANY):
        journal.append({"kind": "asked", "writer": writer, "number": number})
    if dies:
        os._exit(1)  # no destructors, no flushing


def _run(*tasks: tuple[Open, str, int, bool]) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=task) for task in tasks]
    for process in processes:
        process.start()
    for process, task in zip(processes, tasks, strict=True):
        process.join(60)
        assert process.exitcode == int(task[-1]), f"a writing process ended with {process.exitcode}"


def _check_equal(found: list[Event], wanted: list[Event], when: str) -> None:
    assert [dict(event) for event in found] == wanted, f"{when}, the journal holds {found}, not {wanted}"
