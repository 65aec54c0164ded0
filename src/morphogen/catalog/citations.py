"""The papers behind the methods, as full references, and which method rests on which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REFERENCES: Final[Mapping[str, str]] = {
    "abdelfattah2021": "Mohamed S. Abdelfattah, Abhinav Mehrotra, Łukasz Dudziak and Nicholas D. Lane. "
    "Zero-Cost Proxies for Lightweight NAS. ICLR 2021.",
    "bakhtiarifard2022": "Pedram Bakhtiarifard, Christian Igel and Raghavendra Selvan. "
    "EC-NAS: Energy Consumption Aware Tabular Benchmarks for Neural Architecture Search. arXiv:2210.06015, 2022.",
    "breiman2001": "Leo Breiman. Random Forests. Machine Learning 45, 2001.",
    "burges2005": "Chris Burges, Tal Shaked, Erin Renshaw, Ari Lazier, Matt Deeds, Nicole Hamilton and "
    "Greg Hullender. Learning to Rank Using Gradient Descent. ICML 2005.",
    "deb2002": "Kalyanmoy Deb, Amrit Pratap, Sameer Agarwal and T. Meyarivan. A Fast and Elitist Multiobjective "
    "Genetic Algorithm: NSGA-II. IEEE Transactions on Evolutionary Computation 6(2), 2002.",
    "dong2020": "Xuanyi Dong and Yi Yang. NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture "
    "Search. ICLR 2020.",
    "duan2021": "Yawen Duan, Xin Chen, Hang Xu, Zewei Chen, Xiaodan Liang, Tong Zhang and Zhenguo Li. "
    "TransNAS-Bench-101: Improving Transferability and Generalizability of Cross-Task Neural Architecture Search. "
    "CVPR 2021.",
    "dudziak2020": "Łukasz Dudziak, Thomas Chau, Mohamed S. Abdelfattah, Royson Lee, Hyeji Kim and "
    "Nicholas D. Lane. BRP-NAS: Prediction-based NAS using GCNs. NeurIPS 2020.",
    "geurts2006": "Pierre Geurts, Damien Ernst and Louis Wehenkel. Extremely Randomized Trees. "
    "Machine Learning 63, 2006.",
    "hutter2014": "Frank Hutter, Holger Hoos and Kevin Leyton-Brown. An Efficient Approach for Assessing "
    "Hyperparameter Importance. ICML 2014.",
    "kadlecova2024": "Gabriela Kadlecová, Jovita Lukasik, Martin Pilát, Petra Vidnerová, Mahmoud Safari, "
    "Roman Neruda and Frank Hutter. Surprisingly Strong Performance Prediction with Neural Graph Features. "
    "ICML 2024.",
    "ke2017": "Guolin Ke, Qi Meng, Thomas Finley, Taifeng Wang, Wei Chen, Weidong Ma, Qiwei Ye and Tie-Yan Liu. "
    "LightGBM: A Highly Efficient Gradient Boosting Decision Tree. NIPS 2017.",
    "klyuchnikov2020": "Nikita Klyuchnikov, Ilya Trofimov, Ekaterina Artemova, Mikhail Salnikov, Maxim Fedorov and "
    "Evgeny Burnaev. NAS-Bench-NLP: Neural Architecture Search Benchmark for Natural Language Processing. "
    "arXiv:2006.07116, 2020.",
    "krishnakumar2022": "Arjun Krishnakumar, Colin White, Arber Zela, Renbo Tu, Mahmoud Safari and Frank Hutter. "
    "NAS-Bench-Suite-Zero: Accelerating Research on Zero Cost Proxies. NeurIPS 2022, Datasets and Benchmarks.",
    "li2019": "Liam Li and Ameet Talwalkar. Random Search and Reproducibility for Neural Architecture Search. "
    "UAI 2019.",
    "lin2021": "Ming Lin, Pichao Wang, Zhenhong Sun, Hesen Chen, Xiuyu Sun, Qi Qian, Hao Li and Rong Jin. "
    "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition. ICCV 2021.",
    "liu2019": "Hanxiao Liu, Karen Simonyan and Yiming Yang. DARTS: Differentiable Architecture Search. ICLR 2019.",
    "mauch2020": "Lukas Mauch et al. Efficient Sampling for Predictor-Based Neural Architecture Search. "
    "arXiv:2011.12043, 2020.",
    "mellor2021": "Joe Mellor, Jack Turner, Amos Storkey and Elliot J. Crowley. Neural Architecture Search without "
    "Training. ICML 2021.",
    "neumeyer2024": "Simon Neumeyer, Julian Stier and Michael Granitzer. Efficient NAS with FaDE on Hierarchical "
    "Spaces. IDA 2024; arXiv:2404.16218.",
    "qin2022": "Yijian Qin, Ziwei Zhang, Xin Wang, Zeyang Zhang and Wenwu Zhu. NAS-Bench-Graph: Benchmarking Graph "
    "Neural Architecture Search. NeurIPS 2022, Datasets and Benchmarks.",
    "rasmussen2006": "Carl Edward Rasmussen and Christopher K. I. Williams. Gaussian Processes for Machine "
    "Learning. MIT Press, 2006.",
    "real2019": "Esteban Real, Alok Aggarwal, Yanping Huang and Quoc V. Le. Regularized Evolution for Image "
    "Classifier Architecture Search. AAAI 2019.",
    "ru2021": "Binxin Ru, Xingchen Wan, Xiaowen Dong and Michael Osborne. Interpretable Neural Architecture Search "
    "via Bayesian Optimisation with Weisfeiler-Lehman Kernels. ICLR 2021.",
    "schrodi2023": "Simon Schrodi, Danny Stoll, Binxin Ru, Rhea Sukthanker, Thomas Brox and Frank Hutter. "
    "Construction of Hierarchical Neural Architecture Search Spaces based on Context-free Grammars. NeurIPS 2023.",
    "shervashidze2011": "Nino Shervashidze, Pascal Schweitzer, Erik Jan van Leeuwen, Kurt Mehlhorn and "
    "Karsten M. Borgwardt. Weisfeiler-Lehman Graph Kernels. Journal of Machine Learning Research 12, 2011.",
    "siems2020": "Julien Siems, Lucas Zimmer, Arber Zela, Jovita Lukasik, Margret Keuper and Frank Hutter. "
    "NAS-Bench-301 and the Case for Surrogate Benchmarks for Neural Architecture Search. arXiv:2008.09777, 2020.",
    "tanaka2020": "Hidenori Tanaka, Daniel Kunin, Daniel L. K. Yamins and Surya Ganguli. Pruning Neural Networks "
    "without Any Data by Iteratively Conserving Synaptic Flow. NeurIPS 2020.",
    "wei2022": "Chen Wei, Chuang Niu, Yiping Tang, Yue Wang, Haihong Hu and Jimin Liang. NPENAS: Neural Predictor "
    "Guided Evolution for Neural Architecture Search. IEEE Transactions on Neural Networks and Learning Systems, "
    "2022.",
    "wen2020": "Wei Wen, Hanxiao Liu, Yiran Chen, Hai Li, Gabriel Bender and Pieter-Jan Kindermans. Neural "
    "Predictor for Neural Architecture Search. ECCV 2020.",
    "white2021bananas": "Colin White, Willie Neiswanger and Yash Savani. BANANAS: Bayesian Optimization with Neural "
    "Architectures for Neural Architecture Search. AAAI 2021.",
    "white2021local": "Colin White, Sam Nolen and Yash Savani. Exploring the Loss Landscape in Neural Architecture "
    "Search. UAI 2021.",
    "white2021predictors": "Colin White, Arber Zela, Binxin Ru, Yang Liu and Frank Hutter. How Powerful are "
    "Performance Predictors in Neural Architecture Search? NeurIPS 2021.",
    "williams1992": "Ronald J. Williams. Simple Statistical Gradient-Following Algorithms for Connectionist "
    "Reinforcement Learning. Machine Learning 8, 1992.",
    "xu2020": "Yuhui Xu, Lingxi Xie, Xiaopeng Zhang, Xin Chen, Guo-Jun Qi, Qi Tian and Hongkai Xiong. PC-DARTS: "
    "Partial Channel Connections for Memory-Efficient Architecture Search. ICLR 2020.",
    "ying2019": "Chris Ying, Aaron Klein, Eric Christiansen, Esteban Real, Kevin Murphy and Frank Hutter. "
    "NAS-Bench-101: Towards Reproducible Neural Architecture Search. ICML 2019.",
    "zheng2020": "Xiawu Zheng, Rongrong Ji, Qiang Wang, Qixiang Ye, Zhenguo Li, Yonghong Tian and Qi Tian. "
    "Rethinking Performance Estimation in Neural Architecture Search. CVPR 2020.",
    "zoph2017": "Barret Zoph and Quoc V. Le. Neural Architecture Search with Reinforcement Learning. ICLR 2017.",
}
"""The references, by key; only such whose authors, title, place and year are certain."""

CITED: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("space", "cell201"): ("dong2020",),
    ("space", "hierarchical201"): ("schrodi2023",),
    ("space", "flat201"): ("schrodi2023",),
    ("space", "darts_cell"): ("liu2019",),
    ("space", "cell101"): ("ying2019",),
    ("space", "dag_chain"): ("neumeyer2024",),
    ("strategy", "random_search"): ("li2019",),
    ("strategy", "local_search"): ("white2021local",),
    ("strategy", "regularized_evolution"): ("real2019",),
    ("strategy", "nsga2"): ("deb2002",),
    ("strategy", "predictor_guided"): ("mauch2020",),
    ("strategy", "bananas"): ("white2021bananas",),
    ("strategy", "npenas"): ("wei2022",),
    ("strategy", "brp_nas"): ("dudziak2020",),
    ("strategy", "neural_predictor"): ("wen2020",),
    ("strategy", "pseudo_gradient_evolution"): ("neumeyer2024",),
    ("strategy", "one_shot"): ("liu2019",),
    ("strategy", "minimum_importance_pruning"): ("zheng2020", "hutter2014"),
    ("strategy", "reinforce"): ("williams1992", "zoph2017"),
    ("estimator", "fade"): ("neumeyer2024",),
    ("estimator", "darts"): ("liu2019", "xu2020"),
    ("estimator", "zero_cost"): ("abdelfattah2021", "mellor2021", "tanaka2020", "lin2021"),
    ("estimator", "rank_agreement"): ("zheng2020",),
    ("benchmark", "nasbench201"): ("dong2020",),
    ("benchmark", "transbench101_macro"): ("duan2021",),
    ("benchmark", "nasbench_graph"): ("qin2022",),
    ("benchmark", "nasbench301"): ("siems2020", "krishnakumar2022"),
    ("benchmark", "nasbench_nlp"): ("klyuchnikov2020",),
    ("benchmark", "ecnas101"): ("bakhtiarifard2022",),
    ("benchmark", "bpe"): ("zheng2020",),
    ("predictor", "gaussian_process"): ("rasmussen2006", "kadlecova2024"),
    ("predictor", "wl_kernel"): ("shervashidze2011", "ru2021"),
    ("predictor", "random_forest"): ("breiman2001",),
    ("predictor", "extra_trees"): ("geurts2006",),
    ("predictor", "boosting"): ("ke2017",),
    ("predictor", "mlp_ensemble"): ("white2021bananas",),
    ("predictor", "pairwise_ranker"): ("burges2005", "dudziak2020"),
    ("predictor", "graph_network"): ("wen2020",),
    ("evidence", "exact_counts"): ("dong2020", "ying2019", "liu2019", "schrodi2023"),
    ("evidence", "search_baselines"): ("real2019", "white2021local", "dong2020", "li2019"),
    ("evidence", "nsga2_frontier"): ("deb2002",),
    ("evidence", "predictor_search"): ("mauch2020", "white2021bananas"),
    ("evidence", "predictor_quality"): ("white2021predictors",),
    ("evidence", "sampling_gain"): ("mauch2020",),
    ("evidence", "darts_mechanics"): ("liu2019", "xu2020"),
    ("evidence", "fade_mechanics"): ("neumeyer2024",),
    ("evidence", "fade_linear_cost"): ("neumeyer2024",),
    ("evidence", "fade_planted"): ("neumeyer2024",),
    ("evidence", "fade_rank_correlation"): ("neumeyer2024",),
    ("evidence", "fade_convolutions"): ("neumeyer2024",),
    ("evidence", "fade_beyond"): ("neumeyer2024",),
    ("evidence", "fade_search"): ("neumeyer2024",),
    ("evidence", "zero_cost"): ("abdelfattah2021", "krishnakumar2022"),
    ("evidence", "bpe_replay"): ("zheng2020",),
    ("evidence", "bpe_cell_split"): ("zheng2020",),
    ("evidence", "bpe_digits"): ("zheng2020",),
    ("evidence", "bpe_transfer"): ("zheng2020",),
    ("evidence", "bpe_open_search"): ("zheng2020",),
    ("evidence", "bpe_search_speedup"): ("zheng2020", "mauch2020", "dong2020"),
    ("evidence", "reinforce_mechanics"): ("williams1992", "dong2020"),
}
"""The keys of a method's references, by its kind and name."""
