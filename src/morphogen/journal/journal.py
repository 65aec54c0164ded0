"""The contract of a journal: an append-only list of events, the only truth of a study."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

Event: TypeAlias = Mapping[str, Any]
"""One plain JSON object. `kind` is "opened" (the first), "asked", "told", "stopped" or "retrained"."""


class JournalError(RuntimeError):
    """A journal that cannot be read or written, or that belongs to another search."""


class JournalFailed(JournalError):
    """A journal that was named rightly, and that the disk or damage keeps from being read or written."""


class Journal(ABC):
    """Events in the order in which they were written."""

    @abstractmethod
    def append(self, event: Event) -> None:
        """Write one event; when this returns, the event survives the death of the process."""

    @abstractmethod
    def read(self, since: int = 0) -> list[Event]:
        """Return the events from number `since` on."""
