"""`export`: a network of a study, trained, as files that anyone can load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from morphogen.cli import options
from morphogen.cli.errors import Failed, Wrong, note
from morphogen.cli.reading import open_study

if TYPE_CHECKING:
    from morphogen.records import Trial
    from morphogen.study import Study


def export(
    study: options.Study,
    to: Annotated[Path, typer.Option("--to", help="The folder to write into.", show_default=False)],
    trial: Annotated[
        int | None, typer.Option("--trial", min=0, help="Of this trial; of the best one unless told.")
    ] = None,
    data: options.Data = None,
    final_epochs: Annotated[int | None, typer.Option(min=1, help="Train it anew for so many epochs.")] = None,
) -> None:
    """Write the best network, trained: weights as safetensors, its description as JSON.

    It is trained for longer than in the search unless that was done; then it is loaded back and compared.
    """
    from morphogen.cli.closing import final
    from morphogen.cli.settings import Settings
    from morphogen.cli.winner import compare, copy

    found = open_study(study)
    chosen = _chosen(found, trial, study)
    settings = Settings.from_notes(found.notes, Path(study))
    if data is not None:
        settings = replace(settings, data=data, test_data=None)
    if final_epochs is not None:
        settings = replace(settings, final_epochs=final_epochs)
    if to.exists() and not to.is_dir():
        raise Wrong(f"{to} is a file; --to names a folder")
    _, training = settings.find_estimator()
    if training is None:
        raise Wrong(
            f"the networks of {study} are trained by {settings.estimator}, which cannot hand them over: "
            "name images with --data to train one here"
        )
    winner = final(found, chosen, settings, training, Path(study), folder=to)
    if winner.folder.resolve() != to.resolve():
        copy(winner, to)
    difference = compare(winner.folder, to, training, settings.final(training))
    test = winner.values
    print(
        f"trial {chosen.number}: test accuracy {test['accuracy']:.2%}, {int(test['parameters']):,} parameters"
    )
    print(to / "weights.safetensors")
    print(to / "network.json")
    note(f"loaded back: its logits differ by {difference:.1g} at most")
    note(f'in Python: network = morphogen.networks.load("{to}")')


def _chosen(study: Study, number: int | None, word: str) -> Trial:
    if number is None:
        try:
            return study.best()
        except LookupError as error:
            raise Failed(str(error)) from None
    trials = study.trials
    if number >= len(trials):
        raise Wrong(f"{word} has trials 0 to {len(trials) - 1}, not {number}")
    if trials[number].failed:
        raise Wrong(f"trial {number} failed; `morphogen why {word} {number}` says why")
    if trials[number].refused:
        raise Wrong(f"trial {number} was refused before training: {study.broken_by(trials[number])}")
    return trials[number]
