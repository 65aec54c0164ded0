"""Writing a page: whole or not at all, and never over what is no page of ours."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

MARK: Final = '<meta name="generator" content="Morphogen'
"""What each page has near its beginning."""


class NotOurs(Exception):
    """A file that stands where the page is to be written, and is no page."""


def write(text: str, path: Path) -> None:
    """Write a page to `path`; who reads the old one meanwhile has it whole.

    Raises:
        NotOurs: there is something else under that name.
        OSError: it cannot be written.
    """
    if path.exists() and not _ours(path):
        raise NotOurs(f"{path} exists and is no page of ours: name another file with --to")
    with NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}-", suffix=".part", delete=False, encoding="utf-8"
    ) as file:
        try:
            file.write(text)
            file.close()
            Path(file.name).chmod(0o666 & ~_umask())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    return not head or MARK.encode() in head


def _umask() -> int:
    """Return the mask that new files get; there is no way to ask but to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
