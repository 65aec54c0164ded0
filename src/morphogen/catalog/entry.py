"""A line of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """A method: its kind and name, where it is (`module:attribute`), one line about it, and its source.

    regions: whether a strategy proposes regions, or an estimator takes them.
    """

    kind: str
    name: str
    where: str
    line: str
    source: str = ""
    regions: bool = False

    def load(self) -> Any:
        """Import the method; nothing is imported before."""
        module, attribute = self.where.split(":")
        return getattr(import_module(module), attribute)
