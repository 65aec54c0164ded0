"""Journals: the append-only truth of a study, in memory or in a file."""

from morphogen.journal.journal import Event, Journal, JournalError, JournalFailed
from morphogen.journal.lease import Exclusive
from morphogen.journal.memory import Memory
from morphogen.journal.opening import open_journal
from morphogen.journal.sql import SQLite

__all__ = [
    "Event",
    "Exclusive",
    "Journal",
    "JournalError",
    "JournalFailed",
    "Memory",
    "SQLite",
    "open_journal",
]
