"""The options that several commands share, and how their words are read."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from morphogen.cli import completion
from morphogen.cli.errors import Wrong

WHAT: Final = "What is searched"
HOW: Final = "How it is searched"
TRAINING: Final = "How each network is trained"
LIMITS: Final = "Limits (the first one reached ends the search)"
REST: Final = "Running"

_SPACE = typer.Option(
    "--space",
    "-s",
    metavar="NAME|FILE",
    help="A name (`morphogen list spaces`), a grammar file, or my.py:space; digits_small unless told.",
    autocompletion=completion.spaces,
    rich_help_panel=WHAT,
)
Space = Annotated[str, _SPACE]
MaybeSpace = Annotated[str | None, _SPACE]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        "-d",
        metavar="NAME|FILE",
        help="digits (the default), an .npz file, a folder of class folders, or IDX files.",
        autocompletion=completion.data,
        rich_help_panel=WHAT,
    ),
]
TestData = Annotated[
    str | None,
    typer.Option(
        "--test-data",
        metavar="FILE",
        help="The test split, where it is apart; else a fifth of the data is set aside.",
        autocompletion=completion.data,
        rich_help_panel=WHAT,
    ),
]
Estimator = Annotated[
    str,
    typer.Option(
        "--estimator",
        "-e",
        metavar="NAME",
        help="A name (`morphogen list estimators`), or your own function: my.py:train.",
        autocompletion=completion.estimators,
        rich_help_panel=HOW,
    ),
]
EstimatorOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--train",
        "-t",
        metavar="NAME=VALUE",
        help="A setting of the training, such as flip=yes or optimizer=adamw.",
        rich_help_panel=TRAINING,
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Passes over the data; 5 unless told, for regions some 30.",
        rich_help_panel=TRAINING,
    ),
]
Channels = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Width of the first stage.", rich_help_panel=TRAINING)
]
Cells = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Cells a stage, in cell spaces.", rich_help_panel=TRAINING),
]
BatchSize = Annotated[
    int | None, typer.Option(metavar="N", min=2, help="Images a step.", rich_help_panel=TRAINING)
]
LearningRate = Annotated[
    float | None, typer.Option(metavar="X", help="The learning rate at its peak.", rich_help_panel=TRAINING)
]
Fraction = Annotated[
    float | None,
    typer.Option(metavar="X", min=0, max=1, help="Part of the training data.", rich_help_panel=TRAINING),
]
Resolution = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Side of the images in pixels.", rich_help_panel=TRAINING),
]
FidelityFile = Annotated[
    Path | None,
    typer.Option(
        "--fidelity",
        metavar="FILE",
        help="A recipe that `morphogen recipe` wrote; options given here come before it.",
        rich_help_panel=TRAINING,
    ),
]
StudyFile = Annotated[
    Path,
    typer.Option(
        "--study",
        metavar="FILE",
        help="Where the search is written down; one that is there is gone on with.",
        rich_help_panel=REST,
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A name (`morphogen list strategies`), or my.py:Strategy; regularized_evolution unless told, "
        "nsga2 for several objectives.",
        autocompletion=completion.strategies,
        rich_help_panel=HOW,
    ),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="NAME=VALUE",
        help="A setting of the strategy or of the estimator, such as population=20.",
        rich_help_panel=HOW,
    ),
]
MetricName = Annotated[
    str | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="What is improved; the estimator's first metric unless told.",
        rich_help_panel=HOW,
    ),
]
Objectives = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        metavar="NAME",
        help="What is improved; give several for their frontier (latency_ms is measured if named).",
        rich_help_panel=HOW,
    ),
]
Constraints = Annotated[
    list[str] | None,
    typer.Option(
        "--constraint",
        metavar="BOUND",
        help='What a network must keep, such as "parameters<=20k"; may be given again.',
        rich_help_panel=HOW,
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        metavar="NAME=NUMBER",
        help="What a unit of each objective is worth: their weighted sum is improved.",
        rich_help_panel=HOW,
    ),
]
Benchmark = Annotated[
    str | None,
    typer.Option(
        "--benchmark",
        "-b",
        metavar="NAME",
        help="A published table instead of training: NAME or NAME/DATASET (`morphogen list benchmarks`).",
        autocompletion=completion.benchmarks,
        rich_help_panel=WHAT,
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="What one trial may take at most, such as 5m.", rich_help_panel=LIMITS),
]
FinalEpochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Epochs for the winner; four times those of a trial unless told.",
        rich_help_panel=TRAINING,
    ),
]
NoFinal = Annotated[
    bool, typer.Option("--no-final", help="Do not train the winner anew.", rich_help_panel=TRAINING)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=REST)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=REST)]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-w",
        metavar="N",
        min=0,
        help="Processes; one a core unless told, 0 trains in this one.",
        show_default=False,
        rich_help_panel=REST,
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Of all randomness.", rich_help_panel=REST)]
Trials = Annotated[
    int | None,
    typer.Option("--trials", "-n", metavar="N", min=1, help="So many trials.", rich_help_panel=LIMITS),
]
Time = Annotated[
    str | None,
    typer.Option("--time", metavar="TIME", help="So long: 90s, 3m, 2h, 1h30m.", rich_help_panel=LIMITS),
]
Cost = Annotated[
    str | None,
    typer.Option(
        "--cost", metavar="TIME", help="So much time in trials, summed over workers.", rich_help_panel=LIMITS
    ),
]
Study = Annotated[
    str,
    typer.Argument(
        help="The file of a study, such as study.db.", autocompletion=completion.studies, show_default=False
    ),
]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(option: str, text: str | None) -> float | None:
    """Return the seconds in a text such as `90s`, `3m` or `1h30m`; a bare number is in seconds."""
    if text is None:
        return None
    word = text.strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", word)
    if parts and "".join(map("".join, parts)) == word:
        total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        try:
            total = float(word)
        except ValueError:
            total = math.nan
    if not (math.isfinite(total) and total > 0):
        raise Wrong(f"{option} takes a time such as 90s, 3m, 2h or 1h30m, not {text!r}")
    return total


def clock(value: float) -> str:
    """Return seconds as people read them: 0:07, 2:30, 1:05:00."""
    whole = round(max(0.0, value))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def fidelity(**settings: float | None) -> dict[str, float]:
    """Return the settings of the training that were given."""
    return {name: value for name, value in settings.items() if value is not None}
