"""A run from its first event to its last, by the officers whose turn it is; each event its own transaction."""

from datetime import datetime

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.subsidy.register.actions import load_shipped_schemes
from datamarket.subsidy.runs import queries, rules
from datamarket.subsidy.runs.actions import move_run, open_run
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent

CITY_SCHEME = "qd-data-element"


async def run_whole(
    database: Database,
    *,
    year: int,
    calculator: Actor,
    reviewer: Actor,
    approver: Actor,
    payer: Actor,
    now: datetime,
    ledger_id: int,
    scheme: str = CITY_SCHEME,
) -> SubsidyRun:
    """Snapshot, calculation, review, publicity, approval, posting, payment, closing.

    `now` must lie after the year; approval and what follows happen when the publicity is over.
    """
    async with database.transaction() as session:
        await load_shipped_schemes(session, approver, now=now)
        run = await open_run(
            session, calculator, ledger_id, scheme_id=scheme, year=year, cutoff=None, now=now
        )
    hands = {
        RunEvent.SNAPSHOT: calculator,
        RunEvent.CALCULATE: calculator,
        RunEvent.SUBMIT: calculator,
        RunEvent.PUBLICISE: reviewer,
        RunEvent.APPROVE: approver,
        RunEvent.POST: payer,
        RunEvent.PAY: payer,
        RunEvent.CLOSE: payer,
    }
    for event, officer in hands.items():
        if event is RunEvent.APPROVE and run.publicity_to is not None:
            now = rules.earliest_approval(run.publicity_to, now)
        async with database.transaction() as session:
            locked = await queries.lock_run(session, run.id)
            run = await move_run(session, officer, locked, event, now=now)
    return run
