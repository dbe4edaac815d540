"""What today's books say of a run's paid awards: each that they would not give in full, and what they justify again."""

import asyncio
from dataclasses import replace
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import driver
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.recoveries import queries
from datamarket.subsidy.recoveries.rules import cause_of, justified
from datamarket.subsidy.recoveries.terms import Ground
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs.queries import PaidAward, RunView
from datamarket.subsidy.scheme.vocabulary import ENTERPRISE_FACTS
from datamarket.subsidy.terms import Line, Snapshot


async def grounds_of(session: AsyncSession, view: RunView, *, now: datetime) -> list[Ground]:
    """In the order of the lines. Raises NotCalculated and what the evaluator raises.

    The amount is what was paid less what would be given, less what is decided for recovery already.
    """
    stored = await dossier.stored_snapshot(session, view)
    paid = await run_queries.paid_awards(session, run_id=view.run.id)
    decided = await queries.decided_of(session, run_id=view.run.id)
    rows = {row.id: row for row in await run_queries.award_lines(session, view.run.id)}
    today = await _today(session, view, stored, now)
    grounds = []
    for award in paid:
        row = rows[award.line_id]
        line = today.get((row.clause_id, row.candidate_id))
        cause, given = cause_of(dossier.line_of(row), line), line.amount_fen if line else 0
        left = award.paid_fen - decided.get(row.id, 0)
        amount = left - given
        if cause is not None and amount > 0:
            named = (row.id, row.clause_id, row.candidate_id, row.enterprise_id)
            grounds.append(Ground(*named, cause, award.paid_fen, given, left, amount))
    return grounds


async def justified_now(session: AsyncSession, view: RunView, paid: PaidAward, *, now: datetime) -> int:
    """What today's books justify of one paid award of a run. Raises NotCalculated and what the evaluator raises."""
    [row] = await run_queries.award_lines(session, view.run.id, line_id=paid.line_id)
    today = await _today(session, view, await dossier.stored_snapshot(session, view), now)
    return justified(dossier.line_of(row), today.get((row.clause_id, row.candidate_id)), paid.paid_fen)


async def _today(
    session: AsyncSession, view: RunView, stored: Snapshot, now: datetime
) -> dict[tuple[str, str], Line]:
    """The year evaluated with all that is known now, but for seat and standing of the enterprises: those were judged until payment."""
    year = snapshots.RunYear(view.run.ledger_id, view.run.year, now, view.run.id)
    taken = await snapshots.take(await driver(session), year, as_of=now)
    scheme = await dossier.scheme_of(session, view.run.scheme_version_id)
    judged = {
        (one.unit, one.id): {name: one.facts[name] for name in ENTERPRISE_FACTS if name in one.facts}
        for one in stored.candidates
    }
    kept = Snapshot.of(
        replace(one, facts={**one.facts, **judged.get((one.unit, one.id), {})})
        for one in taken.snapshot.candidates
    )
    result = await asyncio.to_thread(evaluate, scheme, kept, view.run.year)
    return {(line.clause, line.candidate): line for line in result.lines}
