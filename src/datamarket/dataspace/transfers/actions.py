"""Requesting transfers and moving them; taking those of which the consumer is to be told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor
from datamarket.contracts import queries as contracts
from datamarket.dataspace.rules import ConsumerPidUsed, FormatUnknown
from datamarket.dataspace.terms import FORMAT
from datamarket.dataspace.transfers import queries, rules
from datamarket.dataspace.transfers.tables import TransferProcess
from datamarket.dataspace.transfers.terms import TransferProcessEvent, TransferProcessState
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection, driver
from datamarket.foundation.errors import NotFound
from datamarket.foundation.ids import new_id


async def request_transfer(
    session: AsyncSession,
    actor: Actor,
    ledger_id: int,
    *,
    contract_id: UUID,
    consumer_pid: str,
    callback_address: str,
    wanted: str,
    now: datetime,
) -> TransferProcess:
    """The buyer asks for the data of a contract in force; asked again under the same name it is the same transfer.

    Raises NotFound, FormatUnknown, AgreementNotFinal, ConsumerPidUsed.
    """
    buyer_id = organisation_of(actor)
    known = await queries.find_own_transfer(session, buyer_id, consumer_pid)
    if known is not None:
        if known.contract_id != contract_id:
            raise ConsumerPidUsed
        return known
    provider_id = await _provider_of(session, actor, contract_id, wanted, now)
    row = TransferProcess(
        id=new_id(now),
        ledger_id=ledger_id,
        contract_id=contract_id,
        provider_id=provider_id,
        buyer_id=buyer_id,
        consumer_pid=consumer_pid,
        callback_address=callback_address,
        format=wanted,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    facts = {"contract_id": str(contract_id), "callback_address": callback_address}
    await evidence.record(
        session, actor, "dataspace.request-transfer", ("transfer", row.id), now=now, **facts
    )
    return row


async def _provider_of(
    session: AsyncSession, actor: Actor, contract_id: UUID, wanted: str, now: datetime
) -> UUID:
    """The other side of a contract of the actor's that is in force. Raises NotFound, FormatUnknown, AgreementNotFinal."""
    contract = await contracts.get_contract(session, contract_id, visible_to=actor)
    if contract.buyer_id != actor.participant_id:
        raise NotFound(thing="contract")
    if wanted != FORMAT:
        raise FormatUnknown(format=wanted, known=FORMAT)
    meter = (await contracts.meters(await driver(session), [contract_id])).get(contract_id)
    if meter is None or rules.is_held(meter.authorisation, now):
        raise rules.AgreementNotFinal
    return contract.provider_id


async def move_transfer(
    session: AsyncSession,
    actor: Actor,
    row: TransferProcess,
    event: TransferProcessEvent,
    *,
    reason: str | None,
    told: bool,
    now: datetime,
) -> TransferProcess:
    """One side moves it; `told` where the consumer's own message did. `row` is locked by the caller.

    Raises TransferNotYourMove, ReasonMissing, TransitionNotAllowed, TransferHeld.
    """
    if actor.participant_id not in {row.provider_id, row.buyer_id}:
        raise rules.TransferNotYourMove(event=event)
    rules.TRANSFER_LIFE.check_reason(event, reason)
    authorisation = (await queries.authorisations(session, [row]))[row.contract_id]
    shown = rules.shown_state(row.state, authorisation, now)
    over = shown is TransferProcessState.TERMINATED
    following = rules.check_move(
        event, shown if over else row.state, by_provider=actor.participant_id == row.provider_id
    )
    if event in {TransferProcessEvent.START, TransferProcessEvent.COMPLETE} and rules.is_held(
        authorisation, now
    ):
        raise rules.TransferHeld
    row.state, row.reason = following, reason
    row.failures, row.due_at = 0, now
    row.version += 1
    if told:
        row.told = following
    await evidence.record(
        session, actor, f"dataspace.{event}-transfer", ("transfer", row.id), now=now, reason=reason
    )
    return row


_TAKE = """
UPDATE transfer_process AS t SET due_at = $2::timestamptz + $3::interval
 WHERE t.id IN (SELECT id FROM transfer_process WHERE ledger_id = $1 AND due_at <= $2
                 ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING id, contract_id, consumer_pid, callback_address, state, reason, told, failures, version
"""


async def take_due(
    connection: Connection, ledger_id: int, *, most: int, lease: timedelta, now: datetime
) -> list[Mapping[str, Any]]:
    """Transfers to look after, with `shown`, as what the consumer is to know it, and `stands_until`.

    No other process takes them until the lease is over.
    """
    rows = await connection.fetch(_TAKE, ledger_id, now, lease, most)
    meters = await contracts.meters(connection, [row["contract_id"] for row in rows])
    taken: list[Mapping[str, Any]] = []
    for row in rows:
        stands = meters[row["contract_id"]].authorisation
        shown = rules.shown_state(row["state"], stands, now)
        taken.append({**row, "shown": shown, "stands_until": stands.stands_until})
    return taken


_SETTLE = """
UPDATE transfer_process SET told = $3, failures = $4, due_at = $5 WHERE id = $1 AND version = $2
"""


async def settle(
    connection: Connection, row_id: UUID, version: int, *, told: str, failures: int, due_at: datetime | None
) -> None:
    """What the consumer knows now, and when to look again; not where it was moved meanwhile."""
    await connection.execute(_SETTLE, row_id, version, told, failures, due_at)
