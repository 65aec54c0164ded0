"""Search with a training function of your own: here a small PyTorch loop on scikit-learn's digits."""

import torch
from sklearn.datasets import load_digits

import morphogen as mg

digits = load_digits()
order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
images = torch.tensor(digits.images / 16, dtype=torch.float32)[order, None]
labels = torch.tensor(digits.target)[order]


@mg.estimator
def train(architecture, fidelity, rng):
    """Train for a moment; all randomness comes from rng, so that a trial can be repeated."""
    network = mg.networks.build(
        architecture, (1, 8, 8), classes=10, channels=8, seed=int(rng.integers(2**31))
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    for step in range(40):
        batch = slice(64 * (step % 20), 64 * (step % 20 + 1))
        loss = torch.nn.functional.cross_entropy(network(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.inference_mode():
        return float((network(images[1400:]).argmax(1) == labels[1400:]).float().mean())


if __name__ == "__main__":
    torch.set_num_threads(1)
    study = mg.search(mg.spaces.digits_small(), mg.strategies.RandomSearch(), train, limit=mg.Limit(trials=4))
    best = study.best()
    print(f"accuracy {best.estimate.values['accuracy']:.3f}: {best.architecture}")
