"""What a verification finds."""

from dataclasses import asdict, dataclass
from uuid import UUID

from datamarket.foundation.states import Labelled


class Flaw(Labelled):
    """In which way the log and the rows disagree."""

    LEAF_ROW = "leaf-row", "记录被改动或删除，与叶子不符", "a row was changed or is gone: its leaf is another"
    LEAF_TWICE = "leaf-twice", "同一记录被封存两次", "a row was sealed twice"
    LEAVES_MISSING = "leaves-missing", "叶子缺失或多余", "leaves are missing, or beyond the last block"
    ROW_UNSEALED = "row-unsealed", "水位线以下的记录没有叶子", "a row below the watermark has no leaf"
    STRAY = "stray", "分录行不属于任何分录", "a leg belongs to no entry"
    NODE = "node", "子树根与叶子不符", "a stored node is not the root of its subtree"
    BLOCK_CHAIN = "block-chain", "区块与前一区块不相接", "a block does not stand on the one before"
    BLOCK_ROOT = "block-root", "区块的根与叶子不符", "the root of a block is not that of its leaves"
    BLOCK_SIGNATURE = (
        "block-signature",
        "检查点签名与区块不符",
        "a checkpoint does not sign what its block says",
    )
    OUTSIDE_SIGNATURE = (
        "outside-signature",
        "库外检查点的签名无效",
        "a checkpoint kept outside is not signed by the key",
    )
    OUTSIDE_LONGER = (
        "outside-longer",
        "库外检查点比日志更长：尾部被截去",
        "a checkpoint kept outside is ahead: the tail was cut",
    )
    OUTSIDE_ROOT = (
        "outside-root",
        "库外检查点的根与日志不符：历史被改写",
        "a checkpoint kept outside has another root: history was rewritten",
    )
    OUTSIDE_ROWS = (
        "outside-rows",
        "库外位置所列的已确认写入不在库中：已丢失",
        "rows that a position kept outside names are not there: they were lost",
    )


@dataclass(frozen=True)
class Disagreement:
    """One disagreement; `index`, `kind` and `id` name the leaf where it is about one."""

    flaw: Flaw
    name: str
    index: int | None = None
    kind: str | None = None
    id: UUID | None = None


@dataclass(frozen=True)
class AcceptedLoss:
    """What was lost, as far as the outside knew, and who accepted it; the sealing key has signed this.

    `kept` leaves were there, of up to `sealed` that checkpoints outside told of; `rows` beyond these, and `unnamed` more,
    were written by `until`; what was written before `since` is not concerned. `notes` are the digests of what told of it.
    """

    epoch: int
    kept: int
    sealed: int
    rows: tuple[str, ...]
    unnamed: int
    since: str | None
    until: str | None
    timeline: str | None
    lsn: str | None
    notes: tuple[str, ...]
    people: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """The outcome: how much was looked at, and what is wrong, in the order of the leaves."""

    ledger_id: int
    leaves: int
    root: bytes
    blocks: int
    outside: int
    findings: tuple[Disagreement, ...]
    accepted: tuple[AcceptedLoss, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.findings

    @property
    def first_bad_leaf(self) -> Disagreement | None:
        """The lowest leaf that is not what its row makes."""
        return next((one for one in self.findings if one.index is not None), None)

    def as_json(self) -> dict[str, object]:
        """For a program to read."""
        first = self.first_bad_leaf
        return {
            "ledger_id": self.ledger_id,
            "holds": self.holds,
            "leaves": self.leaves,
            "root": self.root.hex(),
            "blocks": self.blocks,
            "outside": self.outside,
            "first_bad_leaf": None if first is None else _told(first),
            "findings": [_told(finding) for finding in self.findings],
            "accepted": [asdict(loss) for loss in self.accepted],
        }


def _told(finding: Disagreement) -> dict[str, object]:
    zh, en = finding.flaw.labels
    return asdict(finding) | {"id": finding.id and str(finding.id), "zh": zh, "en": en}
