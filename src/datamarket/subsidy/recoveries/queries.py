"""Reading recoveries, their plans and receipts, and what of an award may still be recovered."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import and_, case, col, func, select, true
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, keyset, lock_row, one_row
from datamarket.foundation.tables import BigInteger
from datamarket.subsidy.recoveries.letter import RecoveryUndecided, WrittenRecovery
from datamarket.subsidy.recoveries.rules import BINDING, OWED, paid_down
from datamarket.subsidy.recoveries.tables import (
    RecoveryInstalment,
    RecoveryReceipt,
    RecoveryRestoration,
    SubsidyRecovery,
)
from datamarket.subsidy.recoveries.terms import DueInstalment, RecoveryCause, RecoveryState
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.dossier import Recovered
from datamarket.subsidy.runs.tables import SubsidyLine
from datamarket.subsidy.terms import LineStatus


class RecoveryView(NamedTuple):
    """A recovery with its plan, as it is paid down, what came in and what was given again."""

    recovery: SubsidyRecovery
    plan: list[DueInstalment]
    receipts: Sequence[RecoveryReceipt]
    restorations: Sequence[RecoveryRestoration]


def _visible(actor: Actor) -> SelectOfScalar[SubsidyRecovery]:
    """Overseers see every recovery; an enterprise its own, once it is decided."""
    decided = col(SubsidyRecovery.decided_at).is_not(None)
    own = and_(col(SubsidyRecovery.enterprise_id) == actor.participant_id, decided)
    return select(SubsidyRecovery).where(true() if actor.sees_all else own)


async def list_recoveries(
    session: AsyncSession,
    *,
    visible_to: Actor,
    state: RecoveryState | None = None,
    enterprise: UUID | None = None,
    line: UUID | None = None,
    page: PageAsked[UUID],
) -> Sequence[SubsidyRecovery]:
    """In the order they were proposed."""
    wanted = asked(
        (SubsidyRecovery.state, state),
        (SubsidyRecovery.enterprise_id, enterprise),
        (SubsidyRecovery.line_id, line),
    )
    statement = _visible(visible_to).where(*wanted)
    return (await session.exec(keyset(statement, col(SubsidyRecovery.id), page))).all()


async def get_recovery(session: AsyncSession, recovery_id: UUID, *, visible_to: Actor) -> SubsidyRecovery:
    """Raises NotFound, also for another enterprise's, or before it is decided."""
    return await one_row(session, _visible(visible_to).where(SubsidyRecovery.id == recovery_id), "recovery")


async def lock_recovery(session: AsyncSession, recovery_id: UUID) -> SubsidyRecovery:
    """The newest row, held until the transaction ends. Raises NotFound."""
    return await lock_row(session, SubsidyRecovery, recovery_id, "recovery")


async def lock_owed(session: AsyncSession, ledger_id: int, enterprise_id: UUID) -> Sequence[SubsidyRecovery]:
    """What an enterprise still has to pay back, oldest first, held until the transaction ends."""
    owed = (SubsidyRecovery.ledger_id == ledger_id, SubsidyRecovery.enterprise_id == enterprise_id)
    statement = select(SubsidyRecovery).where(*owed, col(SubsidyRecovery.state).in_(OWED))
    ordered = statement.order_by(col(SubsidyRecovery.id)).with_for_update()
    return (await session.exec(ordered.execution_options(populate_existing=True))).all()


async def plan_of(session: AsyncSession, recovery: SubsidyRecovery) -> list[DueInstalment]:
    """Its instalments in their order, as far as they are paid."""
    statement = select(RecoveryInstalment).where(RecoveryInstalment.recovery_id == recovery.id)
    rows = (await session.exec(statement.order_by(col(RecoveryInstalment.n)))).all()
    return paid_down([(row.n, row.due_on, row.amount_fen) for row in rows], recovery.received_fen)


async def view_of(session: AsyncSession, recovery: SubsidyRecovery) -> RecoveryView:
    """What came in and what was given again, oldest first."""
    came_in = select(RecoveryReceipt).where(RecoveryReceipt.recovery_id == recovery.id)
    receipts = (await session.exec(came_in.order_by(col(RecoveryReceipt.id)))).all()
    given = select(RecoveryRestoration).where(RecoveryRestoration.recovery_id == recovery.id)
    restorations = (await session.exec(given.order_by(col(RecoveryRestoration.id)))).all()
    return RecoveryView(recovery, await plan_of(session, recovery), receipts, restorations)


async def decided_of(
    session: AsyncSession,
    *,
    run_id: UUID | None = None,
    line_id: UUID | None = None,
    without: RecoveryCause | None = None,
) -> dict[UUID, int]:
    """Of each line, what is decided for recovery, come in or not, and was not given again."""
    lasting = col(SubsidyRecovery.amount_fen) - col(SubsidyRecovery.restored_fen)
    statement = (
        select(SubsidyRecovery.line_id, func.sum(lasting).cast(BigInteger))
        .where(*([SubsidyRecovery.cause != without] if without else []))
        .where(col(SubsidyRecovery.state).in_(BINDING))
        .where(*asked((SubsidyRecovery.run_id, run_id), (SubsidyRecovery.line_id, line_id)))
        .group_by(col(SubsidyRecovery.line_id))
    )
    return dict((await session.exec(statement)).all())


_STANDING = case(
    (func.bool_or(col(SubsidyRecovery.state).in_(OWED)), LineStatus.RECOVERING.value),
    (
        func.bool_or(
            and_(
                col(SubsidyRecovery.state) == RecoveryState.RECOVERED,
                col(SubsidyRecovery.restored_fen) < col(SubsidyRecovery.amount_fen),
            )
        ),
        LineStatus.RECOVERED.value,
    ),
)
STATUS_OF_LINE: Any = (
    select(_STANDING)
    .where(SubsidyRecovery.line_id == SubsidyLine.id)
    .correlate(SubsidyLine)
    .scalar_subquery()
)
"""Whether the award of a line comes back, or has; null where nothing of it is decided, or all was given again."""


async def came_back(session: AsyncSession, run_id: UUID) -> list[Recovered]:
    """What came in of the recoveries of a run, less what was given again, oldest first."""
    receipt = (RecoveryReceipt.amount_fen, RecoveryReceipt.received_at, RecoveryReceipt.entry_id)
    again = col(RecoveryRestoration.set_off_fen) - col(RecoveryRestoration.amount_fen)
    restoration = (again, RecoveryRestoration.restored_at, RecoveryRestoration.entry_id)
    ours = SubsidyRecovery.run_id == run_id
    came = select(SubsidyRecovery.line_id, *receipt).join(
        RecoveryReceipt, col(RecoveryReceipt.recovery_id) == SubsidyRecovery.id
    )
    went = select(SubsidyRecovery.line_id, *restoration).join(
        RecoveryRestoration, col(RecoveryRestoration.recovery_id) == SubsidyRecovery.id
    )
    rows = [*await session.exec(came.where(ours)), *await session.exec(went.where(ours, again < 0))]
    return sorted((Recovered(*row) for row in rows), key=lambda one: (one.at, one.entry_id))


async def written(session: AsyncSession, row: SubsidyRecovery) -> WrittenRecovery:
    """What its letter says, as it was decided. Raises RecoveryUndecided."""
    if row.state not in BINDING or row.decided_at is None:
        raise RecoveryUndecided
    run = (await run_queries.get_run(session, row.run_id)).run
    [line] = await run_queries.award_lines(session, run.id, line_id=row.line_id)
    [paid] = await run_queries.paid_awards(session, line_id=line.id)
    scheme = await dossier.scheme_of(session, run.scheme_version_id)
    told = {name: getattr(row, name) for name in WrittenRecovery._fields if hasattr(row, name)}
    return WrittenRecovery(
        **told | {"cause": RecoveryCause(row.cause)},
        enterprise=line.enterprise_zh,
        uscc=line.uscc,
        year=run.year,
        award=scheme.clause(line.clause_id).title.zh,
        issuer=dossier.issuer_of(scheme),
        paid_fen=paid.paid_fen,
        plan=tuple(await plan_of(session, row)),
    )
