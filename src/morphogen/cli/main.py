"""The command `morphogen`: its commands, and how each way to fail ends.

Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from morphogen.cli import (
    compare,
    counting,
    doctor,
    evidence,
    export,
    init,
    listing,
    recipe,
    report,
    search,
    show,
    why,
)
from morphogen.cli.errors import INTERRUPTED, explain, hint, say

app: Final = typer.Typer(
    name="morphogen",
    help="Find neural network architectures. `morphogen search` begins one on real images.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

SEARCH: Final = "Search"
RESULTS: Final = "Results"
SPACES: Final = "Spaces"
CHECKS: Final = "Checks"

for panel, name, function in (
    (SEARCH, "search", search.search),
    (SEARCH, "resume", search.resume),
    (SEARCH, "recipe", recipe.recipe),
    (SEARCH, "init", init.init),
    (RESULTS, "show", show.show),
    (RESULTS, "report", report.report),
    (RESULTS, "why", why.why),
    (RESULTS, "export", export.export),
    (SPACES, "list", listing.listing),
    (SPACES, "count", counting.count),
    (SPACES, "sample", counting.sample),
    (CHECKS, "compare", compare.compare),
    (CHECKS, "doctor", doctor.doctor),
    (CHECKS, "evidence", evidence.evidence),
):
    app.command(name, rich_help_panel=panel)(function)


def _version(wanted: bool) -> None:
    if wanted:
        from morphogen import __version__

        print(f"morphogen {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


# Typer hands on the error classes of the parser below it, in every version, only through this family.
_UsageError: Any = typer.BadParameter.__base__


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=words, prog_name="morphogen", standalone_mode=False)
        sys.stdout.flush()
    except _UsageError as error:
        return _wrong_use(error, words)
    except typer.Abort:
        say("interrupted")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit) as end:
        if not isinstance(end, BrokenPipeError) and not isinstance(end.__context__, BrokenPipeError):
            raise
        # The reader, such as `head`, has seen enough; without this the interpreter complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        if os.environ.get("MORPHOGEN_DEBUG", "0") not in ("", "0"):
            raise
        return explain(error)
    return code if isinstance(code, int) else 0


def _wrong_use(error: Any, words: Sequence[str]) -> int:
    """Say in one line what is wrong with the words of the command, and where its help is."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
        return 2
    command = error.ctx.command_path if error.ctx is not None else "morphogen"
    text = error.format_message().rstrip(".").replace("\n", " ")
    if possible := getattr(error, "possibilities", None):
        text = f"no such option: {error.option_name}; {hint(error.option_name, possible)}"
    say(f"{text[:1].lower()}{text[1:]} (`{command} --help` shows what there is)")
    return 2
