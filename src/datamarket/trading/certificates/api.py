"""/trades/{id}/certificate"""

from uuid import UUID

from pydantic import Field

from datamarket.auth.access import ReadMarket
from datamarket.evidence.log.api import InclusionOut, SealedLog
from datamarket.foundation.db import driver
from datamarket.foundation.errors import NotFound
from datamarket.foundation.http import LedgerId, Reading, Shape, SliceRouter
from datamarket.ledger.books import queries as ledger
from datamarket.ledger.terms import EntryKind
from datamarket.trading import queries as trades
from datamarket.trading.api import TradeOut
from datamarket.trading.certificates import queries

router = SliceRouter(prefix="/trades", tags=["trading"])


class CertificateOut(Shape):
    """What the market attests: the trade as it is now, and the entry that settled it with its digest.

    `number`, `proof` and `note` are null until the log has sealed it, some seconds after the trade;
    `tools/verify_evidence.py certificate` checks the whole answer offline.
    """

    number: str | None = Field(
        description="by its place in the ledger's log", examples=["TC370200-2024-000000000817"]
    )
    trade: TradeOut
    entry_id: UUID | None = Field(description="null for a free trade: nothing was posted")
    entry_digest: str | None
    title_zh: str = "数据交易凭证"
    title_en: str = "Data transaction certificate"
    proof: InclusionOut | None = Field(description="of the entry; of a free trade, of its audit event")
    note: str | None = Field(description="number, trade, entry and leaf, signed by the key of /evidence/key")


@router.get("/{trade_id}/certificate", summary="The certificate of a trade", responses={409: {}})
async def certificate(
    actor: ReadMarket, ledger_id: LedgerId, session: Reading, log: SealedLog, trade_id: UUID
) -> CertificateOut:
    trade = await trades.get_trade(session, trade_id, visible_to=actor)
    connection, told = await driver(session), TradeOut.of(trade)
    entry_id = await ledger.entry_of(connection, ledger_id, "trade", trade.id, EntryKind.SETTLEMENT)
    if entry_id is None and trade.amount_fen:
        raise NotFound(thing="entry")
    digest = None
    if entry_id is not None:
        entry, _ = await ledger.get_entry(session, ledger_id, entry_id, visible_to=actor)
        digest = entry.digest.hex()
    facts = {
        "trade": told.model_dump(mode="json"),
        "entry_id": entry_id and str(entry_id),
        "entry_digest": digest,
    }
    certified = await queries.certify(connection, log, trade, entry_id, facts)
    return CertificateOut(
        number=certified and certified.number,
        trade=told,
        entry_id=entry_id,
        entry_digest=digest,
        proof=certified and InclusionOut.of(certified.proof, ledger_id),
        note=certified and certified.note,
    )
