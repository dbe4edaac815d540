"""An award that was paid, what came after it, and a recovery through the real actions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.participants.tables import Participant
from datamarket.subsidy.recoveries import actions, queries
from datamarket.subsidy.recoveries.tables import RecoveryReceipt, SubsidyRecovery
from datamarket.subsidy.recoveries.terms import RecoveryCause
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.tables import SubsidyLine, SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent
from tests.world import subsidy as world
from tests.world.people import actor
from tests.world.subsidy import AFTER_PUBLICITY, MARCH, Officers, Stage
from tests.world.trading import Agreement, refund

SOLD, AWARD = 20_000_000, 200_000
LATER = AFTER_PUBLICITY + timedelta(days=10)
"""7 February 2025."""
PAYING = (RunEvent.APPROVE, RunEvent.POST, RunEvent.PAY)


@dataclass
class PaidYear:
    """One seller whose award of a year was paid."""

    database: Database
    on: Stage
    seller: Participant
    agreement: Agreement
    trade: UUID
    run: SubsidyRun
    line: UUID
    officers: Officers
    decider: Actor = field(default_factory=lambda: actor(Role.FINANCE))

    async def refunded(self, amount_fen: int) -> None:
        await refund(
            self.database, self.agreement, self.trade, Fen(amount_fen), at=LATER - timedelta(hours=1)
        )

    async def proposed(
        self, cause: RecoveryCause = RecoveryCause.REFUND, amount_fen: int | None = None
    ) -> SubsidyRecovery:
        """By the officer who calculated the run."""
        async with self.database.transaction() as session:
            return await actions.propose_recovery(
                session,
                self.officers.calculator,
                line_id=self.line,
                cause=cause,
                amount_fen=amount_fen,
                reason="截止后退款",
                article="方案解释",
                now=LATER,
            )

    async def decided(
        self,
        row: SubsidyRecovery,
        *,
        fine: Fraction | None = None,
        plan: Sequence[tuple[date, int]] | None = None,
    ) -> SubsidyRecovery:
        """By another; without a plan in one instalment at the end of June."""
        async with self.database.transaction() as session:
            await run_queries.lock_run(session, row.run_id)
            locked = await queries.lock_recovery(session, row.id)
            whole = [(date(2025, 6, 30), row.amount_fen)]
            told: dict[str, Any] = {"reason": "事实清楚", "fine": fine, "plan": plan or whole, "now": LATER}
            return await actions.decide_recovery(session, self.decider, locked, **told)

    async def received(self, row: SubsidyRecovery, amount_fen: int, reference: str) -> RecoveryReceipt:
        async with self.database.transaction() as session:
            locked = await queries.lock_recovery(session, row.id)
            told: dict[str, Any] = {"amount_fen": amount_fen, "reference": reference, "now": LATER}
            return await actions.receive_payment(session, self.officers.payer, locked, **told)


async def paid_run(database: Database, officers: Officers) -> tuple[SubsidyRun, SubsidyLine]:
    """Beside it its first award."""
    run = await world.publicised(database, officers)
    run = await world.moved(database, officers, run, *PAYING, now=AFTER_PUBLICITY)
    async with database.transaction() as session:
        return run, (await run_queries.award_lines(session, run.id))[0]


async def paid_year(database: Database) -> PaidYear:
    on, officers = await world.stage(database), Officers()
    seller = await world.enterprise(database)
    agreement, [sold] = await world.sells(on, seller, SOLD, at=MARCH)
    run, line = await paid_run(database, officers)
    assert line.amount_fen == AWARD
    return PaidYear(database, on, seller, agreement, sold.id, run, line.id, officers)


async def owed(database: Database, officers: Officers) -> SubsidyRecovery:
    """A run is paid, and a part of its first award is to come back at the end of June."""
    run, line = await paid_run(database, officers)
    async with database.transaction() as session:
        row = await actions.propose_recovery(
            session,
            officers.calculator,
            line_id=line.id,
            cause=RecoveryCause.FRAUD,
            amount_fen=100,
            reason="核查属实",
            article="方案解释",
            now=LATER,
        )
        await run_queries.lock_run(session, run.id)
        told: dict[str, Any] = {"fine": None, "plan": [(date(2025, 6, 30), 100)], "now": LATER}
        return await actions.decide_recovery(session, officers.payer, row, reason="事实清楚", **told)
