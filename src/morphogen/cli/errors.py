"""How a command fails: one clear line on standard error that names the fix, and an exit code."""

from __future__ import annotations

import difflib
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Final, final

FAILED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 130


@final
class Wrong(Exception):
    """A command that was used wrongly; the message names the fix."""


@final
class Failed(Exception):
    """A command that was right and did not reach its goal."""


def say(message: str) -> None:
    """Print on standard error what went wrong."""
    sys.stdout.flush()
    print(f"morphogen: {message}", file=sys.stderr, flush=True)


def note(message: str) -> None:
    """Print on standard error what is going on."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        message = textwrap.fill(message, width, break_long_words=False, break_on_hyphens=False)
    print(message, file=sys.stderr, flush=True)


def hint(word: str, known: Iterable[str]) -> str:
    """Return the nearest known word as a question, or all of them."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(words)}"


def explain(error: Exception) -> int:
    """Say what an exception means and return the exit code that it stands for."""
    # Whatever raised one of these has imported them already, and all of them are light.
    from morphogen.benchmarks.files import MissingData
    from morphogen.catalog import UnknownName
    from morphogen.found_recipe import RecipeError
    from morphogen.journal import JournalError, JournalFailed
    from morphogen.networks import SavedNetworkError, ShapeError, UnknownOperation
    from morphogen.networks.image_files import DataError
    from morphogen.scripts import ScriptError
    from morphogen.spaces import ArchitectureError, SpaceError
    from morphogen.study import SearchError

    failures = (Failed, SearchError, JournalFailed)
    mistakes = (
        Wrong,
        UnknownName,
        ScriptError,
        JournalError,
        SpaceError,
        ArchitectureError,
        DataError,
        RecipeError,
    )
    others = (MissingData, SavedNetworkError, ShapeError, UnknownOperation)
    if isinstance(error, (*failures, *mistakes, *others)):
        say(str(error))
        return FAILED if isinstance(error, failures) else WRONG_USE
    if isinstance(error, OSError) and error.filename is not None:
        say(f"{error.filename}: {error.strerror or error}")
        return WRONG_USE
    say(
        f"this should not happen: {type(error).__name__}: {error} "
        "(MORPHOGEN_DEBUG=1 before the command shows where; please report it)"
    )
    return FAILED
