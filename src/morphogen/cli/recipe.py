"""`recipe`: find the cheap training that ranks the networks of a space as full training does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from morphogen.cli import options
from morphogen.cli.errors import INTERRUPTED, Wrong, say
from morphogen.cli.settings import EPOCHS as CHEAP
from morphogen.cli.settings import LONGER, Settings

EPOCHS: Final = LONGER * CHEAP
"""Of full training, unless told: as a search trains its winner."""

TRIALS: Final = 40
FULL: Final = "Full training"
RECIPES: Final = "Recipes"


def recipe(
    space: options.Space = "digits_small",
    data: options.Data = None,
    test_data: options.TestData = None,
    to: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the recipe is written.", rich_help_panel=options.REST)
    ] = Path("recipe.json"),
    epochs: Annotated[
        int, typer.Option(metavar="N", min=2, help="Of full training.", rich_help_panel=FULL)
    ] = EPOCHS,
    channels: options.Channels = None,
    cells: options.Cells = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    resolution: options.Resolution = None,
    train: options.EstimatorOptions = None,
    references: Annotated[
        int, typer.Option(metavar="N", help="Networks that are trained in full.", rich_help_panel=FULL)
    ] = 40,
    repeats: Annotated[
        int, typer.Option(metavar="N", min=1, help="How often each of them.", rich_help_panel=FULL)
    ] = 2,
    metric: Annotated[
        str, typer.Option(metavar="NAME", help="By which networks are ranked.", rich_help_panel=FULL)
    ] = "loss",
    knob: Annotated[
        list[str] | None,
        typer.Option(
            "--knob",
            "-k",
            metavar="NAME=A,B,...",
            help="What recipes may vary, cheap values first; unless told, all that fits the data.",
            rich_help_panel=RECIPES,
        ),
    ] = None,
    trials: Annotated[
        int,
        typer.Option("--trials", "-n", metavar="N", min=2, help="So many recipes.", rich_help_panel=RECIPES),
    ] = TRIALS,
    cheaper: Annotated[
        float,
        typer.Option(
            metavar="X", min=1, help="How many times cheaper than full training.", rich_help_panel=RECIPES
        ),
    ] = 10.0,
    pick: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Which one is written: bpe-1, the cheap one, or bpe-2, the accurate one.",
            rich_help_panel=RECIPES,
        ),
    ] = "bpe-2",
    workers: options.Workers = None,
    seed: options.Seed = 0,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Find a cheap training recipe that ranks networks as full training does, and write it to a file.

    Networks of the space are trained in full, once; then recipes are measured by how they rank these. All is
    kept in a folder beside the file. Stopped or killed, the same command goes on. `morphogen search
    --fidelity FILE` uses the recipe.
    """
    from morphogen.cli import recipe_plan, recipe_report
    from morphogen.study import Interrupted

    if pick not in ("bpe-1", "bpe-2"):
        raise Wrong(f"--pick is bpe-1 or bpe-2, not {pick!r}")
    if not to.parent.is_dir():
        raise Wrong(f"there is no folder {to.parent} for {to.name}: make it, or name another file")
    settings = Settings(
        space=space,
        data=data,
        test_data=test_data,
        training=tuple(train or ()),
        fidelity=options.fidelity(
            epochs=epochs,
            channels=channels,
            cells=cells,
            batch_size=batch_size,
            learning_rate=learning_rate,
            resolution=resolution,
        ),
        workers=workers,
        seed=seed,
        metric=metric,
    )
    try:
        plan = recipe_plan.Plan.of(settings, to, references, repeats, knob or (), quiet=quiet)
        found = recipe_plan.found(plan, trials, cheaper, pick)
    except (Interrupted, KeyboardInterrupt):
        say(f"interrupted; what is finished is in {to.stem}-study, the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    found.written.write(to)
    recipe_report.tell(found, to, plan.folder, as_json=as_json)
