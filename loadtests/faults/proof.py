"""What one proof found: the claim, whether it held, and whether its control noticed a market without the guard."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Proof:
    """A claim counts only while its control fails: a proof that cannot fail proves nothing."""

    id: str
    claim: str
    holds: bool
    figures: dict[str, object] = field(default_factory=dict)
    control: dict[str, object] = field(default_factory=dict)
    control_notices: bool = False
    not_shown: str | None = None
    """Why this machine cannot run the experiment: that proves nothing, for or against."""

    @property
    def stands(self) -> bool:
        return self.holds and self.control_notices

    @property
    def verdict(self) -> str:
        """For who reads."""
        if self.not_shown is not None:
            return f"NOT SHOWN HERE ({self.not_shown})"
        return "stands" if self.stands else "DOES NOT STAND"

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"stands": self.stands}
