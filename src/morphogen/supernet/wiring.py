"""How the parts of a region are wired: a topology of mixtures and cells."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from morphogen.supernet.fan import Fan
from morphogen.supernet.mixing import Mixture


class Wiring(nn.Module):
    """A topology of mixtures and cells: a node is the sum of what its edges bring, None where they bring nothing.

    shares: where edges are weighted too, one weight an edge, set before each pass.
    """

    def __init__(
        self, name: str, edges: Sequence[tuple[int, int]], parts: Sequence[nn.Module | None]
    ) -> None:
        super().__init__()
        self.name = name
        self.edges = list(edges)
        self.parts = nn.ModuleList(nn.Identity() if p is None else p for p in parts)
        self.nothing = [p is None for p in parts]
        self.shares: Tensor | None = None
        self.fans = self._fans()

    def _fans(self) -> dict[int, tuple[tuple[int, ...], Fan]]:
        """Return, for each node whose edges can be computed together, their numbers and how."""
        found = {}
        for node in dict.fromkeys(source for source, _ in self.edges):
            numbers = [
                i for i, (source, _) in enumerate(self.edges) if source == node and not self.nothing[i]
            ]
            mixtures = [part for i in numbers if isinstance(part := self.parts[i], Mixture)]
            if len(mixtures) == len(numbers) > 0 and Fan.fits(mixtures):
                found[node] = (tuple(numbers), Fan(mixtures))
        return found

    def forward(self, x: Tensor) -> Tensor | None:
        """Map a map to what reaches the last node."""
        nodes: dict[int, Tensor] = {1: x}
        fanned: dict[int, Tensor | None] = {}
        for number, (source, target) in enumerate(self.edges):
            if self.nothing[number] or source not in nodes:
                continue
            if number not in fanned and source in self.fans and self.fans[source][1].ready():
                numbers, fan = self.fans[source]
                fanned |= zip(numbers, fan(nodes[source]), strict=True)
            carried: Tensor | None
            carried = fanned[number] if number in fanned else self.parts[number](nodes[source])
            if carried is None:
                continue
            if self.shares is not None:
                carried = carried * self.shares[number]
            nodes[target] = nodes[target] + carried if target in nodes else carried
        return nodes.get(max(target for _, target in self.edges))
