"""A mandate withdrawn in the last seconds of the year and reinstated: what stops and why, and that it goes on again."""

from datetime import timedelta
from typing import NamedTuple

from datamarket.authority import actions, queries
from datamarket.authority.terms import Affected, Link
from datamarket.contracts import queries as contracts
from datamarket.contracts.rules import ContractStopped, check_standing
from datamarket.foundation.clock import business_date, year_bounds
from datamarket.foundation.db import Database
from datamarket.simulation import queries as city
from datamarket.zones import queries as zones
from datamarket.zones.terms import MandateEvent

ZONE = "Z-SEA"
REASON = "年度评估不合格（模拟） · failed its yearly evaluation (simulated)"
PLAN = "已交付的照常验收，其余解冻 · what was delivered is accepted, what is held is freed"


class Withdrawal(NamedTuple):
    """What stood before, while the mandate was withdrawn, and after; of one contract its chain, and how a use is refused."""

    zone: tuple[str, str]
    figures: list[Affected]
    links: list[Link]
    refusal: ContractStopped | None


async def withdraw_and_reinstate(database: Database, year: int) -> Withdrawal:
    """The ocean zone's mandate, by the authority, after the last use of the year: no figure of the year changes."""
    at = year_bounds(year)[1] - timedelta(seconds=3)
    async with database.transaction() as session:
        authority = (await city.offices(session))["authority"]
        zone = await zones.get_zone(session, await city.zone_id_of(session, ZONE))
        mandate = await zones.mandate_at(session, zone.id, business_date(at))
        if mandate is None:
            raise LookupError(ZONE)
    figures, links, refusal = [], [], None
    for step, event in enumerate((None, MandateEvent.WITHDRAW, MandateEvent.REINSTATE)):
        now = at + timedelta(seconds=step)
        async with database.transaction() as session:
            if event is not None:
                await actions.move_mandate(
                    session,
                    authority,
                    zone.id,
                    mandate.id,
                    event,
                    reason=REASON,
                    plan=PLAN if event is MandateEvent.WITHDRAW else None,
                    now=now,
                )
                await session.flush()
            figures.append(await queries.affected_by(session, zone.id, mandate.id, now=now))
            if event is MandateEvent.WITHDRAW and figures[0].contract_ids:
                one = figures[0].contract_ids[0]
                links = await queries.chain_at(session, one, now)
                meters = await contracts.lock_meters(session, [one])
                try:
                    check_standing(contracts.authorisation_of(meters[one]), now)
                except ContractStopped as stopped:
                    refusal = stopped
    return Withdrawal((zone.name_zh, zone.name_en), figures, links, refusal)
