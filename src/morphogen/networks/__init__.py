"""Networks: operations, exact costs, torch modules of architectures; torch is loaded by the first build."""

from morphogen.networks.building import build, cost
from morphogen.networks.operations import OPERATIONS, Operation, UnknownOperation, missing_operations
from morphogen.networks.saving import SavedNetworkError, load, save
from morphogen.networks.shapes import Cost, Shape, ShapeError
from morphogen.networks.skeleton import NetworkSpec

__all__ = [
    "OPERATIONS",
    "Cost",
    "NetworkSpec",
    "Operation",
    "SavedNetworkError",
    "Shape",
    "ShapeError",
    "UnknownOperation",
    "build",
    "cost",
    "load",
    "missing_operations",
    "save",
]
