"""What a consumer's messages do: each is an event of a contract; and taking those of which the consumer is to be told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.contracts import actions as contracts
from datamarket.contracts import queries as contract_queries
from datamarket.contracts.negotiation import actions as offers
from datamarket.dataspace import queries, rules
from datamarket.dataspace.rules import ConsumerMove
from datamarket.dataspace.tables import DataspaceNegotiation
from datamarket.dataspace.terms import PRICE_MODEL_TERM, URN, NegotiationState, PolicyTerms
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection
from datamarket.zones.terms import UseClass

Found = tuple[DataspaceNegotiation, NegotiationState]
"""A negotiation, and the state that the protocol says it is in."""


async def request_negotiation(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    consumer_pid: str,
    callback_address: str,
    listing_id: UUID,
    use_class: UseClass,
    wanted: PolicyTerms,
    now: datetime,
) -> Found:
    """A contract is requested on an offer of the catalogue; asked again under the same name it is the same one.

    Raises PriceNotOffered, ConsumerPidUsed, and what `request_contract` raises.
    """
    known = await queries.find_own_negotiation(session, organisation_of(actor), consumer_pid)
    if known is not None:
        contract = await contract_queries.get_contract(session, known.contract_id, visible_to=actor)
        if contract.listing_id != listing_id:
            raise rules.ConsumerPidUsed
        return known, _state_of(contract)
    contract = await contracts.request_contract(
        session,
        actor,
        listing_id=listing_id,
        use_class=use_class,
        purposes=wanted.purposes or frozenset(),
        term_from=wanted.term_from or now,
        term_to=wanted.term_to or now,
        quota=wanted.quota,
        now=now,
    )
    _check_price(wanted, contract)
    return await _open(
        session,
        actor,
        ledger_id,
        contract,
        consumer_pid=consumer_pid,
        callback_address=callback_address,
        now=now,
    )


def _check_price(wanted: PolicyTerms, contract: Any) -> None:
    """A contract is requested at the listing's price. Raises PriceNotOffered."""
    price, model = wanted.price_fen, wanted.price_model
    if price not in {None, contract.price_fen} or model not in {None, contract.price_model}:
        raise rules.PriceNotOffered


async def _open(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    contract: Any,
    *,
    consumer_pid: str,
    callback_address: str,
    now: datetime,
) -> Found:
    row = DataspaceNegotiation(
        contract_id=contract.id,
        ledger_id=ledger_id,
        buyer_id=contract.buyer_id,
        consumer_pid=consumer_pid,
        callback_address=callback_address,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    facts = {"consumer_pid": consumer_pid, "callback_address": callback_address}
    await evidence.record(
        session, actor, "dataspace.open-negotiation", ("contract", contract.id), now=now, **facts
    )
    return row, _state_of(contract)


def _state_of(contract: Any) -> NegotiationState:
    return rules.negotiation_state(contract.state, buyer_signed=contract.buyer_signed_at is not None)


async def read_negotiation(session: AsyncSession, actor: Actor, contract_id: UUID) -> Found:
    """Raises NotFound."""
    row = await queries.get_negotiation(session, contract_id, visible_to=actor)
    contract = await contract_queries.get_contract(session, contract_id, visible_to=actor)
    return row, _state_of(contract)


async def _lock(session: AsyncSession, actor: Actor, contract_id: UUID) -> tuple[Any, DataspaceNegotiation]:
    """The contract first, like everyone who moves it. Raises NotFound."""
    contract = await contract_queries.lock_contract(session, contract_id, visible_to=actor)
    return contract, await queries.lock_negotiation(session, contract_id, visible_to=actor)


async def answer(
    session: AsyncSession,
    actor: Actor,
    contract_id: UUID,
    move: ConsumerMove,
    *,
    pids: tuple[str, UUID],
    reason: str | None = None,
    ledger_id: int,
    now: datetime,
) -> Found:
    """The consumer accepts, verifies or terminates; what is so already is said again.

    Raises NotFound, PidMismatch, and what `move_contract` raises.
    """
    contract, row = await _lock(session, actor, contract_id)
    rules.check_pids(pids, (row.consumer_pid, contract_id))
    signed = contract.buyer_signed_at is not None
    if not rules.is_said_already(move, contract.state, buyer_signed=signed):
        await contracts.move_contract(
            session, actor, contract, move.event, ledger_id=ledger_id, reason=reason, now=now
        )
        row.told = move.state
        row.version += 1
        await session.flush()
    return row, _state_of(contract)


async def counter(
    session: AsyncSession,
    actor: Actor,
    contract_id: UUID,
    wanted: PolicyTerms,
    *,
    target: str | None,
    pids: tuple[str, UUID],
    now: datetime,
) -> Found:
    """The consumer offers other terms: what its policy does not say stays as it is.

    Raises NotFound, PidMismatch, OfferUnknown, PolicyNotUnderstood for another price model, and what `offer_terms` raises.
    """
    contract, row = await _lock(session, actor, contract_id)
    rules.check_pids(pids, (row.consumer_pid, contract_id))
    if target not in {None, f"{URN}{contract.listing_id}"}:
        raise rules.OfferUnknown(offer=target)
    if wanted.price_model not in {None, contract.price_model}:
        raise rules.PolicyNotUnderstood(part=PRICE_MODEL_TERM)
    lasts = wanted.lasts_days
    said = {
        "purposes": wanted.purposes and sorted(wanted.purposes),
        "term_from": wanted.term_from,
        "term_to": wanted.term_to or (lasts and (wanted.term_from or contract.term_from) + timedelta(lasts)),
        "quota": wanted.quota,
        "price_fen": wanted.price_fen,
    }
    changes = {name: value for name, value in said.items() if value is not None}
    await offers.offer_terms(session, actor, contract, changes, now=now)
    row.told, row.told_number = NegotiationState.REQUESTED, contract.terms_number
    row.version += 1
    await session.flush()
    return row, _state_of(contract)


_TAKE = """
UPDATE dataspace_negotiation AS n SET due_at = $2::timestamptz + $3::interval
  FROM contract AS c
 WHERE c.id = n.contract_id
   AND n.contract_id IN (SELECT contract_id FROM dataspace_negotiation WHERE ledger_id = $1 AND due_at <= $2
                          ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING n.contract_id, n.consumer_pid, n.callback_address, n.told, n.told_number, n.failures, n.version,
          c.state, c.reason, c.terms_number, c.listing_id, c.provider_id, c.buyer_id, c.buyer_signed_at,
          c.provider_signed_at, c.purposes, c.use_class, c.term_from, c.term_to, c.quota, c.price_fen, c.price_model
"""


async def take_due(
    connection: Connection, ledger_id: int, *, most: int, lease: timedelta, now: datetime
) -> list[Mapping[str, Any]]:
    """Negotiations to look after, each with its contract; no other process takes them until the lease is over."""
    rows = await connection.fetch(_TAKE, ledger_id, now, lease, most)
    return [
        {
            **row,
            "shown": rules.negotiation_state(row["state"], buyer_signed=row["buyer_signed_at"] is not None),
        }
        for row in rows
    ]


_SETTLE = """
UPDATE dataspace_negotiation SET told = $3, told_number = $4, failures = $5, due_at = $6
 WHERE contract_id = $1 AND version = $2
"""


async def settle(
    connection: Connection,
    row: Mapping[str, Any],
    *,
    told: str,
    number: int,
    failures: int,
    due_at: datetime | None,
) -> None:
    """What the consumer knows now, and when to look again; not where the contract has moved meanwhile."""
    await connection.execute(_SETTLE, row["contract_id"], row["version"], told, number, failures, due_at)
