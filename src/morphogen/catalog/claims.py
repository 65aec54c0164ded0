"""Every claim that has an experiment in `evidence`, in one line each, and whose claim it is."""

from __future__ import annotations

from typing import Final

from .entry import Entry


def _claim(name: str, line: str, source: str = "") -> Entry:
    return Entry("evidence", name, f"morphogen.evidence.{name}:ENTRY", line, source)


CLAIMS: Final = (
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
        "export_equivalence",
        "ONNX and PyTorch source give the logits of the network they were made of, in every image space",
    ),
    _claim(
        "search_baselines",
        "random search, evolution and local search reach their known regrets on NAS-Bench-201",
        "Real et al. 2019; White et al. 2021; Dong and Yang 2020",
    ),
    _claim(
        "nsga2_frontier",
        "NSGA-II comes nearer to exact frontiers of accuracy and latency than random search",
        "Deb et al. 2002 (NSGA-II)",
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
        "fade_convolutions",
        "ranks of regions of convolution modules against the truth about all their paths",
        "Neumeyer et al. 2024 (FaDE)",
    ),
    _claim(
        "fade_beyond",
        "ranks of other regions: other sets, convolutions on MNIST and CIFAR-10, three positions",
        "Neumeyer et al. 2024 (FaDE)",
    ),
    _claim(
        "fade_search",
        "what pseudo-gradient evolution owes to its ranks, beside random regions and other searches",
        "Neumeyer et al. 2024 (FaDE); the outer search is our reconstruction",
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
    _claim(
        "bpe_cell_split",
        "pruning against random recipes of equal cost: what each picks, judged on cells it never saw",
        "Zheng et al. 2020 (BPE)",
    ),
    _claim(
        "bpe_digits",
        "cheap recipes found by pruning, against random recipes and full training stopped early, on digits",
        "Zheng et al. 2020 (BPE)",
    ),
    _claim(
        "bpe_transfer",
        "cheap recipes found on digits, used as they are for other networks on 14x14 MNIST",
        "Zheng et al. 2020 (BPE)",
    ),
    _claim(
        "bpe_open_search",
        "searches that make their own networks, by a cheap recipe and with full training: seconds to an equal loss",
        "Zheng et al. 2020 (BPE)",
    ),
    _claim(
        "bpe_search_speedup",
        "cheap guided queries, last candidates in full: seconds until a top cell is known, against full training",
        "Zheng et al. 2020 (BPE); Mauch et al. 2020; Dong and Yang 2020",
    ),
    _claim(
        "reinforce_mechanics",
        "the gradient of its policy is exact; its regrets on a real table, its entropy, and what noise teaches it",
        "Williams 1992; Dong and Yang 2020",
    ),
)
"""Every claim, in the order in which they are shown."""
