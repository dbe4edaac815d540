"""Owing, proving and watching the disposal of data."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import CLOCK, Actor
from datamarket.contracts.deadlines import deadline
from datamarket.contracts.disposal import queries, rules
from datamarket.contracts.disposal.tables import ContractDisposal
from datamarket.contracts.disposal.terms import DisposalEvent, DisposalKind
from datamarket.contracts.tables import Contract
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Database, driver

LARGEST_BATCH = 200


async def owe_disposal(session: AsyncSession, contract: Contract, *, now: datetime) -> None:
    """A contract that was in use is over: its buyer disposes of what it received."""
    due_at = rules.due_by(contract.annex, deadline("disposal", now), now)
    session.add(ContractDisposal(contract_id=contract.id, due_at=due_at))


async def prove_disposal(
    session: AsyncSession,
    actor: Actor,
    contract: Contract,
    duty: ContractDisposal,
    *,
    kind: DisposalKind,
    digest: str,
    now: datetime,
) -> ContractDisposal:
    """The buyer says what was done, with the digest of its evidence. Raises BuyerDisposes, TransitionNotAllowed."""
    if actor.participant_id != contract.buyer_id:
        raise rules.BuyerDisposes
    duty.state = rules.DISPOSAL_LIFE.after(duty.state, DisposalEvent.PROVE)
    duty.kind, duty.digest, duty.proved_at = kind, digest, now
    duty.version += 1
    await evidence.record(
        session,
        actor,
        "contracts.prove-disposal",
        ("contract", contract.id),
        now=now,
        kind=kind,
        digest=digest,
        due_at=duty.due_at.isoformat(),
    )
    return duty


async def watch_due(database: Database, _ledger_id: int, now: datetime) -> int:
    """Duties that are not proved in time are told, one batch."""
    async with database.transaction() as session:
        rows = await queries.lock_overdue(session, now, LARGEST_BATCH)
        for duty in rows:
            duty.state = rules.DISPOSAL_LIFE.after(duty.state, DisposalEvent.FALL_DUE)
            duty.version += 1
        await session.flush()
        events = [
            evidence.Event(CLOCK, duty.contract_id, {"due_at": duty.due_at.isoformat()}) for duty in rows
        ]
        if events:
            connection, action = await driver(session), "contracts.disposal-overdue"
            await evidence.record_many(connection, action, "contract", events, now=now)
    return len(rows)
