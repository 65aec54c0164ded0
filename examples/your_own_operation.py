"""A space with an operation of your own: its shape, its exact cost and its torch module in one class."""

from dataclasses import dataclass

import morphogen as mg
from morphogen.networks import OPERATIONS, Cost, Operation
from morphogen.networks.layers import Layer


@dataclass(frozen=True)
class Gate(Layer):
    """Weighs the channels of a map by its own averages: one linear layer and a sigmoid."""

    def measure(self, shape):
        """Return the shape that comes out, parameters and multiply-adds."""
        return shape, Cost(shape.channels**2 + shape.channels, shape.channels**2)

    def module(self, shape):
        """Return the torch module for maps of this shape."""
        import torch

        class Gated(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = torch.nn.Linear(shape.channels, shape.channels)

            def forward(self, x):
                return x * self.linear(x.mean(dim=(2, 3))).sigmoid()[:, :, None, None]

        return Gated()


OPERATIONS["gate"] = Operation("gate", "channels weighed by their averages", Gate())

space = mg.Space.from_text(
    """
    NET -> chain(CELL, resblock, CELL)
    CELL -> cell(OP, OP, OP)
    OP -> zero | identity | conv3x3 | gate
    require connected
    """,
    "gated",
)

if __name__ == "__main__":
    architecture = space.parse("chain(cell(conv3x3, zero, gate), resblock, cell(gate, zero, conv3x3))")
    network = mg.networks.build(architecture, inputs=(1, 8, 8), classes=10)
    assert mg.networks.cost(architecture, (1, 8, 8), 10).parameters == sum(
        p.numel() for p in network.parameters()
    )
    training = mg.estimators.Training(mg.load_data("digits"), epochs=1, channels=4)
    study = mg.search(space, mg.strategies.RandomSearch(), training, limit=mg.Limit(trials=4))
    print(f"{space.count():,} networks; best of 4: {study.best().estimate.values['accuracy']:.2f}")
    print(study.best().architecture)
