"""The authorise-and-meter decision: one conditional statement, for one use or a thousand.

The UPDATE carries every condition. Whoever waited for the row sees, by PostgreSQL's recheck of the
newest row version, what the one before left: suspended is suspended, spent is spent, and what was priced by
terms that an amendment has replaced is priced anew: all demands of a batch on a contract have one number. What orders
reserve stands on the same row, and counts as spent; they change it under its lock.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from datamarket.auth.terms import CLOCK, Actor
from datamarket.contracts import decision, queries, rules
from datamarket.contracts.deadlines import recorded_from
from datamarket.contracts.limits.terms import NO_LIMITS, Rate
from datamarket.contracts.queries import FrozenTermsReader
from datamarket.contracts.tables import ContractMeter
from datamarket.contracts.terms import Authorisation, ContractState, Demand, FrozenTerms, Use
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection
from datamarket.foundation.desks.writes import Write, folded, write_together
from datamarket.foundation.errors import MarketError, NotFound
from datamarket.foundation.ids import new_ids

_PERMITTED = """m.buyer_id = asked.buyer_id
   AND m.state = 'active'
   AND asked.first_at >= m.stands_from AND asked.last_at < m.stands_until
   AND asked.purposes <@ m.purposes
   AND m.terms_number = coalesce(asked.terms_number, m.terms_number)
   AND (m.quota IS NULL OR m.used + m.reserved + asked.quantity <= m.quota)"""
_ASKED = """
WITH asked AS (
    SELECT contract_id, buyer_id, quantity, first_at, last_at, string_to_array(purposes, ',') AS purposes, terms_number
      FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::int[])
           AS d (contract_id, buyer_id, quantity, first_at, last_at, purposes, terms_number)
), locked AS (
    SELECT m.contract_id FROM contract_meter m
     WHERE m.contract_id = ANY ($1::uuid[]) ORDER BY m.contract_id FOR NO KEY UPDATE
)
"""
_METER = f"""{_ASKED}
UPDATE contract_meter AS m SET used = m.used + asked.quantity
  FROM asked JOIN locked USING (contract_id)
 WHERE m.contract_id = asked.contract_id AND {_PERMITTED}
RETURNING m.contract_id, m.buyer_id, m.used, m.quota
"""  # noqa: S608 - of constants that stand here
_METER_ALL = f"""{_ASKED}
UPDATE contract_meter AS m
   SET used = CASE WHEN {_PERMITTED}
                    AND (m.quota IS NULL OR NOT EXISTS (
                         SELECT FROM unnest($8::int[]) AS mark
                          WHERE m.used * 100::numeric < m.quota::numeric * mark
                            AND (m.used + asked.quantity) * 100::numeric >= m.quota::numeric * mark))
                   THEN m.used + asked.quantity ELSE -1 END
  FROM asked JOIN locked USING (contract_id)
 WHERE m.contract_id = asked.contract_id
"""  # noqa: S608 - of constants that stand here
"""What is not permitted breaks `contract_meter_quota_check`, and with it the whole; so does a mark that is to be told of."""


async def meter(
    connection: Connection, demands: Sequence[Demand], reader: FrozenTermsReader, *, now: datetime
) -> list[MarketError | None]:
    """Check and count each use; what is refused counts nothing. One outcome per demand, in order.

    All demands on a contract pass together, or, when they do not, are decided one by one in their order. What the terms
    alone limit is looked at here, by remembered terms, of which the statement asks the number; what was remembered
    wrongly is forgotten.
    """
    if not demands:
        return []
    known = await reader.read(connection, [demand.contract_id for demand in demands])
    looked_at = {
        _pair(demand) for demand in demands if not _is_ready(demand, known) or _rate_of(demand, known)
    }
    together = _together(demand for demand in demands if _pair(demand) not in looked_at)
    passed = await _pass(connection, together, known, now) if together else set()
    reader.forget({contract_id for contract_id, _ in together.keys() - passed})
    left = {p: demand for p, demand in enumerate(demands) if _pair(demand) not in passed}
    refused = await _decide(connection, left, now) if left else {}
    return [refused.get(position) for position in range(len(demands))]


def _is_ready(demand: Demand, known: Mapping[UUID, FrozenTerms]) -> bool:
    """Whether the terms that are remembered permit it, and nothing but the meter is to be asked."""
    terms = known.get(demand.contract_id)
    return (
        terms is not None
        and demand.recorded_at is None
        and (demand.terms_number is None or demand.terms_number == terms.number)
        and (terms.limits is NO_LIMITS or decision.keeps_limits(terms.limits, demand))
    )


def _rate_of(demand: Demand, known: Mapping[UUID, FrozenTerms]) -> Rate | None:
    return known[demand.contract_id].limits.rate


Pair = tuple[UUID, UUID]
Together = dict[Pair, list[Demand]]


def _pair(demand: Demand) -> Pair:
    """On which contract, by which buyer."""
    return demand.contract_id, demand.buyer_id


def _together(demands: Iterable[Demand]) -> Together:
    together: Together = {}
    for demand in demands:
        together.setdefault(_pair(demand), []).append(demand)
    return together


def _told(together: Together, known: Mapping[UUID, FrozenTerms]) -> tuple[list[Any], ...]:
    return (
        [contract_id for contract_id, _ in together],
        [buyer_id for _, buyer_id in together],
        [sum(demand.quantity for demand in demands) for demands in together.values()],
        [min(demand.at for demand in demands) for demands in together.values()],
        [max(demand.at for demand in demands) for demands in together.values()],
        [",".join({demand.purpose for demand in demands}) for demands in together.values()],
        [known[contract_id].number for contract_id, _ in together],
    )


def meter_all(demands: Sequence[Demand], known: Mapping[UUID, FrozenTerms]) -> list[Write] | None:
    """The count of uses as a write that is refused unless each is permitted.

    None for two buyers of one contract, and for what the terms do not permit, or is recorded late.
    """
    if not all(_is_ready(demand, known) for demand in demands):
        return None
    together = _together(demands)
    if len({contract_id for contract_id, _ in together}) < len(together):
        return None
    if not together:
        return []
    rated = [(demand, rate) for demand in demands if (rate := _rate_of(demand, known))]
    return [Write(_METER_ALL, (*_told(together, known), rules.QUOTA_MARKS)), *_writes_of_rates(rated)]


_COUNT_RATES = """
INSERT INTO contract_rate AS r (contract_id, per, from_at, used, most)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[])
    ON CONFLICT (contract_id, per, from_at) DO UPDATE SET used = r.used + EXCLUDED.used, most = EXCLUDED.most
"""


def _writes_of_rates(rated: Sequence[tuple[Demand, Rate]]) -> list[Write]:
    """What is used in each period, behind the count that locks its meter; refused beyond the rate."""
    used: Counter[queries.Period] = Counter()
    most: dict[queries.Period, int] = {}
    for demand, rate in rated:
        period = queries.Period(demand.contract_id, rate.per, rate.per.window(demand.at))
        used[period] += demand.quantity
        most[period] = rate.units
    if not used:
        return []
    columns = [list(column) for column in zip(*sorted(used), strict=True)]
    counts = ([by[period] for period in sorted(used)] for by in (used, most))
    return [Write(_COUNT_RATES, (*columns, *counts))]


async def _pass(
    connection: Connection, together: Together, known: Mapping[UUID, FrozenTerms], now: datetime
) -> set[Pair]:
    """Those whose demands all pass: they are counted at once, and who crosses a mark of its quota is told."""
    rows = await connection.fetch(_METER, *_told(together, known))
    counts = [
        (contract_id, quota, used - sum(demand.quantity for demand in together[contract_id, buyer_id]), used)
        for contract_id, buyer_id, used, quota in rows
    ]
    await tell_of_quotas(connection, counts, now=now)
    return {(contract_id, buyer_id) for contract_id, buyer_id, _, _ in rows}


async def tell_of_quotas(
    connection: Connection, counts: Iterable[tuple[UUID, int | None, int, int]], *, now: datetime
) -> None:
    """An event for each contract (its quota, what was used before and is now) whose count has crossed a mark.

    With the counts they stand or fall, and none is crossed twice.
    """
    events = [
        evidence.Event(CLOCK, contract_id, {"percent": percent, "used": used, "quota": quota})
        for contract_id, quota, before, used in counts
        if quota is not None and (percent := rules.mark_crossed(quota, before, used)) is not None
    ]
    if events:
        await evidence.record_many(connection, "contracts.reach-quota", "contract", events, now=now)


def authorisation_for(demand: Demand, meters: Mapping[UUID, queries.Meter]) -> Authorisation:
    """What the contract gives its buyer. Raises BuyerUses for its provider, NotFound for all others."""
    found = meters.get(demand.contract_id)
    if found is None or demand.buyer_id not in {found.buyer_id, found.provider_id}:
        raise NotFound(thing="contract")
    if demand.buyer_id != found.buyer_id:
        raise rules.BuyerUses
    return found.authorisation


_COUNT = """
UPDATE contract_meter AS m SET used = m.used + d.quantity
  FROM unnest($1::uuid[], $2::bigint[]) AS d (contract_id, quantity) WHERE m.contract_id = d.contract_id
RETURNING m.contract_id, m.quota, m.used - d.quantity, m.used
"""


async def _decide(
    connection: Connection, left: Mapping[int, Demand], now: datetime
) -> dict[int, MarketError]:
    """Why each that may not be was refused, by the rules in their pure form; the others are counted.

    The meters are locked, so that each demand meets what those before it have left.
    """
    meters = await queries.lock_plain_meters(connection, [demand.contract_id for demand in left.values()])
    given, refused = await authorisations(connection, left, meters, now=now)
    counted: Counter[UUID] = Counter()
    in_period: Counter[queries.Period] = Counter()
    rated: list[tuple[Demand, Rate]] = []
    for position, found in given.items():
        demand, rate = left[position], found.limits.rate
        period = rate and queries.Period(demand.contract_id, rate.per, rate.per.window(demand.at))
        try:
            so_far = (
                found.used + counted[demand.contract_id],
                found.in_period + in_period[period] if period else 0,
            )
            decision.check_use(replace(found, used=so_far[0], in_period=so_far[1]), demand)
        except MarketError as error:
            refused[position] = error
            continue
        counted[demand.contract_id] += demand.quantity
        if rate and period:
            in_period[period] += demand.quantity
            rated.append((demand, rate))
    if counted:
        rows = await connection.fetch(_COUNT, list(counted), list(counted.values()))
        await write_together(connection, _writes_of_rates(rated))
        await tell_of_quotas(connection, [(*row,) for row in rows], now=now)
    return refused


async def authorisations(
    connection: Connection,
    demands: Mapping[int, Demand],
    meters: Mapping[UUID, queries.Meter],
    *,
    now: datetime,
) -> tuple[dict[int, Authorisation], dict[int, MarketError]]:
    """What decides each demand; of one that is recorded late, or took place before the contract stood again, as it was then. Refusals of strangers apart."""
    given: dict[int, Authorisation] = {}
    refused: dict[int, MarketError] = {}
    for position, demand in demands.items():
        try:
            given[position] = authorisation_for(demand, meters)
        except MarketError as error:
            refused[position] = error
    periods = {
        position: queries.Period(
            demands[position].contract_id, rate.per, rate.per.window(demands[position].at)
        )
        for position, found in given.items()
        if (rate := found.limits.rate)
    }
    past = {
        p: (d.contract_id, d.at)
        for p, found in given.items()
        if (d := demands[p]).recorded_at is not None or found.stood_again_after(d.at)
    }
    standings = await queries.standings(connection, set(past.values()))
    for position, instant in past.items():
        late = demands[position].recorded_at is not None
        given[position] = rules.stood(
            given[position], standings[instant], recorded_from(now) if late else None
        )
    used = await queries.used_in(connection, set(periods.values()))
    for position, period in periods.items():
        given[position] = replace(given[position], in_period=used.get(period, 0))
    return given, refused


_INSERT_USES = """
INSERT INTO contract_use (id, contract_id, purpose, quantity, at, account_id, priced)
SELECT u.id, u.contract_id, u.purpose, u.quantity, u.at,
       CASE WHEN u.contract_id IN (SELECT m.contract_id FROM contract_meter AS m WHERE m.contract_id = ANY ($2)) THEN u.account_id END,
       $7::boolean
  FROM unnest($1::uuid[], unfolded($2::uuid[], cardinality($1)), unfolded($3::text[], cardinality($1)), $4::bigint[],
              unfolded($5::timestamptz[], cardinality($1)), unfolded($6::uuid[], cardinality($1)))
       AS u (id, contract_id, purpose, quantity, at, account_id)
"""
"""Of a contract without a meter, which not both have signed, nobody uses anything: refused, whether or not it was metered before."""


def writes_of_uses(
    ids: Sequence[UUID], demands: Sequence[Demand], accounts: list[UUID], *, priced: bool
) -> list[Write]:
    """Metered uses as they are written down; `priced` are those whose trades are written with them."""
    if not ids:
        return []
    arguments = (
        ids,
        folded([demand.contract_id for demand in demands]),
        folded([demand.purpose for demand in demands]),
        [demand.quantity for demand in demands],
        folded([demand.at for demand in demands]),
        folded(accounts),
        priced,
    )
    return [Write(_INSERT_USES, arguments)]


_LATE = "UPDATE contract_use SET recorded_at = $2 WHERE id = ANY ($1::uuid[])"


async def record_uses(
    connection: Connection,
    wanted: Sequence[tuple[Actor, Demand]],
    *,
    reader: FrozenTermsReader | None = None,
    now: datetime,
) -> list[Use | MarketError]:
    """Authorise, meter and write down uses: one outcome per demand, in their order; a refused one counts nothing."""
    refusals = await meter(
        connection, [demand for _, demand in wanted], reader or FrozenTermsReader(), now=now
    )
    metered = [pair for pair, refusal in zip(wanted, refusals, strict=True) if refusal is None]
    uses, writes = _uses(metered, now)
    await write_together(connection, writes)
    if late := [use.id for use in uses if use.recorded_at != use.at]:
        await connection.execute(_LATE, late, now)
    following = iter(uses)
    return [next(following) if refusal is None else refusal for refusal in refusals]


async def plan_uses(
    connection: Connection,
    wanted: Sequence[tuple[Actor, Demand]],
    *,
    reader: FrozenTermsReader | None = None,
    now: datetime,
) -> tuple[list[Use], list[Write]] | None:
    """Uses as they are when each is permitted, and the writes that are refused when one is not."""
    demands = [demand for _, demand in wanted]
    known = await (reader or FrozenTermsReader()).read(connection, [demand.contract_id for demand in demands])
    metered = meter_all(demands, known)
    if metered is None:
        return None
    uses, writes = _uses(wanted, now)
    return uses, metered + writes


def _uses(metered: Sequence[tuple[Actor, Demand]], now: datetime) -> tuple[list[Use], list[Write]]:
    demands = [demand for _, demand in metered]
    ids = new_ids([demand.at for demand in demands])
    uses = [
        Use(use_id, d.contract_id, d.purpose, d.quantity, d.at, d.recorded_at or d.at)
        for use_id, d in zip(ids, demands, strict=True)
    ]
    writes: list[Write] = []
    if uses:
        writes += writes_of_uses(ids, demands, [actor.account_id for actor, _ in metered], priced=False)
        events = [
            evidence.Event(
                actor,
                use.contract_id,
                {"purpose": use.purpose, "quantity": use.quantity, "use_id": use.id}
                | ({} if use.recorded_at == use.at else {"used_at": use.at}),
            )
            for (actor, _), use in zip(metered, uses, strict=True)
        ]
        writes.append(evidence.write_of("contracts.use", "contract", events, now=now))
    return uses, writes


def reserve(meter: ContractMeter, quantity: int) -> None:
    """Units set aside for an order, as its money is held. The caller has locked the meter, and checked."""
    meter.reserved += quantity


def await_decision(meter: ContractMeter, at: datetime, *, again: bool) -> None:
    """An order is delivered, or `again` after its cure, and its buyer has to decide. Raises ContractNotActive, ContractStopped."""
    if meter.state != ContractState.ACTIVE:
        raise rules.ContractNotActive(state=ContractState(meter.state))
    rules.check_standing(queries.authorisation_of(meter), at)
    meter.undecided += not again


def free(meter: ContractMeter, reserved: int, *, delivered: bool, used: int = 0) -> None:
    """An order is over: what it reserved is free again, and what was accepted is used."""
    meter.reserved -= reserved
    meter.undecided -= delivered
    meter.used += used
