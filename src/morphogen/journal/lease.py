"""The lease: at most one search at a time writes its trials to a journal."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from morphogen.journal.journal import JournalError


class Exclusive(ABC):
    """The ability of a journal to be held by one living search."""

    @abstractmethod
    def lease(self) -> AbstractContextManager[None]:
        """Hold the journal inside the `with` block; raise `JournalError` where another search holds it."""


@contextmanager
def file_lease(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs.

    The lock is SQLite's exclusive lock on an empty database, so the operating system holds it for the living
    process and drops it at its death, however it died: there are no stale locks. The file itself stays,
    empty; deleting it would let two searches lock two files of one name.
    """
    with closing(_locked(path)):
        yield


def _locked(path: Path) -> sqlite3.Connection:
    try:
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise _unusable(path, error) from None
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise JournalError(
                f"{path.with_suffix('')} is in use by another search that is still running: "
                "wait for it, stop it, or name another journal"
            ) from None
        raise _unusable(path, error) from None
    return lock


def _unusable(path: Path, error: sqlite3.Error) -> JournalError:
    return JournalError(
        f"cannot lock {path} ({error}): name a journal in a folder that exists and may be written"
    )
