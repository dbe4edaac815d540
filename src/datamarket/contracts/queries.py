"""Reading contracts, their meters and uses, and the terms that both parties signed."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import orjson
from sqlmodel import and_, col, not_, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.catalogue.listings.terms import PricePlan, Supplier
from datamarket.contracts import rules
from datamarket.contracts.limits.terms import RatePeriod, UseLimits
from datamarket.contracts.tables import Contract, ContractMeter, ContractOffer, ContractUse
from datamarket.contracts.terms import (
    OPEN_STATES,
    Authorisation,
    ContractState,
    FrozenTerms,
    OfferState,
    PastStanding,
    Purpose,
)
from datamarket.foundation.db import Connection, PageAsked, asked, keyset, one_row
from datamarket.participants.terms import IncomeClass
from datamarket.stoppages.terms import LinkKind

LockedMeter: TypeAlias = ContractMeter
"""What `lock_meters` gives, for those who may not read the tables of this slice."""


async def get_contract(session: AsyncSession, contract_id: UUID, *, visible_to: Actor) -> Contract:
    """Raises NotFound, also for a contract between others."""
    return await one_row(session, _seen(visible_to).where(Contract.id == contract_id), "contract")


async def bought_by(session: AsyncSession, buyer_id: UUID, contract_ids: Collection[UUID]) -> set[UUID]:
    """Those of the contracts under which this party buys."""
    statement = select(Contract.id).where(Contract.buyer_id == buyer_id, col(Contract.id).in_(contract_ids))
    return set((await session.exec(statement)).all())


async def lock_contract(session: AsyncSession, contract_id: UUID, *, visible_to: Actor) -> Contract:
    """The newest row, held until the transaction ends. Raises NotFound.

    Not FOR UPDATE: a trade holds the contract's key, and would wait for us while we wait for its meter.
    """
    locked = _seen(visible_to).where(Contract.id == contract_id).with_for_update(key_share=True)
    return await one_row(session, locked.execution_options(populate_existing=True), "contract")


def _seen(actor: Actor) -> SelectOfScalar[Contract]:
    return select(Contract).where(seen_by(actor, Contract.provider_id, Contract.buyer_id))


async def list_contracts(
    session: AsyncSession, *, visible_to: Actor, state: ContractState | None, page: PageAsked[UUID]
) -> Sequence[Contract]:
    """Newest first."""
    statement = _seen(visible_to).where(*asked((Contract.state, state)))
    return (await session.exec(keyset(statement, col(Contract.id), page, newest_first=True))).all()


async def lock_meters(
    session: AsyncSession, contract_ids: Collection[UUID], *, buyer_id: UUID | None = None
) -> dict[UUID, ContractMeter]:
    """Held until the transaction ends, as they are now: no use is metered meanwhile.

    A contract that both have not signed has none; with `buyer_id` only the buyer's own are touched.
    """
    statement = (
        select(ContractMeter)
        .where(col(ContractMeter.contract_id).in_(contract_ids), *asked((ContractMeter.buyer_id, buyer_id)))
        .order_by(col(ContractMeter.contract_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {meter.contract_id: meter for meter in (await session.exec(statement)).all()}


_HOLD = (
    (
        "SELECT FROM participant p JOIN contract c ON p.id IN (c.buyer_id, c.provider_id, c.operator_id)"
        " WHERE c.id = $1 ORDER BY p.id FOR SHARE OF p"
    ),
    "SELECT FROM zone z JOIN contract c ON z.id = c.zone_id WHERE c.id = $1 FOR SHARE OF z",
    "SELECT FROM mandate m JOIN contract c USING (zone_id) WHERE c.id = $1 ORDER BY m.id FOR SHARE OF m",
    (
        "SELECT FROM product_version v JOIN contract c ON v.product_id = c.product_id AND v.number = c.product_version"
        " WHERE c.id = $1 FOR SHARE OF v"
    ),
    (
        "SELECT FROM resource r JOIN product_version v ON r.id = ANY (v.resources)"
        " JOIN contract c ON v.product_id = c.product_id AND v.number = c.product_version"
        " WHERE c.id = $1 ORDER BY r.id FOR SHARE OF r"
    ),
)


async def lock_links(connection: Connection, contract_id: UUID) -> None:
    """What a contract stands on, held until the transaction ends: who ends a link waits, or has ended it before."""
    for statement in _HOLD:
        await connection.execute(statement, contract_id)


async def lock_run_out(session: AsyncSession, now: datetime, limit: int) -> Sequence[Contract]:
    """Contracts of which term or notice is over, locked, oldest first; those that somebody moves are left out."""
    over = or_(
        and_(col(Contract.state).in_(OPEN_STATES), col(Contract.term_to) <= now),
        and_(col(Contract.state).in_(rules.RUNNING), col(Contract.ends_at) <= now),
    )
    return await lock_due(session, over, col(Contract.term_to), limit)


async def lock_unanswered(session: AsyncSession, now: datetime, limit: int) -> Sequence[Contract]:
    """Contracts on which nobody acted in time, in the same way."""
    answer_by = col(Contract.answer_by)
    return await lock_due(session, answer_by <= now, answer_by, limit)


async def lock_due(session: AsyncSession, due: Any, order: Any, limit: int) -> Sequence[Contract]:
    """Contracts that time has come for, in this order; those that somebody moves are left out."""
    statement = select(Contract).where(due).order_by(order).limit(limit)
    return (await session.exec(statement.with_for_update(skip_locked=True, key_share=True))).all()


async def open_offers(session: AsyncSession, contract_ids: Collection[UUID]) -> Sequence[ContractOffer]:
    """The open terms of these contracts, which are locked."""
    statement = select(ContractOffer).where(
        col(ContractOffer.contract_id).in_(contract_ids), ContractOffer.state == OfferState.OPEN
    )
    return (await session.exec(statement)).all()


async def find_offer(session: AsyncSession, contract_id: UUID, state: OfferState) -> ContractOffer | None:
    """The version of the terms that is open, or in force. The contract is locked: it alone is moved with it."""
    statement = select(ContractOffer).where(
        ContractOffer.contract_id == contract_id, ContractOffer.state == state
    )
    return (await session.exec(statement.execution_options(populate_existing=True))).one_or_none()


async def list_uses(
    session: AsyncSession, contract_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[ContractUse]:
    """Newest first."""
    statement = select(ContractUse).where(ContractUse.contract_id == contract_id)
    return (await session.exec(keyset(statement, col(ContractUse.id), page, newest_first=True))).all()


async def list_unpriced_uses(
    session: AsyncSession, provider_id: UUID, *, contract: UUID | None, page: PageAsked[tuple[UUID, UUID]]
) -> Sequence[tuple[ContractUse, UUID]]:
    """Metered uses of a provider's contracts that have no trade, each with its buyer; by contract, oldest first."""
    statement = (
        select(ContractUse, Contract.buyer_id)
        .join(Contract, col(Contract.id) == ContractUse.contract_id)
        .where(
            Contract.provider_id == provider_id,
            not_(ContractUse.priced),
            *asked((ContractUse.contract_id, contract)),
        )
    )
    key = col(ContractUse.contract_id), col(ContractUse.id)
    return (await session.exec(keyset(statement, key, page))).all()


class Meter(NamedTuple):
    """The two sides of a contract, what it authorises, and how many deliveries await their decision."""

    buyer_id: UUID
    provider_id: UUID
    authorisation: Authorisation
    undecided: int


_METERS = """
SELECT m.*, c.provider_id FROM contract_meter m JOIN contract c ON c.id = m.contract_id
 WHERE m.contract_id = ANY ($1) ORDER BY m.contract_id
"""


async def meters(connection: Connection, contract_ids: Sequence[UUID]) -> dict[UUID, Meter]:
    """The meter of each contract that was ever active."""
    return _by_contract(await connection.fetch(_METERS, contract_ids))


async def lock_plain_meters(connection: Connection, contract_ids: Sequence[UUID]) -> dict[UUID, Meter]:
    """The same, held until the transaction ends: no use is metered meanwhile."""
    return _by_contract(await connection.fetch(_METERS + "FOR NO KEY UPDATE OF m", contract_ids))


def _by_contract(rows: Sequence[Any]) -> dict[UUID, Meter]:
    return {
        row["contract_id"]: Meter(row["buyer_id"], row["provider_id"], _authorisation(row), row["undecided"])
        for row in rows
    }


class Period(NamedTuple):
    """One period of a contract's rate, by its first instant."""

    contract_id: UUID
    per: RatePeriod
    from_at: datetime


async def used_in(connection: Connection, periods: Collection[Period]) -> dict[Period, int]:
    """What is counted in these periods until now; what nothing was used in is left out."""
    if not periods:
        return {}
    rows = await connection.fetch(
        "SELECT r.* FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS asked (contract_id, per, from_at)"
        " JOIN contract_rate AS r USING (contract_id, per, from_at)",
        *([*column] for column in zip(*periods, strict=True)),
    )
    return {Period(row["contract_id"], RatePeriod(row["per"]), row["from_at"]): row["used"] for row in rows}


_STANDINGS = """
SELECT a.contract_id, a.at, coalesce(o.in_force_from, greatest(c.provider_signed_at, c.buyer_signed_at)) AS in_force_from,
       coalesce((SELECT e.action = 'contracts.suspend' FROM audit_event AS e
                  WHERE e.subject_id = a.contract_id AND e.subject_type = 'contract' AND e.action <> 'contracts.use'
                    AND e.action IN ('contracts.suspend', 'contracts.resume') AND e.at <= a.at
                  ORDER BY e.id DESC LIMIT 1), false) AS suspended, s.kind AS stopped_by, s.at AS stopped_at
  FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::timestamptz[])) AS a (contract_id, at)
  JOIN contract AS c ON c.id = a.contract_id
  LEFT JOIN contract_offer AS o ON o.contract_id = c.id AND o.state = 'in_force'
  LEFT JOIN LATERAL (
       SELECT l.kind, x.at FROM contract_link AS l JOIN LATERAL (
              SELECT t.stops_at AS at FROM stoppage AS t
               WHERE t.target_id = l.target_id AND (t.lifted_at IS NULL OR t.lifted_at > a.at)
              UNION ALL SELECT contract_day_begins(r.valid_to) FROM resource AS r WHERE r.id = l.target_id
              UNION ALL SELECT contract_day_begins(d.term_to) FROM mandate AS d WHERE d.id = l.target_id) AS x ON x.at <= a.at
        WHERE l.contract_id = a.contract_id AND l.from_at <= a.at AND (l.to_at IS NULL OR l.to_at > a.at)
        ORDER BY x.at, l.kind LIMIT 1) AS s ON true
"""


async def standings(
    connection: Connection, instants: Collection[tuple[UUID, datetime]]
) -> dict[tuple[UUID, datetime], PastStanding]:
    """How each signed contract stood at an instant in the past, by what was told and what its links say."""
    if not instants:
        return {}
    rows = await connection.fetch(_STANDINGS, *([*column] for column in zip(*instants, strict=True)))
    return {
        (row["contract_id"], row["at"]): PastStanding(
            row["in_force_from"],
            row["suspended"],
            row["stopped_by"] and LinkKind(row["stopped_by"]),
            row["stopped_at"],
        )
        for row in rows
    }


def authorisation_of(meter: ContractMeter) -> Authorisation:
    """What a meter at hand authorises."""
    return _authorisation(meter.model_dump())


def _authorisation(row: Any) -> Authorisation:
    limits = row["limits"]
    if isinstance(limits, str):  # jsonb travels as text on plain connections
        limits = orjson.loads(limits)
    return Authorisation(
        state=ContractState(row["state"]),
        term_from=row["term_from"],
        term_to=row["term_to"],
        purposes=frozenset(Purpose(purpose) for purpose in row["purposes"]),
        quota=row["quota"],
        used=row["used"],
        reserved=row["reserved"],
        terms_number=row["terms_number"],
        stopped_by=row["stopped_by"] and LinkKind(row["stopped_by"]),
        stands_from=row["stands_from"],
        stands_until=row["stands_until"],
        limits=UseLimits.of(limits),
    )


async def annex_of(session: AsyncSession, contract_id: UUID) -> dict[str, Any]:
    """The clauses beside the enforced ones, as they are in force: who holds the meter keeps an amendment out."""
    return dict((await session.exec(select(Contract.annex).where(Contract.id == contract_id))).one())


_FROZEN = """
SELECT id, listing_id, product_id, product_version, category, provider_id, buyer_id, venue_id, venue_operator_id,
       venue_fee_bps, zone_id, operator_id, suppliers, price_model, price_fen, period_days, price_terms,
       terms_number, annex
  FROM contract WHERE id = ANY ($1) AND provider_signed_at IS NOT NULL AND buyer_signed_at IS NOT NULL
"""
REMEMBERED = 4096
"""Contracts, of two kilobytes each; what is remembered of a sale is as much, of a thousand."""


class FrozenTermsReader:
    """Reads frozen terms, once per contract; they are read again where a sale finds them replaced by an amendment."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, FrozenTerms] = OrderedDict()

    async def read(self, connection: Connection, contract_ids: Sequence[UUID]) -> dict[UUID, FrozenTerms]:
        """The terms of each contract that both parties have signed."""
        missing = [contract_id for contract_id in set(contract_ids) if contract_id not in self._known]
        if missing:
            for row in await connection.fetch(_FROZEN, missing):
                self._known[row["id"]] = _frozen(row)
        terms = {key: self._known[key] for key in contract_ids if key in self._known}
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return terms

    def forget(self, contract_ids: Collection[UUID]) -> None:
        """What the two have signed anew is read anew."""
        for contract_id in contract_ids:
            self._known.pop(contract_id, None)


def terms_of(contract: Contract) -> FrozenTerms:
    """The frozen terms of a contract at hand."""
    return _frozen(contract.model_dump())


def _frozen(row: Any) -> FrozenTerms:
    suppliers, price_terms, annex = (  # jsonb travels as text on plain connections
        orjson.loads(row[name]) if isinstance(row[name], str) else row[name]
        for name in ("suppliers", "price_terms", "annex")
    )
    return FrozenTerms(
        contract_id=_plain(row["id"]),
        listing_id=_plain(row["listing_id"]),
        product_id=_plain(row["product_id"]),
        product_version=row["product_version"],
        category=row["category"],
        provider_id=_plain(row["provider_id"]),
        buyer_id=_plain(row["buyer_id"]),
        venue_id=_plain(row["venue_id"]),
        venue_operator_id=_plain(row["venue_operator_id"]),
        venue_fee_bps=row["venue_fee_bps"],
        zone_id=row["zone_id"] and _plain(row["zone_id"]),
        operator_id=row["operator_id"] and _plain(row["operator_id"]),
        suppliers=tuple(
            Supplier(UUID(supplier["participant_id"]), IncomeClass(supplier["income_class"]))
            for supplier in suppliers
        ),
        plan=PricePlan.stored(row["price_model"], row["price_fen"], row["period_days"], price_terms),
        number=row["terms_number"],
        limits=UseLimits.of(annex),
    )


def _plain(value: UUID) -> UUID:
    """The driver has a UUID of its own, which JSON writes slowly; these are written a thousand times."""
    return UUID(int=value.int)
