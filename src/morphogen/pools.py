"""Where estimates run: in this process, in worker processes, or on a simulated clock."""

from morphogen.study.inline import Inline
from morphogen.study.pool import Pool
from morphogen.study.processes import Processes
from morphogen.study.simulated import Simulated

__all__ = ["Inline", "Pool", "Processes", "Simulated"]
