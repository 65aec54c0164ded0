"""Morphogen finds neural network architectures: grammar spaces, search strategies, estimators, evidence."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from morphogen import catalog, estimators, networks, pools, spaces, strategies
    from morphogen.architecture import Architecture
    from morphogen.classifier import NASClassifier
    from morphogen.estimators.estimator import Estimator
    from morphogen.estimators.function import estimator
    from morphogen.networks.data import ImageData
    from morphogen.networks.data import load as load_data
    from morphogen.records import Estimate, Fidelity, Metric, Proposal, Trial
    from morphogen.seeding import stream
    from morphogen.spaces.space import Space
    from morphogen.strategies.strategy import Strategy
    from morphogen.study.limits import Limit
    from morphogen.study.loop import search
    from morphogen.study.study import Study

__version__ = "0.1.0"

# Name -> where it is; a place without a colon is a module. Nothing is imported before it is asked for.
_PLACES = {
    **{room: f"morphogen.{room}" for room in ("catalog", "estimators", "networks", "pools")},
    **{room: f"morphogen.{room}" for room in ("spaces", "strategies")},
    "Architecture": "morphogen.architecture:Architecture",
    "Estimate": "morphogen.records:Estimate",
    "Estimator": "morphogen.estimators.estimator:Estimator",
    "Fidelity": "morphogen.records:Fidelity",
    "ImageData": "morphogen.networks.data:ImageData",
    "Limit": "morphogen.study.limits:Limit",
    "Metric": "morphogen.records:Metric",
    "NASClassifier": "morphogen.classifier:NASClassifier",
    "Proposal": "morphogen.records:Proposal",
    "Space": "morphogen.spaces.space:Space",
    "Strategy": "morphogen.strategies.strategy:Strategy",
    "Study": "morphogen.study.study:Study",
    "Trial": "morphogen.records:Trial",
    "estimator": "morphogen.estimators.function:estimator",
    "load_data": "morphogen.networks.data:load",
    "search": "morphogen.study.loop:search",
    "stream": "morphogen.seeding:stream",
}

__all__ = [
    "Architecture",
    "Estimate",
    "Estimator",
    "Fidelity",
    "ImageData",
    "Limit",
    "Metric",
    "NASClassifier",
    "Proposal",
    "Space",
    "Strategy",
    "Study",
    "Trial",
    "__version__",
    "catalog",
    "estimator",
    "estimators",
    "load_data",
    "networks",
    "pools",
    "search",
    "spaces",
    "strategies",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'morphogen' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    found = import_module(module)
    value = getattr(found, attribute) if attribute else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
