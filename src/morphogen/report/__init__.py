"""The page that a study is read on: one file, no connection needed."""

from morphogen.report.page import Missing, Words, page
from morphogen.report.writing import NotOurs, write

__all__ = ["Missing", "NotOurs", "Words", "page", "write"]
