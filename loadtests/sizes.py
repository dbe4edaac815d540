"""How large a market is before the load begins: of a demonstration, a city, a nation."""

from dataclasses import dataclass, replace

BYTES_A_USE = 2_700
"""On disk, with its trade, audit event, entry, legs and leaves: a city of a million uses had 2.5 GiB on 2026-11-21."""


@dataclass(frozen=True)
class Size:
    """A simulated year with so many enterprises and trades, so many times over, brought to so many uses; and who comes."""

    enterprises: int
    trades: int
    uses: int
    users: int
    times: int = 1

    def part(self, of: int) -> "Size":
        """So small a part of it: fewer cities, of fewer uses; the simulated year stays whole."""
        return replace(self, times=max(1, self.times // of), uses=self.uses // of)


SIZES = {
    "demo": Size(enterprises=60, trades=2_000, uses=0, users=20),
    "city": Size(enterprises=500, trades=5_000, uses=1_000_000, users=40),
    "nation": Size(enterprises=500, trades=5_000, uses=100_000_000, users=100, times=100),
}
"""A city of 500 merchants offers a thousand products (simulation/shapes.yaml); a nation is a hundred such cities."""
