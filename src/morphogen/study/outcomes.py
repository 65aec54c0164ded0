"""How a search can end other than by its limit; the journal is whole after each, and can be gone on with."""

from __future__ import annotations

from typing import final


class SearchError(RuntimeError):
    """A search that could not begin or go on."""


@final
class RehearsalFailed(SearchError):
    """The estimator failed on its first small step, before anything was written."""


@final
class SearchStopped(SearchError):
    """Too many trials in a row failed alike."""


@final
class PoolError(SearchError):
    """Workers that cannot be started."""


@final
class Interrupted(KeyboardInterrupt):
    """Ctrl-C: running estimates were dropped, everything finished is in the journal."""
