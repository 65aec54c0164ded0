"""Studies: the loop, what it may spend, where its estimates run, and how its journal is read."""

from morphogen.study.events import without_times
from morphogen.study.inline import Inline
from morphogen.study.ledger import Ledger
from morphogen.study.limits import Limit
from morphogen.study.loop import search
from morphogen.study.outcomes import Interrupted, PoolError, RehearsalFailed, SearchError, SearchStopped
from morphogen.study.pool import Finished, Pool
from morphogen.study.processes import Processes
from morphogen.study.simulated import Simulated
from morphogen.study.study import Study

__all__ = [
    "Finished",
    "Inline",
    "Interrupted",
    "Ledger",
    "Limit",
    "Pool",
    "PoolError",
    "Processes",
    "RehearsalFailed",
    "SearchError",
    "SearchStopped",
    "Simulated",
    "Study",
    "search",
    "without_times",
]
