"""The files of a new project, as `init` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SPACE: Final = """\
# A space of networks. Upper case derives, lower case builds; `morphogen list operations` shows what.
# chain: one after the other. residual(a, b, c): a and then b, beside c. cell(a, b, c): three nodes, a on
# the edge 1-2, b on 1-3, c on 2-3. An alternative may carry a weight: conv3x3 [2].

NET -> chain(STAGE, DOWN, STAGE)
STAGE -> BLOCK | chain(BLOCK, BLOCK) | residual(BLOCK, BLOCK, identity)
BLOCK -> cell(OP, OP, OP)
OP -> zero | identity | conv1x1 | conv3x3 | max_pool
DOWN -> resblock | max_pool_down

require connected
"""

SEARCH: Final = '''\
"""The same search as `morphogen search`, from Python: change the data, the space, the strategy."""

import morphogen as mg


def main() -> None:
    """Search, and show the best network."""
    space = mg.Space.from_file("space.txt")
    data = mg.load_data("digits")  # or an .npz file, a folder with one folder a class, IDX files
    study = mg.search(
        space,
        mg.strategies.RegularizedEvolution(population=8, tournament=3),
        mg.estimators.Training(data, epochs=3),
        "search.db",
        limit=mg.Limit(trials=12),
        pool=mg.pools.Processes(2),
    )
    for trial in study.frontier(["accuracy", "parameters"]):  # what no other network beats in both
        values = trial.estimate.values
        print(f"trial {trial.number}: accuracy {values['accuracy']:.3f}, {values['parameters']:,.0f} parameters")
    print(study.best("accuracy").architecture)


if __name__ == "__main__":  # worker processes import this file
    main()
'''

TRAIN: Final = '''\
"""A training function of your own: any code that scores an architecture."""

from functools import cache

import morphogen as mg
import torch
from sklearn.datasets import load_digits


@cache
def images():
    """Return images and labels: the first 1400 to train on, the rest to score."""
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
    pixels = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]
    labels = torch.tensor(digits.target)
    return pixels[order], labels[order]


@mg.estimator(metrics={"accuracy": "maximize", "parameters": "minimize"})
def train(architecture, fidelity, rng):
    """Train a network and return its metrics; all randomness comes from rng, so a trial can be repeated."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    x, y = images()
    network = mg.networks.build(architecture, inputs=(1, 8, 8), classes=10, seed=int(rng.integers(2**62)))
    optimizer = torch.optim.AdamW(network.parameters(), lr=fidelity.learning_rate or 3e-3)
    for _ in range(fidelity.epochs or 3):
        network.train()
        for batch in torch.randperm(1400, generator=generator).split(64):
            loss = torch.nn.functional.cross_entropy(network(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    with torch.inference_mode():
        right = (network(x[1400:]).argmax(1) == y[1400:]).float().mean()
    return {"accuracy": float(right), "parameters": sum(p.numel() for p in network.parameters())}
'''

DATA: Final = "--space space.txt --data digits --epochs 3"
FUNCTION: Final = "--space space.txt --estimator train.py:train"

WITH_NETWORKS: Final = (
    ("morphogen export study.db --to network", "the best network, trained, to take away"),
    ("python search.py", "the same search from Python, kept in search.db"),
)

README: Final = """\
# A search for networks

{about}

```sh
{commands}
```

Stop a search with Ctrl-C; the same command goes on with it.
"""


def commands(function: bool) -> str:
    """Return what can be typed in the project, in the order in which one would, with a word on each."""
    how = FUNCTION if function else DATA
    best = "" if function else ", and the best network in study-best/"
    lines = (
        ("morphogen count space.txt", "how many networks the grammar derives"),
        ("morphogen sample space.txt", "some of them"),
        (f"morphogen doctor {how}", "is training deterministic, how noisy, how long is a trial"),
        (first_command(function), f"the search: its story in study.db{best}"),
        ("morphogen show study.db", "trials, frontier, where the time went"),
        ("morphogen why study.db 3", "what became of trial 3"),
        ("morphogen report study.db", "a page to look at: study.html"),
        *(() if function else WITH_NETWORKS),
    )
    return "\n".join(f"# {about}\n{command}" for command, about in lines)


def with_data() -> Mapping[str, str]:
    """Return the files of a project that searches on images."""
    about = (
        "`space.txt` is the space, `search.py` a search from Python. `digits` are images that come along; put your\n"
        "own behind `--data`: a folder with one folder of images a class, an `.npz` file with `x` and `y`, IDX files."
    )
    readme = README.format(about=about, commands=commands(function=False))
    return {"README.md": readme, "space.txt": SPACE, "search.py": SEARCH}


def with_function() -> Mapping[str, str]:
    """Return the files of a project with its own training function."""
    about = "`space.txt` is the space, `train.py` the function that scores an architecture: make it your own."
    readme = README.format(about=about, commands=commands(function=True))
    return {"README.md": readme, "space.txt": SPACE, "train.py": TRAIN}


def first_command(function: bool) -> str:
    """Return what to type first."""
    return f"morphogen search {FUNCTION if function else DATA} --trials 12"
