"""`init`: a small running project to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from morphogen.cli.errors import Wrong


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it must be empty.", show_default=False)],
    function: Annotated[
        bool, typer.Option("--function", help="With a training function of your own instead of images.")
    ] = False,
) -> None:
    """Write a small running project: a grammar, training, and a README with the commands."""
    from morphogen.cli import project

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Wrong(f"{folder} is there already and not empty: name a new folder")
    files = project.with_function() if function else project.with_data()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"wrote {', '.join(files)} into {folder}")
    print(f"Next: cd {folder} && {project.first_command(function)}")
