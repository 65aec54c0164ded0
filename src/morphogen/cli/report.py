"""`report`: a study as a page to look at; while the search runs, too."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from morphogen.cli import completion, options
from morphogen.cli.errors import INTERRUPTED, Wrong, note
from morphogen.cli.reading import open_study, plural, running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from morphogen.report import Words
    from morphogen.study import Study

BUSY: Final = 5
"""Making a live page takes at most one part in so many of the time."""


def report(
    study: options.Study,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="The page; study.html beside study.db unless told."),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            "--baseline",
            "-b",
            metavar="STUDY",
            help="A study by random search to hold this one against; several are pooled.",
            autocompletion=completion.studies,
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Write it anew while the search runs.")] = False,
    every: Annotated[int, typer.Option(min=1, metavar="SECONDS", help="How often, with --live.")] = 5,
) -> None:
    """Write a page on a study: verdict, charts, the best network drawn, all trials. It opens from disk.

    One HTML file that loads nothing else, for light and dark, print and phone.
    """
    found = open_study(study)
    beside = [_baseline(found, word) for word in baseline or ()]
    path = to or Path(study).with_suffix(".html")
    if path.is_dir():
        raise Wrong(f"{path} is a folder: name the page, such as --to {path / 'page.html'}")
    if not path.parent.is_dir():
        raise Wrong(f"there is no folder {path.parent} for the page: make it, or name another file")
    try:
        if live and running(found):
            _follow(found, beside, Path(study), path, every)
        else:
            if live:
                note(f"no search is running in {study}: the page is written once")
            _write(found, beside, Path(study), path)
    except KeyboardInterrupt:
        _write(found, beside, Path(study), path)
        print(path)
        raise typer.Exit(INTERRUPTED) from None
    print(path)


def _baseline(study: Study, word: str) -> Study:
    """Return the study of a baseline; refuse one that cannot be compared."""
    other = open_study(word)
    if other.space.fingerprint != study.space.fingerprint:
        raise Wrong(f"--baseline {word} searches {other.space.name}, not the same space {study.space.name}")
    if other.metric != study.metric:
        raise Wrong(f"--baseline {word} improves {other.metric.name}, not {study.metric.name}")
    if not other.strategy.startswith("RandomSearch("):
        raise Wrong(
            f"--baseline {word} is by {other.strategy.partition('(')[0]}: a baseline is by random search "
            f"(`morphogen report {study.journal}` shows a command that makes one)"
        )
    if other.estimator != study.estimator and not any(t.proposal.region for t in study.trials[:1]):
        raise Wrong(
            f"--baseline {word} is estimated by {other.estimator}, this study by {study.estimator}: "
            "only equal estimates compare"
        )
    return other


def _write(
    study: Study, baselines: Sequence[Study], path: Path, to: Path, refresh: int | None = None
) -> None:
    from morphogen.report import Missing, NotOurs, page, write

    try:
        write(page(study, baselines, _words(study, path, to, refresh)), to)
    except (Missing, NotOurs) as error:
        raise Wrong(str(error)) from None


def _words(study: Study, path: Path, to: Path, refresh: int | None) -> Words:
    """Return what the command line knows of a study and its journal does not say."""
    from morphogen.cli import repeating
    from morphogen.cli.settings import Settings
    from morphogen.cli.show import status
    from morphogen.networks.image_files import DataError
    from morphogen.report import Words

    try:
        settings = Settings.from_notes(study.notes, path)
    except Wrong:  # begun by a program
        return Words(status=status(study), refresh=refresh)
    baseline: tuple[str, ...] = ()
    # What a study of regions has cost is known at its end; a page that follows it does not read its images.
    if settings.strategy != "random_search" and not (refresh and study.regions):
        with suppress(Wrong, DataError):  # the images of a study of regions have gone
            baseline = repeating.baseline(settings, study, path, to)
    return Words(
        status=status(study),
        repeat=repeating.command(settings, path),
        baseline=baseline,
        refresh=refresh,
    )


def _follow(study: Study, baselines: Sequence[Study], path: Path, to: Path, every: int) -> None:
    """Write the page again and again until no search runs any more; the last one stands still."""
    note(f"{to} follows the search; Ctrl-C ends that, not the search")
    going = True
    while going:
        begun = time.monotonic()
        going = running(study)
        _write(study, baselines, path, to, refresh=every if going else None)
        taken = time.monotonic() - begun
        until = begun + max(every, BUSY * taken)
        while going and time.monotonic() < until and running(study):
            time.sleep(min(1.0, every))
    note(f"the search has ended after {plural(len(study.trials), 'trial')}")
