"""Reading cases, and what stands beside them: shares, promotions, doubts, claims."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.queries import seen_by
from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.subsidy.cases.rules import Likeness, project_subject
from datamarket.subsidy.cases.tables import CasePromotion, CaseShare, SubsidyCase, SubsidyClaim
from datamarket.subsidy.cases.terms import CaseState, DoubtKind
from datamarket.subsidy.facts.terms import JOINT

MOST_COMPARED = 10_000
"""Cases, the newest: a city reports some hundreds [report], and as many titles are compared in a quarter of a second."""
_LOCK_REGISTER = text("SELECT pg_advisory_xact_lock(hashtext('subsidy_case'))")
_DOUBTS = text("""
SELECT d.of, o.id, o.code, o.state, d.kind
  FROM (SELECT case_id AS of, other_id AS other, kind FROM subsidy_case_doubt WHERE case_id = ANY (:ids)
        UNION ALL
        SELECT other_id, case_id, kind FROM subsidy_case_doubt WHERE other_id = ANY (:ids)) AS d
  JOIN subsidy_case o ON o.id = d.other
 ORDER BY o.code, d.kind
""")


@dataclass(frozen=True)
class DoubtSeen:
    """Another case that may be the same project."""

    case_id: UUID
    code: str
    state: str
    kind: DoubtKind


@dataclass(frozen=True)
class Beside:
    """What belongs to a case and stands in other tables."""

    shares: list[CaseShare] = field(default_factory=list)
    promotions: list[CasePromotion] = field(default_factory=list)
    doubts: list[DoubtSeen] = field(default_factory=list)


def _visible(actor: Actor) -> SelectOfScalar[SubsidyCase]:
    shared = select(CaseShare.case_id).where(seen_by(actor, CaseShare.enterprise_id))
    joint = [] if actor.sees_all else [col(SubsidyCase.id).in_(shared)]
    return select(SubsidyCase).where(or_(seen_by(actor, SubsidyCase.enterprise_id), *joint))


async def get_case(session: AsyncSession, case_id: UUID, *, visible_to: Actor) -> SubsidyCase:
    """Raises NotFound, also for another enterprise's case."""
    return await one_row(session, _visible(visible_to).where(SubsidyCase.id == case_id), "case")


async def lock_case(session: AsyncSession, case_id: UUID, *, visible_to: Actor) -> SubsidyCase:
    """The newest row, held until the transaction ends; others may still refer to it. Raises NotFound."""
    statement = _visible(visible_to).where(SubsidyCase.id == case_id).with_for_update(key_share=True)
    return await one_row(session, statement.execution_options(populate_existing=True), "case")


async def list_cases(
    session: AsyncSession,
    *,
    visible_to: Actor,
    enterprise: UUID | None,
    level: str | None,
    state: CaseState | None,
    page: PageAsked[UUID],
) -> Sequence[SubsidyCase]:
    """In the order they were registered."""
    wanted = asked(
        (SubsidyCase.enterprise_id, enterprise), (SubsidyCase.level, level), (SubsidyCase.state, state)
    )
    statement = _visible(visible_to).where(*wanted)
    return (await session.exec(keyset(statement, col(SubsidyCase.id), page))).all()


async def beside(session: AsyncSession, ids: Collection[UUID], *, visible_to: Actor) -> Mapping[UUID, Beside]:
    """Of each case its shares and promotions, and for overseers what it may be the same as: codes of others are not for its enterprise."""
    found: defaultdict[UUID, Beside] = defaultdict(Beside)
    shares = select(CaseShare).where(col(CaseShare.case_id).in_(ids)).order_by(col(CaseShare.enterprise_id))
    for share in (await session.exec(shares)).all():
        found[share.case_id].shares.append(share)
    for promotion in await promotions_of(session, ids):
        found[promotion.case_id].promotions.append(promotion)
    if visible_to.sees_all:
        rows = await (await session.connection()).execute(_DOUBTS, {"ids": list(ids)})
        for row in rows:
            found[row.of].doubts.append(DoubtSeen(row.id, row.code, row.state, DoubtKind(row.kind)))
    return found


async def promotions_of(session: AsyncSession, ids: Collection[UUID]) -> Sequence[CasePromotion]:
    """Of these cases, the earliest first."""
    statement = select(CasePromotion).where(col(CasePromotion.case_id).in_(ids))
    return (await session.exec(statement.order_by(col(CasePromotion.case_id), col(CasePromotion.n)))).all()


async def lock_register(session: AsyncSession) -> None:
    """Until the transaction ends nobody else registers or corrects: each meets what the one before it has written."""
    await (await session.connection()).execute(_LOCK_REGISTER)


async def others_than(session: AsyncSession, case_id: UUID) -> list[Likeness]:
    """What another case is compared with, revoked ones too: one that was paid may be entered anew."""
    statement = (
        select(
            SubsidyCase.id,
            SubsidyCase.title_zh,
            SubsidyCase.title_en,
            SubsidyCase.listed_on,
            SubsidyCase.investment_fen,
        )  # type: ignore[call-overload]
        .where(SubsidyCase.id != case_id)
        .order_by(col(SubsidyCase.id).desc())
        .limit(MOST_COMPARED)
    )
    return [Likeness(*row) for row in (await session.exec(statement)).all()]


async def is_paid(session: AsyncSession, code: str) -> bool:
    """Whether an award of a run was posted for the project."""
    paid = select(SubsidyClaim.subject).where(
        SubsidyClaim.subject == project_subject(code),
        col(SubsidyClaim.line_id).is_not(None),
        col(SubsidyClaim.returned_at).is_(None),
    )
    return (await session.exec(paid.limit(1))).first() is not None


_BOUND = text("""
SELECT EXISTS (SELECT FROM subsidy_line AS l JOIN subsidy_run AS r ON r.id = l.run_id
                WHERE r.state IN ('approved', 'posted', 'paying', 'paid', 'closed') AND l.amount_fen > 0
                  AND split_part(l.candidate_id, :joint, 1) = :code
                  AND NOT EXISTS (SELECT FROM subsidy_award_hold AS h WHERE h.line_id = l.id AND h.state = 'forgone'))
""")


async def is_bound(session: AsyncSession, code: str) -> bool:
    """Whether an approved run, or a later one, has an award for the project that was not forgone."""
    connection = await session.connection()
    return bool((await connection.execute(_BOUND, {"code": code, "joint": JOINT})).scalar_one())


async def lock_known(session: AsyncSession, codes: Collection[str]) -> dict[str, SubsidyCase]:
    """Cases by their codes; nobody changes them until the transaction ends."""
    statement = select(SubsidyCase).where(col(SubsidyCase.code).in_(codes)).order_by(col(SubsidyCase.code))
    found = await session.exec(statement.with_for_update(read=True).execution_options(populate_existing=True))
    return {case.code: case for case in found}
