"""Journals by address: a path, `sqlite:///path`, `memory:`."""

from __future__ import annotations

from pathlib import Path

from morphogen.journal.journal import Journal, JournalError
from morphogen.journal.memory import Memory
from morphogen.journal.sql import SQLite


def open_journal(address: str | Path | Journal | None, *, read_only: bool = False) -> Journal:
    """Return the journal at `address`; None is `memory:`, and a journal is itself.

    Raises:
        JournalError: an address that means nothing, or a file that cannot be used.
    """
    if isinstance(address, Journal):
        return address
    text = "memory:" if address is None else str(address)
    if text == "memory:":
        return Memory()
    if text.startswith("sqlite:///"):
        return SQLite(text.removeprefix("sqlite:///"), read_only=read_only)
    scheme, separator, _ = text.partition("://")
    if separator and scheme.startswith("postgres"):
        raise JournalError("journals in PostgreSQL are not there yet: name a file, such as study.db")
    if separator:
        raise JournalError(f"no journal knows {scheme}://: name a file, such as study.db, or memory:")
    return SQLite(text, read_only=read_only)
