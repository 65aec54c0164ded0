"""The one file that names every method: what there is, in one line each, and where it comes from."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, final


class UnknownName(KeyError):
    """A name that is not in the catalogue."""

    def __str__(self) -> str:
        return str(self.args[0])


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """A method: its kind and name, where it is (`module:attribute`), one line about it, and its source.

    regions: whether a strategy proposes regions, or an estimator takes them.
    """

    kind: str
    name: str
    where: str
    line: str
    source: str = ""
    regions: bool = False

    def load(self) -> Any:
        """Import the method; nothing is imported before."""
        module, attribute = self.where.split(":")
        return getattr(import_module(module), attribute)


def _claim(name: str, line: str, source: str = "") -> Entry:
    return Entry("evidence", name, f"morphogen.evidence.{name}:ENTRY", line, source)


ENTRIES: Final = (
    Entry(
        "space",
        "digits_small",
        "morphogen.spaces.digits_small:digits_small",
        "small hierarchical networks for small images: two or three stages of three-edge cells",
    ),
    Entry(
        "space",
        "cell201",
        "morphogen.spaces.cell201:cell201",
        "one repeated cell of four nodes, five operations on each edge: 15,625 cells",
        "Dong and Yang 2020 (NAS-Bench-201)",
    ),
    Entry(
        "space",
        "hierarchical201",
        "morphogen.spaces.hierarchical201:hierarchical201",
        "macro topology, stages, cells and convolution blocks in one grammar: 10^375.85 networks",
        "Schrodi et al. 2023",
    ),
    Entry(
        "space",
        "flat201",
        "morphogen.spaces.flat201:flat201",
        "the flat control of hierarchical201: one shared, connected cell, macro fixed",
        "Schrodi et al. 2023",
    ),
    Entry(
        "space",
        "darts_cell",
        "morphogen.spaces.darts_cell:darts_cell",
        "a normal and a reduction cell of four nodes with two inputs each",
        "Liu et al. 2019 (DARTS)",
    ),
    Entry(
        "space",
        "cell101",
        "morphogen.spaces.cell101:cell101",
        "cells of at most seven vertices and nine edges, operations on vertices",
        "Ying et al. 2019 (NAS-Bench-101)",
    ),
    Entry(
        "space",
        "dag_chain",
        "morphogen.spaces.dag_chain:dag_chain",
        "chains of three modules, each an unlabelled DAG of two to five vertices",
        "Neumeyer et al. 2024 (FaDE)",
    ),
    Entry(
        "strategy",
        "random_search",
        "morphogen.strategies.random_search:RandomSearch",
        "draw independently of all results: the baseline",
        "Li and Talwalkar 2019",
    ),
    Entry(
        "strategy",
        "local_search",
        "morphogen.strategies.local_search:LocalSearch",
        "walk to the first better neighbour, start anew where there is none",
        "White et al. 2021",
    ),
    Entry(
        "strategy",
        "regularized_evolution",
        "morphogen.strategies.regularized_evolution:RegularizedEvolution",
        "breed from a tournament's winner, let the oldest die",
        "Real et al. 2019",
    ),
    Entry(
        "strategy",
        "predictor_guided",
        "morphogen.strategies.predictor_guided:PredictorGuided",
        "fit a predictor to all that is known, ask for the best of a pool by an acquisition",
        "Mauch et al. 2020 (reconstruction); settings measured here",
    ),
    Entry(
        "strategy",
        "bananas",
        "morphogen.strategies.predictor_guided:Bananas",
        "predictor_guided with perceptrons on path encodings and Thompson sampling of mutants",
        "White et al. 2021 (BANANAS)",
    ),
    Entry(
        "strategy",
        "npenas",
        "morphogen.strategies.predictor_guided:Npenas",
        "predictor_guided with a graph network that sifts the children of the best",
        "Wei et al. 2022 (NPENAS)",
    ),
    Entry(
        "strategy",
        "brp_nas",
        "morphogen.strategies.predictor_guided:BrpNas",
        "predictor_guided with a pairwise ranker: half of a round its favorites, half random",
        "Dudziak et al. 2020 (BRP-NAS)",
    ),
    Entry(
        "strategy",
        "neural_predictor",
        "morphogen.strategies.predictor_guided:NeuralPredictor",
        "predictor_guided with a graph network that learns 172 random architectures first",
        "Wen et al. 2020 (Neural Predictor)",
    ),
    Entry(
        "strategy",
        "pseudo_gradient_evolution",
        "morphogen.strategies.pseudo_gradient_evolution:PseudoGradientEvolution",
        "regions: replace weak candidates by what lies uphill of the ranks (our reconstruction)",
        "Neumeyer et al. 2024 (FaDE)",
        regions=True,
    ),
    Entry(
        "strategy",
        "minimum_importance_pruning",
        "morphogen.strategies.minimum_importance_pruning:MinimumImportancePruning",
        "cheap training recipes: fix the knob that matters least, at its cheapest value, and go on",
        "Zheng et al. 2020 (BPE); importances after Hutter et al. 2014 (fANOVA)",
    ),
    Entry(
        "strategy",
        "reinforce",
        "morphogen.strategies.reinforce:Reinforce",
        "policy gradient: logits over the choices of the grammar follow the rewards of samples",
        "Williams 1992; as a search strategy Zoph and Le 2017",
    ),
    Entry(
        "strategy",
        "listed",
        "morphogen.strategies.listed:Listed",
        "estimate every architecture of a list, or of a small space, in order",
    ),
    Entry(
        "estimator",
        "training",
        "morphogen.estimators.training:Training",
        "train the network and validate it",
    ),
    Entry(
        "estimator",
        "fade",
        "morphogen.estimators.fade:Fade",
        "rank the candidates of a region by the trained logits of supernets",
        "Neumeyer et al. 2024 (FaDE)",
        regions=True,
    ),
    Entry(
        "estimator",
        "zero_cost",
        "morphogen.estimators.zero_cost:ZeroCost",
        "score the network at initialization: synflow, naswot, snip, grad_norm, jacob_cov, zen, or its size",
        "Abdelfattah et al. 2021; Mellor et al. 2021; Tanaka et al. 2020; Lin et al. 2021",
    ),
    Entry(
        "estimator",
        "rank_agreement",
        "morphogen.estimators.rank_agreement:RankAgreement",
        "training recipes: how they rank reference architectures, compared with full training",
        "Zheng et al. 2020 (BPE)",
    ),
    Entry(
        "benchmark",
        "nasbench201",
        "morphogen.benchmarks.nasbench201:NASBench201",
        "all 15,625 cells of cell201, trained on CIFAR-10, CIFAR-100 and ImageNet16-120",
        "Dong and Yang 2020 (NAS-Bench-201)",
    ),
    Entry(
        "benchmark",
        "transbench101_macro",
        "morphogen.benchmarks.transbench101_macro:TransBench101Macro",
        "3,256 networks of four to six blocks on seven tasks",
        "Duan et al. 2021 (TransNAS-Bench-101)",
    ),
    Entry(
        "benchmark",
        "nasbench_graph",
        "morphogen.benchmarks.nasbench_graph:NASBenchGraph",
        "26,206 graph networks on eight node-classification data sets",
        "Qin et al. 2022 (NAS-Bench-Graph)",
    ),
    Entry(
        "benchmark",
        "nasbench301",
        "morphogen.benchmarks.nasbench301:NASBench301",
        "samples of 1,218 or 199 cells of darts_cell on four data sets (on CIFAR-10 of a surrogate model)",
        "Siems et al. 2020 (NAS-Bench-301); Krishnakumar et al. 2022",
    ),
    Entry(
        "benchmark",
        "nasbench_nlp",
        "morphogen.benchmarks.nasbench_nlp:NASBenchNLP",
        "recurrent cells on WikiText-2, with learning curves of 50 epochs",
        "Klyuchnikov et al. 2020 (NAS-Bench-NLP)",
    ),
    Entry(
        "benchmark",
        "ecnas101",
        "morphogen.benchmarks.ecnas101:ECNAS101",
        "cells of four or five vertices on CIFAR-10, with the energy of their training",
        "Bakhtiarifard et al. 2022 (EC-NAS)",
    ),
    Entry(
        "benchmark",
        "bpe",
        "morphogen.benchmarks.bpe:BPE",
        "32 training recipes, measured by how they rank 100 DARTS cells",
        "Zheng et al. 2020 (BPE)",
    ),
    _claim(
        "exact_counts",
        "spaces are counted exactly, sampled uniformly, and equal keys join exactly the isomorphic cells",
        "Dong and Yang 2020; Ying et al. 2019; Liu et al. 2019; Schrodi et al. 2023",
    ),
    _claim(
        "kill_and_resume",
        "a search killed again and again writes the journal of an uninterrupted one",
    ),
    _claim(
        "search_baselines",
        "random search, evolution and local search reach their known regrets on NAS-Bench-201",
        "Real et al. 2019; White et al. 2021; Dong and Yang 2020",
    ),
    _claim(
        "predictor_search",
        "predictor-guided search finds top networks of 18 real tables with few queries",
        "Mauch et al. 2020; White et al. 2021",
    ),
    _claim("predictor_quality", "how well predictors order networks they have not seen", "White et al. 2021"),
    _claim(
        "sampling_gain",
        "in rounds of ten, what a predictor gains over random search hangs on its pool",
        "Mauch et al. 2020 (reconstruction)",
    ),
    _claim(
        "darts_mechanics",
        "second order, derivation and partial channels of DARTS and PC-DARTS are exact",
        "Liu et al. 2019 (DARTS); Xu et al. 2020 (PC-DARTS)",
    ),
    _claim(
        "fade_mechanics",
        "supernets compute what their paths compute alone, and nothing that has no weight",
        "Neumeyer et al. 2024 (FaDE)",
    ),
    _claim(
        "fade_linear_cost",
        "a region costs module calls and time linear in depth, though it holds k^d paths",
        "Neumeyer et al. 2024 (FaDE)",
    ),
    _claim(
        "fade_planted",
        "a useful module among silent ones is ranked first, wherever it stands",
        "Neumeyer et al. 2024 (FaDE)",
    ),
    _claim(
        "fade_rank_correlation",
        "ranks of regions of linear modules against the truth about all their paths",
        "Neumeyer et al. 2024 (FaDE)",
    ),
    _claim(
        "zero_cost",
        "zero-cost scores of 50 cells of NAS-Bench-201 rank them as the published ones do",
        "Abdelfattah et al. 2021; Krishnakumar et al. 2022",
    ),
    _claim(
        "bpe_replay",
        "minimum-importance pruning finds its authors' order, front and correlations in their measurements",
        "Zheng et al. 2020 (BPE)",
    ),
    Entry(
        "predictor",
        "gaussian_process",
        "morphogen.predictors.gaussian_process:GaussianProcess",
        "a Gaussian process on blocks of graph features: quick, sure of its spread, made for search",
        "Rasmussen and Williams 2006; features after Kadlecova et al. 2024 (GRAF)",
    ),
    Entry(
        "predictor",
        "wl_kernel",
        "morphogen.predictors.wl_kernel:WLKernel",
        "a Gaussian process that compares neighbourhoods in graphs of any size",
        "Shervashidze et al. 2011; Ru et al. 2021 (NAS-BOWL)",
    ),
    Entry(
        "predictor",
        "random_forest",
        "morphogen.predictors.random_forest:RandomForest",
        "averaged trees on bootstrap samples of graph features",
        "Breiman 2001",
    ),
    Entry(
        "predictor",
        "extra_trees",
        "morphogen.predictors.extra_trees:ExtraTrees",
        "averaged trees that split graph features at random places",
        "Geurts et al. 2006",
    ),
    Entry(
        "predictor",
        "boosting",
        "morphogen.predictors.boosting:Boosting",
        "gradient boosted trees on graph features (LightGBM)",
        "Ke et al. 2017",
    ),
    Entry(
        "predictor",
        "mlp_ensemble",
        "morphogen.predictors.mlp_ensemble:MLPEnsemble",
        "multilayer perceptrons on graph features, trained side by side",
        "White et al. 2021 (BANANAS)",
    ),
    Entry(
        "predictor",
        "pairwise_ranker",
        "morphogen.predictors.pairwise_ranker:PairwiseRanker",
        "perceptrons whose loss sees the order of pairs only",
        "Burges et al. 2005; Dudziak et al. 2020 (BRP-NAS)",
    ),
    Entry(
        "predictor",
        "graph_network",
        "morphogen.predictors.graph_network:GraphNetwork",
        "graph convolutions over the vertices, forwards and backwards",
        "Wen et al. 2020 (Neural Predictor)",
    ),
    Entry(
        "predictor",
        "rank_ensemble",
        "morphogen.predictors.rank_ensemble:RankEnsemble",
        "the mean of a Gaussian process and boosted trees, on the scale of ranks",
    ),
)
"""Every method, by kind."""

KINDS: Final = tuple(dict.fromkeys(entry.kind for entry in ENTRIES))


def entries(kind: str | None = None) -> Iterator[Entry]:
    """Yield the entries of one kind, or all."""
    return (entry for entry in ENTRIES if kind in (None, entry.kind))


def find(kind: str, name: str) -> Entry:
    """Return the entry of a kind by its name.

    Raises:
        UnknownName: with the nearest name there is.
    """
    known = {entry.name: entry for entry in entries(kind)}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise UnknownName(f"there is no {kind} called {name!r}; {hint}")
    return known[name]
