"""Filing a permitted income, moving it, and keeping what its year's comparison says."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import parse_rate, percent
from datamarket.prices import queries, rules
from datamarket.prices.rates import rates_on
from datamarket.prices.rules import INCOME_LIFE
from datamarket.prices.tables import PermittedIncome
from datamarket.prices.terms import Excess, IncomeEvent, IncomeItem, IncomeItemKind, IncomeState, PriceRate
from datamarket.zones import queries as zones
from datamarket.zones.resources.rules import check_operates


async def file_income(
    session: AsyncSession,
    actor: Actor,
    *,
    zone_id: UUID,
    year: int,
    figures: Sequence[IncomeItem],
    margin: str,
    now: datetime,
) -> PermittedIncome:
    """The zone's operator files the figures of a year; the yield is the stated one of its first day.

    Raises NotFound, ZoneNotYours, IncomeRateUnstated, MarginMalformed, MarginTooHigh, IncomeFiledAlready.
    """
    zone = await zones.get_zone(session, zone_id)
    check_operates(actor, zone.operator_id)
    rates = rates_on(date(year, 1, 1))
    if rates.treasury_yield is None or rates.margin_most is None:
        raise rules.IncomeRateUnstated(year=year, name=PriceRate.TREASURY_YIELD)
    margin_rate = rules.margin_of(margin, rates.margin_most)
    counted = rules.permitted(figures, rates.treasury_yield, margin_rate, ())
    row = PermittedIncome(
        id=new_id(now),
        zone_id=zone_id,
        operator_id=zone.operator_id,
        year=year,
        figures=[figure._asdict() for figure in figures],
        yield_rate=percent(rates.treasury_yield),
        margin_rate=percent(margin_rate),
        steps=[step._asdict() for step in counted.steps],
        amount_fen=counted.amount_fen,
        filed_by=actor.account_id,
        created_at=now,
    )
    session.add(row)
    await _record(session, actor, "file", row, now)
    return row


async def move_income(
    session: AsyncSession,
    actor: Actor,
    row: PermittedIncome,
    event: IncomeEvent,
    *,
    reason: str | None = None,
    now: datetime,
) -> PermittedIncome:
    """Review, approve, return; what is approved has taken off what is left of older excesses. `row` is locked.

    Raises IncomeNotYours, IncomeSamePerson, TransitionNotAllowed, ReasonMissing.
    """
    rules.check_mover(actor, event, filed_by=row.filed_by, reviewed_by=row.reviewed_by)
    INCOME_LIFE.check_reason(event, reason)
    row.state = INCOME_LIFE.after(row.state, event)
    row.reason = reason
    row.version += 1
    if event is IncomeEvent.REVIEW:
        row.reviewed_by = actor.account_id
    elif event is IncomeEvent.APPROVE:
        row.approved_by = actor.account_id
        await _deduct(session, row)
    await _record(session, actor, event, row, now, reason=reason)
    return row


async def _deduct(session: AsyncSession, row: PermittedIncome) -> None:
    """The steps anew, with the older excesses; what is taken off one is taken off once."""
    older = await queries.lock_excesses(session, row.zone_id, row.operator_id, row.year)
    excesses = [Excess(one.id, one.year, one.excess_fen - one.deducted_fen) for one in older]
    items = [IncomeItem(**{**item, "kind": IncomeItemKind(item["kind"])}) for item in row.figures]
    counted = rules.permitted(items, parse_rate(row.yield_rate), parse_rate(row.margin_rate), excesses)
    row.steps, row.amount_fen = [step._asdict() for step in counted.steps], counted.amount_fen
    for one, taken in zip(older, counted.deducted, strict=True):
        one.deducted_fen += taken.left_fen
        one.version += 1


async def compare_year(
    session: AsyncSession, actor: Actor, row: PermittedIncome, actual_fen: int, *, now: datetime
) -> PermittedIncome:
    """What was earned stands beside what was permitted. `row` is locked by the caller.

    Raises ZoneNotYours, IncomeNotApproved, IncomeYearNotOver, IncomeRateUnstated.
    """
    check_operates(actor, row.operator_id)
    check_approved(row)
    if business_date(now).year <= row.year:
        raise rules.IncomeYearNotOver(year=row.year)
    most = rates_on(date(row.year, 12, 31)).deviation_most
    if most is None:
        raise rules.IncomeRateUnstated(year=row.year, name=PriceRate.DEVIATION_MOST)
    compared = rules.compare(row.amount_fen, actual_fen, most)
    row.state = INCOME_LIFE.after(row.state, IncomeEvent.COMPARE)
    row.actual_fen, row.compared_at = actual_fen, now
    row.outcome, row.excess_fen = compared
    row.version += 1
    told = {"actual_fen": actual_fen, "outcome": compared.outcome, "excess_fen": compared.excess_fen}
    await _record(session, actor, IncomeEvent.COMPARE, row, now, **told)
    return row


def check_approved(row: PermittedIncome) -> None:
    """Raises IncomeNotApproved."""
    if row.state != IncomeState.APPROVED:
        raise rules.IncomeNotApproved(state=IncomeState(row.state))


async def _record(
    session: AsyncSession, actor: Actor, verb: str, row: PermittedIncome, now: datetime, **facts: Any
) -> None:
    facts |= {"year": row.year, "amount_fen": row.amount_fen}
    await record(session, actor, f"prices.{verb}-income", ("permitted_income", row.id), now=now, **facts)
