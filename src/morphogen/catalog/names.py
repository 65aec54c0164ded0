"""Finding a method of the catalogue by its kind and name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from .claims import CLAIMS
from .entry import Entry
from .methods import METHODS

ENTRIES: Final = (*METHODS, *CLAIMS)
"""Every method and every claim, by kind."""

KINDS: Final = tuple(dict.fromkeys(entry.kind for entry in ENTRIES))


class UnknownName(KeyError):
    """A name that is not in the catalogue."""

    def __str__(self) -> str:
        return str(self.args[0])


def entries(kind: str | None = None) -> Iterator[Entry]:
    """Yield the entries of one kind, or all."""
    return (entry for entry in ENTRIES if kind in (None, entry.kind))


def find(kind: str, name: str) -> Entry:
    """Return the entry of a kind by its name.

    Raises:
        UnknownName: with the nearest name there is.
    """
    known = {entry.name: entry for entry in entries(kind)}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise UnknownName(f"there is no {kind} called {name!r}; {hint}")
    return known[name]
