"""A journal that lives and dies with its process."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import final

from morphogen.journal.journal import Event, Journal, JournalError
from morphogen.journal.lease import Exclusive


@final
class Memory(Journal, Exclusive):
    """Events in a list; for tests, benchmarks, copies, and searches nobody wants to resume.

    events: with which it begins.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        # As bytes: copies that nobody can change, and that the garbage collector need not look through.
        self._events: list[bytes] = []
        self._held = Lock()
        for event in events:
            self.append(event)

    def __str__(self) -> str:
        return "the journal in memory"

    def append(self, event: Event) -> None:
        """Keep a copy of the event."""
        self._events.append(pickle.dumps(dict(event), pickle.HIGHEST_PROTOCOL))

    def read(self, since: int = 0) -> list[Event]:
        """Return the events from number `since` on."""
        return [pickle.loads(event) for event in self._events[since:]]

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the journal against a second search, in another thread or inside a callback of the first."""
        if not self._held.acquire(blocking=False):
            raise JournalError(f"{self} is in use by another search that is still running")
        try:
            yield
        finally:
            self._held.release()
