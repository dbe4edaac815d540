"""Reading what a certificate attests, and having it signed."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from datamarket.evidence import queries as evidence
from datamarket.evidence.log.proofs import Inclusion, NothingSealed, NotSealedYet, prove_inclusion
from datamarket.evidence.log.sealing import Sealer
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Connection, there
from datamarket.trading.tables import TradeRow


class Certified(NamedTuple):
    """A certificate's number, the proof of what it certifies, and the note that signs all of it."""

    number: str
    proof: Inclusion
    note: str


async def certify(
    connection: Connection, sealer: Sealer, trade: TradeRow, entry_id: UUID | None, facts: Mapping[str, Any]
) -> Certified | None:
    """The facts as they are now, attested; None while the row is not sealed, which takes seconds. Raises NotFound.

    The row is the entry that settled the trade, or, of a free one, the audit event that recorded it.
    """
    row_id = entry_id or there(await evidence.find_event(connection, trade.id, "trading.record"), "entry")
    try:
        proof = await prove_inclusion(connection, sealer.ledger_id, sealer.sources, row_id, None)
    except (NothingSealed, NotSealedYet):
        return None
    number = f"TC{sealer.ledger_id}-{business_date(trade.occurred_at).year}-{proof.index:012}"
    row = {"kind": proof.kind, "id": str(proof.id), "xid": proof.xid, "digest": proof.digest.hex()}
    leaf = {"index": proof.index, "leaf": row | {"ledger_id": sealer.ledger_id}}
    text = text_of(sealer.notary.origin, {"number": number, **facts, **leaf})
    return Certified(number, proof, sealer.notary.stamp(text))


def text_of(origin: str, facts: Mapping[str, Any]) -> str:
    """What is signed: the name of the log, then all facts in one line of JSON; no checkpoint or quote begins like it."""
    return f"{origin} certificate\n{orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()}\n"
