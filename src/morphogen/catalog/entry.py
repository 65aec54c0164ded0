"""A line of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, final

from .citations import CITED, REFERENCES
from .figures import FIGURES, Figure


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

    @property
    def citation(self) -> str:
        """The full references of the papers that it rests on, one a line; empty where there are none."""
        return "\n".join(REFERENCES[key] for key in CITED.get((self.kind, self.name), ()))

    @property
    def figure(self) -> Figure | None:
        """Which finding of a committed result says most of how it did here; None where there is none yet."""
        return FIGURES.get((self.kind, self.name))

    def load(self) -> Any:
        """Import the method; nothing is imported before."""
        module, attribute = self.where.split(":")
        return getattr(import_module(module), attribute)
