"""From approval to the bank: what is payable and what is paid, each line once, all in one posting."""

from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.db import driver
from datamarket.foundation.errors import Refused
from datamarket.ledger import posting
from datamarket.ledger.terms import AccountKey, AccountKind, EntryKind, moved
from datamarket.participants import queries as participants
from datamarket.subsidy.cases.rules import project_subject
from datamarket.subsidy.cases.tables import SubsidyClaim
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.register.tables import BudgetShort
from datamarket.subsidy.runs import dossier, queries, sealed
from datamarket.subsidy.runs.rules import check_publicity_over
from datamarket.subsidy.runs.tables import SubsidyLine, SubsidyPosting, SubsidyRun
from datamarket.subsidy.terms import Unit

SOURCE = "subsidy_line"


class AwardeeSuspended(Refused):
    code = "subsidy.awardee-suspended"
    zh = "拟奖补企业“{name_zh}”（{uscc}）现处于暂停状态，须重新取数计算。"
    en = "The awardee '{name_en}' ({uscc}) is suspended now; take a new snapshot and calculate again."


async def approve(session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime) -> dict[str, Any]:
    """The publicity is over, nobody awarded is suspended, and the year's pool holds what is promised.

    Raises RunPublicityRunning, RunNotAsSealed, AwardeeSuspended, BudgetShort.
    """
    if run.publicity_to is not None:
        check_publicity_over(run.publicity_to, now=now)
    await sealed.check_as_sealed(session, run)
    suspended = await participants.suspended_at(session, now)
    for line in await queries.award_lines(session, run.id):
        if line.enterprise_id in suspended:
            raise AwardeeSuspended(name_zh=line.enterprise_zh, name_en=line.enterprise_en, uscc=line.uscc)
    total = run.total_fen or 0
    budget = await register_queries.lock_budget(session, run.scheme_id, run.year)
    if budget is not None:
        if budget.committed_fen + total > budget.amount_fen:
            raise BudgetShort
        budget.committed_fen += total
        budget.version += 1
    run.approved_by = actor.account_id
    return {"total_fen": total, "rows": [budget] if budget else []}


async def post(session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime) -> dict[str, Any]:
    """Each award becomes payable, and what it was for is claimed. Raises RunNotAsSealed, ClaimedAlready, LinePostedAlready."""
    await sealed.check_as_sealed(session, run)
    claims = []
    scheme = await dossier.scheme_of(session, run.scheme_version_id)
    for line in await queries.award_lines(session, run.id):
        clause = scheme.clause(line.clause_id)
        by_project = clause.unit is Unit.PROJECT
        yearly = f"{run.scheme_id}/{clause.id}/{run.year}"
        claim = SubsidyClaim(
            enterprise_id=line.enterprise_id,
            subject=project_subject(line.candidate_id) if by_project else yearly,
            policy=f"{run.scheme_id}/{clause.id}",
            line_id=line.id,
            claimed_at=now,
        )
        claims.append(claim)
    session.add_all(claims)
    settled = await _settle(session, actor, run, kind=EntryKind.SUBSIDY_APPROVED, now=now)
    return settled | {"rows": [*claims, *settled["rows"]]}


async def pay(session: AsyncSession, actor: Actor, run: SubsidyRun, *, now: datetime) -> dict[str, Any]:
    """The bank pays what is payable. Raises RunNotAsSealed, LinePostedAlready."""
    await sealed.check_as_sealed(session, run)
    return await _settle(session, actor, run, kind=EntryKind.SUBSIDY_PAID, now=now)


def _sides(run: SubsidyRun, line: SubsidyLine, kind: EntryKind) -> tuple[AccountKey, AccountKey]:
    """Debit and credit: expense to payable when approved, payable to bank when paid."""
    payable = AccountKey(run.ledger_id, line.enterprise_id, AccountKind.SUBSIDY_PAYABLE)
    if kind is EntryKind.SUBSIDY_APPROVED:
        return AccountKey(run.ledger_id, None, AccountKind.SUBSIDY_EXPENSE), payable
    return payable, AccountKey(run.ledger_id, None, AccountKind.BANK)


async def _settle(
    session: AsyncSession, actor: Actor, run: SubsidyRun, *, kind: EntryKind, now: datetime
) -> dict[str, Any]:
    """One entry a line, from the debit account to the credit account, in one batch."""
    lines = await queries.award_lines(session, run.id)
    postings, rows, accounts = [], [], set()
    for line in lines:
        debit, credit = _sides(run, line, kind)
        accounts |= {debit, credit}
        legs = moved(debit.id, credit.id, line.amount_fen)
        entry = posting.new_posting(actor, kind, (SOURCE, line.id), legs, now=now)
        postings.append(entry)
        rows.append(
            SubsidyPosting(
                line_id=line.id, kind=kind, entry_id=entry.id, amount_fen=line.amount_fen, posted_at=now
            )
        )
    session.add_all(rows)
    connection = await driver(session)
    await posting.open_accounts(connection, run.ledger_id, accounts, now=now)
    await posting.post(connection, run.ledger_id, postings, now=now)
    return {"entries": len(postings), "total_fen": sum(line.amount_fen for line in lines), "rows": rows}
