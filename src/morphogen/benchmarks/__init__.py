"""Benchmarks: spaces in which the truth is known from real tables."""

from morphogen.benchmarks.benchmark import Benchmark
from morphogen.benchmarks.files import MissingData
from morphogen.benchmarks.nasbench201 import NASBench201

__all__ = ["Benchmark", "MissingData", "NASBench201"]
