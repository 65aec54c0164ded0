"""Benchmarks: spaces in which the truth is known from real tables."""

from morphogen.benchmarks.benchmark import Benchmark, OwnTable
from morphogen.benchmarks.bpe import BPE
from morphogen.benchmarks.ecnas101 import ECNAS101
from morphogen.benchmarks.files import BadTable, MissingData
from morphogen.benchmarks.nasbench201 import NASBench201
from morphogen.benchmarks.nasbench301 import NASBench301
from morphogen.benchmarks.nasbench_graph import NASBenchGraph
from morphogen.benchmarks.nasbench_nlp import NASBenchNLP
from morphogen.benchmarks.transbench101_macro import TransBench101Macro

__all__ = [
    "BPE",
    "ECNAS101",
    "BadTable",
    "Benchmark",
    "MissingData",
    "NASBench201",
    "NASBench301",
    "NASBenchGraph",
    "NASBenchNLP",
    "OwnTable",
    "TransBench101Macro",
]
