"""Citations and figures of the catalogue: each belongs to a method, and each figure is a committed finding."""

from __future__ import annotations

import re

import pytest

from morphogen import catalog, evidence
from morphogen.catalog.citations import CITED, REFERENCES
from morphogen.catalog.figures import FIGURES

NAMES = {(entry.kind, entry.name) for entry in catalog.entries()}


def test_citations_and_figures_are_of_methods_that_there_are() -> None:
    assert CITED.keys() <= NAMES and FIGURES.keys() <= NAMES


def test_every_reference_is_cited_and_every_citation_has_a_reference() -> None:
    assert {key for keys in CITED.values() for key in keys} == REFERENCES.keys()
    for key, text in REFERENCES.items():
        year = re.search(r"\d{4}", key)
        assert year is not None and year[0] in text and text.endswith("."), key


@pytest.mark.parametrize(
    "entry", [e for e in catalog.entries() if e.source], ids=lambda e: f"{e.kind} {e.name}"
)
def test_a_source_and_its_citation_name_the_same_papers(entry: catalog.Entry) -> None:
    for author, year in re.findall(r"([A-Z]\w+)(?: et al\.| and [A-Z]\w+)? (\d{4})", entry.source):
        plain = entry.citation.replace("Kadlecová", "Kadlecova")
        assert any(author in line and year in line for line in plain.splitlines()), f"{author} {year}"


@pytest.mark.parametrize("name", FIGURES, ids=" ".join)
def test_a_figure_is_a_committed_finding(name: tuple[str, str]) -> None:
    figure = catalog.find(*name).figure
    assert figure is not None
    found = evidence.committed(figure.claim)
    assert found is not None, figure.claim
    assert figure.finding in {finding.name for finding in found.findings}


def test_a_citation_is_the_papers_one_a_line() -> None:
    lines = catalog.find("strategy", "reinforce").citation.splitlines()
    assert [line.split(".")[0] for line in lines] == ["Ronald J", "Barret Zoph and Quoc V"]
    assert catalog.find("estimator", "training").citation == ""
