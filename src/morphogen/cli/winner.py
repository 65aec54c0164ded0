"""The winner of a search: trained anew on all that is not test, tested once, saved, and written down."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, final

from morphogen.cli.errors import Failed, note

if TYPE_CHECKING:
    from morphogen.estimators.training import Retrained, Training
    from morphogen.journal import Event
    from morphogen.networks.network import Network
    from morphogen.records import Fidelity, Trial
    from morphogen.study import Study

TOLERANCE: Final = 1e-4
"""By how much of the largest logit those of a network that was loaded back may differ."""


@final
@dataclass(frozen=True)
class Winner:
    """What the journal says of a retrained network.

    values: accuracy (a fraction) on the test split with its 95% interval from low to high, loss, the number
    of images tested, parameters, multiply_adds. folder: where the network is.
    """

    number: int
    fidelity: Mapping[str, Any]
    values: Mapping[str, float]
    folder: Path
    seconds: float

    @classmethod
    def of(cls, event: Event, study: Path) -> Self:
        """Read a "retrained" event of the journal in the file `study`."""
        folder = Path(os.path.normpath(study.parent / event["path"]))
        return cls(event["number"], event["fidelity"], event["values"], folder, event["spent"]["wall"])

    @property
    def exists(self) -> bool:
        """Whether its files are still there."""
        from morphogen.networks.saving import DESCRIPTION, WEIGHTS

        return (self.folder / DESCRIPTION).is_file() and (self.folder / WEIGHTS).is_file()


def recorded(study: Study, number: int, fidelity: Fidelity | None = None) -> Winner | None:
    """Return the newest network of trial `number` (trained so) that the journal knows and that is there."""
    path = Path(str(study.journal))
    for event in reversed(study.others):
        if event["kind"] != "retrained" or event["number"] != number:
            continue
        winner = Winner.of(event, path)
        # A folder may have been taken by a later winner.
        later = [e for e in study.others if e["kind"] == "retrained" and e["path"] == event["path"]]
        if winner.exists and later[-1] is event and fidelity in (None, _fidelity(winner)):
            return winner
    return None


def _fidelity(winner: Winner) -> Fidelity:
    from morphogen.records import Fidelity

    return Fidelity(**winner.fidelity)


def train(study: Study, trial: Trial, training: Training, fidelity: Fidelity, folder: Path) -> Winner:
    """Train the network of `trial` anew, test it once, save it in `folder`, and note it in the journal."""
    from morphogen.estimators.training import retrain
    from morphogen.networks import save
    from morphogen.seeding import stream

    found = retrain(trial.architecture, training, stream(study.seed, trial.number, "retrain"), fidelity)
    save(found.network, folder, _about(study, trial, training, fidelity, found))
    _compared(found.network, folder, training, fidelity)
    path = Path(str(study.journal))
    event = _noted("retrained", study, trial, fidelity, found, path=os.path.relpath(folder, path.parent))
    return Winner.of(event, path)


def repeated(study: Study, trial: Trial, training: Training, fidelity: Fidelity, seeds: int) -> list[float]:
    """Return the test accuracies of further trainings of a trial's network, trained until there are `seeds` in all.

    Their weights are not kept; the journal notes each, and none is trained twice.
    """
    from morphogen.estimators.training import retrain
    from morphogen.networks.training import Diverged
    from morphogen.seeding import stream

    same = {"kind": "repeated", "number": trial.number, "fidelity": fidelity.to_json()}
    known = {e["seed"]: e["values"]["accuracy"] for e in study.others if same.items() <= e.items()}
    for seed in range(1, seeds):
        if seed in known:
            continue
        note(f"training it with seed {seed + 1} of {seeds}")
        rng = stream(study.seed, trial.number, "retrain", seed)
        try:
            found = retrain(trial.architecture, training, rng, fidelity)
        except Diverged as error:
            raise Failed(
                f"with seed {seed + 1} the network could not be trained: {error} (--seeds 1)"
            ) from error
        _noted("repeated", study, trial, fidelity, found, seed=seed)
        known[seed] = found.accuracy
    return [known[seed] for seed in sorted(known)]


def _noted(
    kind: str, study: Study, trial: Trial, fidelity: Fidelity, found: Retrained, **more: Any
) -> dict[str, Any]:
    """Append a training to the journal, and return the event."""
    from morphogen.journal import Exclusive, open_journal

    event = {
        "kind": kind,
        "at": time.time(),
        "number": trial.number,
        "fidelity": fidelity.to_json(),
        "values": _values(found),
        **more,
        "spent": {"wall": round(found.seconds, 6)},
    }
    journal = open_journal(Path(str(study.journal)))
    with journal.lease() if isinstance(journal, Exclusive) else nullcontext():
        journal.append(event)
    return event


def copy(winner: Winner, folder: Path) -> None:
    """Write the network into another folder, with its description."""
    import json

    from morphogen.networks import load, save
    from morphogen.networks.saving import DESCRIPTION

    about = json.loads((winner.folder / DESCRIPTION).read_bytes())["about"]
    save(load(winner.folder), folder, about)


def compare(here: Path, there: Path, training: Training, fidelity: Fidelity) -> float:
    """Return by how much the logits of two saved networks differ; raise `Failed` where that is too much."""
    from morphogen.networks import load

    return _compared(load(here), there, training, fidelity)


def _compared(network: Network, folder: Path, training: Training, fidelity: Fidelity) -> float:
    import torch

    from morphogen.networks import load

    data = training.data.at(fidelity.resolution)
    images = (data.images[data.test[:8]].astype("float32") - data.mean[:, None, None]) / data.std[
        :, None, None
    ]
    with torch.inference_mode():
        given = torch.from_numpy(images)
        logits = [each.eval().cpu()(given) for each in (network, load(folder))]
    difference = float((logits[0] - logits[1]).abs().max())
    if not difference <= TOLERANCE * max(1.0, float(logits[0].abs().max())):
        raise Failed(
            f"the network loaded from {folder} is another one: its logits differ by {difference:.3g}"
        )
    return difference


def _values(found: Retrained) -> dict[str, float]:
    return {
        "accuracy": found.accuracy,
        "low": found.interval[0],
        "high": found.interval[1],
        "loss": found.loss,
        "tested": found.tested,
        "parameters": found.parameters,
        "multiply_adds": found.multiply_adds,
    }


def _about(
    study: Study, trial: Trial, training: Training, fidelity: Fidelity, found: Retrained
) -> dict[str, Any]:
    """Return what a reader of the saved network should know: whose it is, and what images it wants."""
    data = training.data.at(fidelity.resolution)
    return {
        "architecture": str(trial.architecture),
        "space": study.space.name,
        "trial": trial.number,
        "search": dict(trial.estimate.values) if trial.estimate else {},
        "trained": fidelity.to_json(),
        "test": _values(found),
        "data": data.name,
        "classes": list(data.classes),
        "normalization": {"mean": data.mean.tolist(), "std": data.std.tolist()},
    }
