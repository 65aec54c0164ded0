"""The model card of an exported network: what it is for, how good, how large, how it was found, its limits."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from morphogen.cli.options import clock
from morphogen.cli.reading import number, plural

if TYPE_CHECKING:
    from morphogen.cli.winner import Winner
    from morphogen.networks.data import ImageData
    from morphogen.networks.onnx_file import Latency
    from morphogen.records import Trial
    from morphogen.study import Study

CARD: Final = "README.md"

MANY: Final = 20
"""Class names that a card lists at most."""


def card(
    study: Study,
    trial: Trial,
    winner: Winner,
    data: ImageData,
    *,
    repeats: Sequence[float] = (),
    latency: Latency | None = None,
    files: Mapping[str, str],
    command: str,
) -> str:
    """Return the card as Markdown.

    repeats: test accuracies of further trainings of the same architecture. files: names, with what they are.
    command: the search, to be typed again.
    """
    channels, height, width = data.shape
    test = winner.values
    images = f"{channels} x {height} x {width}"
    listed = ", ".join(data.classes[:MANY]) + (", ..." if len(data.classes) > MANY else "")
    rows = [
        ("task", f"classifies images ({images}: channels, height, width) into {len(data.classes)} classes"),
        ("classes", listed),
        ("data", f"{data.name}: {_split(data)}"),
        ("test accuracy", _accuracy(test, repeats)),
        ("parameters", number(test["parameters"])),
        ("multiply-adds", f"{number(test['multiply_adds'])} an image"),
    ]
    if latency is not None:
        rows.append(
            (
                "latency",
                f"{latency.median:.3g} ms an image with onnxruntime on one pinned thread of "
                f"{_machine()} (median of {latency.repeats}; quartiles {latency.low:.3g} and {latency.high:.3g})",
            )
        )
    parts = [
        f"# {title(data)}",
        "| | |\n|---|---|\n" + "\n".join(f"| {name} | {_cell(text)} |" for name, text in rows),
        "## Files",
        "\n".join(f"- `{name}`: {about}" for name, about in files.items()),
    ]
    if "network.py" in files:
        parts += ["## Use", _use(files)]
    parts += ["## How it was found", _found(study, trial, winner, command), "## Limits", _limits(data)]
    return "\n\n".join(parts) + "\n"


def title(data: ImageData) -> str:
    """Return what the network is, in a few words."""
    return f"A classifier of {data.name} images"


def _split(data: ImageData) -> str:
    sizes = (data.train.size, data.validation.size, data.test.size)
    return (
        f"{sizes[0]:,} images for training, {sizes[1]:,} for validation, {sizes[2]:,} for the test "
        f"(fingerprint {data.fingerprint})"
    )


def _accuracy(test: Mapping[str, float], repeats: Sequence[float]) -> str:
    one = (
        f"{test['accuracy']:.2%}; 95% interval {test['low']:.1%} to {test['high']:.1%}, binomial over the "
        f"{test['tested']:,.0f} test images (Wilson), for this one training"
    )
    if not repeats:
        return one
    from morphogen.analysis.intervals import mean_interval

    values = [test["accuracy"], *repeats]
    low, high, _ = mean_interval(values)
    return (
        f"{sum(values) / len(values):.2%} on average over {len(values)} seeds, 95% interval "
        f"{max(0, low):.1%} to {min(1, high):.1%} (Student); these weights: {one}"
    )


def _use(files: Mapping[str, str]) -> str:
    lines = [
        "`python network.py IMAGE ...` names the class of image files. From Python, with torch alone:",
        "```python\nfrom network import classify, load\n\nnetwork = load()\n"
        'print(classify("image.png", network))\n```',
    ]
    if "network.onnx" in files:
        lines.append(
            "`network.onnx` takes `images` [batch, channels, height, width], normalized as `normalize` in "
            "`network.py` does it, and gives `logits`; its metadata hold classes, mean and std."
        )
    return "\n\n".join(lines)


def _found(study: Study, trial: Trial, winner: Winner, command: str) -> str:
    trials = study.trials
    failed = sum(trial.failed for trial in trials)
    kind = "region" if trial.proposal.region else "trial"
    trained = ", ".join(f"{name} {value}" for name, value in winner.fidelity.items() if value is not None)
    rows = [
        ("space", study.space.name),
        ("strategy", study.strategy),
        ("estimator", study.estimator),
        (
            "search",
            f"{plural(len(trials), kind)}, {failed} failed, {clock(study.ledger.wall)}, seed {study.seed}",
        ),
        ("chosen", f"{kind} {trial.number}, by {study.metric.name} on the validation split"),
        ("trained anew", f"{trained}; {winner.seconds:.0f} s, on training and validation split"),
        ("written with", _versions()),
    ]
    table = "| | |\n|---|---|\n" + "\n".join(f"| {name} | {_cell(text)} |" for name, text in rows)
    return f"{table}\n\n```sh\n{command}\n```\n\nThe architecture:\n\n```\n{trial.architecture}\n```"


def _limits(data: ImageData) -> str:
    return "\n".join(
        (
            f"- It knows these {len(data.classes)} classes and gives one of them for any image; softmax is no "
            "calibrated probability.",
            f"- The accuracy is that of images like those of {data.name}; it was not tested on any others, nor on "
            "shifts of light, camera or framing.",
            "- The test split was read once a training, and no choice was made by it.",
            "- Nothing was checked of fairness, or of images made to mislead it.",
        )
    )


def _versions() -> str:
    from morphogen.study.events import versions

    return ", ".join(f"{name} {known}" for name, known in versions().items())


def _machine() -> str:
    """Return what the processor is called, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cell(text: str) -> str:
    """Return a text that does not end a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")
