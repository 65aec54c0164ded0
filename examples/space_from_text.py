"""A space of your own as text: count it, draw from it, change an architecture, narrow the space."""

import morphogen as mg

GRAMMAR = """
NET -> chain(STAGE, resblock, STAGE)
STAGE -> BLOCK | residual(BLOCK, BLOCK, identity)
BLOCK -> cell(OP, OP, OP)
OP -> zero | identity | conv3x3 [2] | conv1x1
require connected
"""

space = mg.Space.from_text(GRAMMAR, "mine")
print(f"{space.count():,} networks, {space.count(weighted=True):,} weighted derivations")

first = space.sample(mg.stream(0, "first"))
print("drawn    ", first)
print("mutated  ", mg.spaces.mutate(space, first, mg.stream(0, "mutation")))
print("neighbors", sum(1 for _ in mg.spaces.neighbours(space, first)))

read = space.parse("chain(cell(conv3x3, zero, identity), resblock, cell(identity, conv1x1, zero))")
print("read     ", read, "with key", read.key[:12])
cost = mg.networks.cost(read, inputs=(3, 32, 32), classes=10)
print(f"costs     {cost.parameters:,} parameters, {cost.multiply_adds:,} multiply-adds")

part = space.region({(0,): [read.args[0], first.args[0]]}, at=read)
print("region   ", part.count(), "networks with one of two first stages")
