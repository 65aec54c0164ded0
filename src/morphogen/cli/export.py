"""`export`: a network of a study, trained, as files that anyone can load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from morphogen.cli import options
from morphogen.cli.errors import Failed, Wrong, note
from morphogen.cli.reading import open_study, running

if TYPE_CHECKING:
    from morphogen.records import Trial
    from morphogen.study import Study


def export(
    study: options.Study,
    to: Annotated[Path, typer.Option("--to", help="The folder to write into.", show_default=False)],
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="safetensors, onnx, source, card; all that is installed unless told.",
        ),
    ] = None,
    trial: Annotated[
        int | None, typer.Option("--trial", min=0, help="Of this trial; of the best one unless told.")
    ] = None,
    data: options.Data = None,
    final_epochs: Annotated[int | None, typer.Option(min=1, help="Train it anew for so many epochs.")] = None,
    seeds: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Train it with so many seeds, for an interval on the card."),
    ] = 1,
) -> None:
    """Write the best network, trained: safetensors, ONNX, PyTorch source and a model card.

    It is trained for longer than in the search unless that was done; every file is loaded back and compared.
    """
    from morphogen.cli.card import CARD, card, title
    from morphogen.cli.closing import final
    from morphogen.cli.exporting import Exporting, chosen
    from morphogen.cli.repeating import command
    from morphogen.cli.settings import Settings
    from morphogen.cli.winner import compare, copy, recorded, repeated

    wanted, left_out = chosen(formats or [])
    if to.exists() and not to.is_dir():
        raise Wrong(f"{to} is a file; --to names a folder")
    found = open_study(study)
    picked = _chosen(found, trial, study)
    settings = Settings.from_notes(found.notes, Path(study))
    if data is not None:
        settings = replace(settings, data=data, test_data=None)
    if final_epochs is not None:
        settings = replace(settings, final_epochs=final_epochs)
    if settings.benchmark is not None:
        raise Wrong(
            f"{study} searched the table {settings.benchmark}, whose networks were trained elsewhere: "
            "`morphogen search --data` finds one that can be exported"
        )
    _, training = settings.find_estimator()
    if training is None:
        raise Wrong(
            f"the networks of {study} are trained by {settings.estimator}, which cannot hand them over: "
            "name images with --data to train one here"
        )
    fidelity = settings.final(training)
    if running(found) and (seeds > 1 or recorded(found, picked.number, fidelity) is None):
        raise Failed(
            f"a search is writing {study}, and the network is still to be trained: "
            "wait for its end, or stop it with Ctrl-C (`morphogen resume` goes on with it)"
        )
    winner = final(found, picked, settings, training, Path(study), folder=to)
    repeats = repeated(found, picked, training, fidelity, seeds)
    images = training.data.at(fidelity.resolution)
    exporting = Exporting(found, picked, winner, images, to)
    test = winner.values
    print(
        f"trial {picked.number}: test accuracy {test['accuracy']:.2%}, {int(test['parameters']):,} parameters"
    )
    to.mkdir(parents=True, exist_ok=True)
    files = dict[str, str]()
    latency = None
    if "safetensors" in wanted:
        if winner.folder.resolve() != to.resolve():
            copy(winner, to)
        difference = compare(winner.folder, to, training, fidelity)
        files["weights.safetensors"] = "the weights"
        files["network.json"] = "what they belong to; `morphogen.networks.load` reads both from this folder"
        _say(to, "weights.safetensors", "")
        _say(to, "network.json", "")
        note(f"loaded back: its logits differ by {difference:.1g} at most")
        note(f'in Python: network = morphogen.networks.load("{to}")')
    if "onnx" in wanted:
        difference, latency = exporting.onnx()
        files["network.onnx"] = f"ONNX; its logits differ by {difference:.1g} at most from those of PyTorch"
        told = f"{latency.median:.3g} ms an image (median of {latency.repeats}, one pinned thread)"
        _say(to, "network.onnx", f"logits differ by {difference:.1g} at most; {told}")
    if "source" in wanted:
        difference = exporting.source(title(images))
        files["network.py"] = "PyTorch source that needs torch alone, with preprocessing and class names"
        files["network.pt"] = "its weights"
        _say(to, "network.py", f"logits differ by {difference:.1g} at most; python {to / 'network.py'} IMAGE")
        _say(to, "network.pt", "")
    if "card" in wanted:
        files[CARD] = "this card"
        text = card(
            found,
            picked,
            winner,
            images,
            repeats=repeats,
            latency=latency,
            files=files,
            command=command(settings, Path(study)),
        )
        (to / CARD).write_text(text, encoding="utf-8")
        _say(to, CARD, "the model card")
    if left_out:
        note(left_out)


def _say(folder: Path, name: str, about: str) -> None:
    print(f"{folder / name}{'  ' if about else ''}{about}")


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
