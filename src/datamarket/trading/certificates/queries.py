"""Reading what a certificate attests, and having it signed."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from datamarket.evidence import queries as evidence
from datamarket.evidence.log.api import InclusionOut
from datamarket.evidence.log.proofs import NothingSealed, NotSealedYet, prove_inclusion
from datamarket.evidence.log.sealing import Sealer
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Connection, there
from datamarket.trading.tables import TradeRow


class Certified(NamedTuple):
    """A certificate's number, the proof of what it certifies, and the note that signs all of it."""

    number: str
    proof: InclusionOut
    note: str


async def certify(
    connection: Connection, sealer: Sealer, trade: TradeRow, entry_id: UUID | None, facts: Mapping[str, Any]
) -> Certified | None:
    """The facts as they are now, attested; None while the row is not sealed, which takes seconds. Raises NotFound.

    The row is the entry that settled the trade, or, of a free one, the audit event that recorded it.
    """
    row_id = entry_id or there(await evidence.find_event(connection, trade.id, "trading.record"), "entry")
    try:
        found = await prove_inclusion(connection, sealer.ledger_id, sealer.sources, row_id, None)
    except (NothingSealed, NotSealedYet):
        return None
    proof = InclusionOut.of(found, sealer.ledger_id)
    number = f"TC{sealer.ledger_id}-{business_date(trade.occurred_at).year}-{proof.index:012}"
    leaf = proof.model_dump(mode="json", include={"index", "leaf"})
    return Certified(
        number, proof, sealer.notary.stamp(text_of(sealer.notary.origin, {"number": number, **facts, **leaf}))
    )


def text_of(origin: str, facts: Mapping[str, Any]) -> str:
    """What is signed: the name of the log, then all facts in one line of JSON; no checkpoint or quote begins like it."""
    return f"{origin} certificate\n{orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()}\n"
