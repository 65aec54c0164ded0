"""Every method by name: what there is, in one line each, and where it comes from."""

from .entry import Entry
from .names import ENTRIES, KINDS, UnknownName, entries, find

__all__ = ["ENTRIES", "KINDS", "Entry", "UnknownName", "entries", "find"]
