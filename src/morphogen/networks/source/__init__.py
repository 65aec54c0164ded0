"""Networks as PyTorch source that a person could have written; nothing in it knows Morphogen."""

from morphogen.networks.source.faithful import Faithful, faithful_source
from morphogen.networks.source.file import Preparation, source_of, write_source
from morphogen.networks.source.layers import SourceError

__all__ = ["Faithful", "Preparation", "SourceError", "faithful_source", "source_of", "write_source"]
