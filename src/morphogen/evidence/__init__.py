"""Evidence: what each method claims, the experiment that tests it here, and what came out."""

from morphogen.benchmarks.files import MissingData
from morphogen.evidence.entry import Bar, Entry, Finding, Progress, Result
from morphogen.evidence.running import committed, find, names, run

__all__ = [
    "Bar",
    "Entry",
    "Finding",
    "MissingData",
    "Progress",
    "Result",
    "committed",
    "find",
    "names",
    "run",
]
