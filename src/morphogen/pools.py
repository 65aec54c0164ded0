"""Where estimates run: in this process, or in worker processes."""

from morphogen.study.inline import Inline
from morphogen.study.pool import Pool
from morphogen.study.processes import Processes

__all__ = ["Inline", "Pool", "Processes"]
