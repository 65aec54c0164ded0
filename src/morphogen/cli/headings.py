"""The kinds of things that have a name, in the words of a user."""

from __future__ import annotations


def headings() -> dict[str, str]:
    """Return the kinds that there are: singular and plural words, each with its singular."""
    from morphogen.catalog import KINDS

    kinds = [*KINDS, "operation"]
    plural = {kind: f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s" for kind in kinds}
    plural["evidence"] = "evidence"
    return {kind: kind for kind in kinds} | {plural[kind]: kind for kind in kinds}
