"""Using what a contract authorises: metered, and written down with its audit event."""

from collections.abc import Sequence
from datetime import datetime

from datamarket.auth.terms import Actor
from datamarket.contracts.metering import meter, meter_all, writes_of_uses
from datamarket.contracts.terms import Demand, Use
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection
from datamarket.foundation.desks.writes import Write, write_together
from datamarket.foundation.errors import MarketError
from datamarket.foundation.ids import new_ids


async def record_uses(
    connection: Connection, wanted: Sequence[tuple[Actor, Demand]], *, now: datetime
) -> list[Use | MarketError]:
    """Authorise, meter and write down uses: one outcome per demand, in their order; a refused one counts nothing."""
    refusals = await meter(connection, [demand for _, demand in wanted], now=now)
    metered = [pair for pair, refusal in zip(wanted, refusals, strict=True) if refusal is None]
    uses, writes = _uses(metered, now)
    await write_together(connection, writes)
    following = iter(uses)
    return [next(following) if refusal is None else refusal for refusal in refusals]


async def plan_uses(
    _connection: Connection, wanted: Sequence[tuple[Actor, Demand]], *, now: datetime
) -> tuple[list[Use], list[Write]] | None:
    """Uses as they are when each is permitted, and the writes that are refused when one is not."""
    metered = meter_all([demand for _, demand in wanted])
    if metered is None:
        return None
    uses, writes = _uses(wanted, now)
    return uses, metered + writes


def _uses(metered: Sequence[tuple[Actor, Demand]], now: datetime) -> tuple[list[Use], list[Write]]:
    demands = [demand for _, demand in metered]
    ids = new_ids([demand.at for demand in demands])
    uses = [
        Use(use_id, d.contract_id, d.purpose, d.quantity, d.at)
        for use_id, d in zip(ids, demands, strict=True)
    ]
    writes: list[Write] = []
    if uses:
        writes += writes_of_uses(ids, demands, [actor.account_id for actor, _ in metered], priced=False)
        events = [
            evidence.Event(
                actor, use.contract_id, {"purpose": use.purpose, "quantity": use.quantity, "use_id": use.id}
            )
            for (actor, _), use in zip(metered, uses, strict=True)
        ]
        writes.append(evidence.write_of("contracts.use", "contract", events, now=now))
    return uses, writes
