"""Registering cases and verifying what was invested."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.errors import Conflict, Invalid
from datamarket.foundation.ids import new_id
from datamarket.subsidy import scheme_queries
from datamarket.subsidy.tables import SubsidyCase, SubsidyClaim


class InvestmentMissing(Invalid):
    code = "subsidy.investment-missing"
    zh = "核定投资额时须给出金额。"
    en = "An investment is verified with its amount."


class VerifiedAlready(Conflict):
    code = "subsidy.verified-already"
    zh = "该项目的投资额已核定。"
    en = "The investment of this project is verified already."


def project_subject(code: str) -> str:
    """What is claimed for a project: once, in whatever year and under whatever policy."""
    return f"project:{code}"


async def register_case(
    session: AsyncSession,
    actor: Actor,
    *,
    code: str,
    enterprise_id: UUID,
    title_zh: str,
    title_en: str,
    field: str,
    level: str,
    listed_on: date,
    investment_fen: int | None,
    verified: bool,
    claimed_elsewhere: str | None,
    now: datetime,
) -> SubsidyCase:
    """A case enters the register; `claimed_elsewhere` names the policy that funded it already.

    Raises InvestmentMissing, CaseCodeTaken and EnterpriseUnknown.
    """
    if verified and investment_fen is None:
        raise InvestmentMissing
    case = SubsidyCase(
        id=new_id(now),
        code=code,
        enterprise_id=enterprise_id,
        title_zh=title_zh,
        title_en=title_en,
        field=field,
        level=level,
        listed_on=listed_on,
        investment_fen=investment_fen,
        verified_by=actor.account_id if verified else None,
        verified_at=now if verified else None,
        claimed_elsewhere=claimed_elsewhere,
        created_at=now,
    )
    session.add(case)
    await session.flush()
    if claimed_elsewhere is not None:
        session.add(
            SubsidyClaim(
                enterprise_id=enterprise_id,
                subject=project_subject(code),
                policy=claimed_elsewhere,
                claimed_at=now,
            )
        )
    evidence.record(
        session,
        actor,
        "subsidy.register-case",
        ("case", case.id),
        now=now,
        code=code,
        enterprise_id=str(enterprise_id),
        investment_fen=investment_fen,
        verified=verified,
        claimed_elsewhere=claimed_elsewhere,
    )
    await session.flush()
    return case


async def verify_case(
    session: AsyncSession, actor: Actor, case_id: UUID, *, investment_fen: int, now: datetime
) -> SubsidyCase:
    """The audited investment replaces what was declared. Raises NotFound and VerifiedAlready."""
    case = await scheme_queries.get_case(session, case_id, visible_to=actor, lock=True)
    if case.verified_by is not None:
        raise VerifiedAlready
    declared, case.investment_fen = case.investment_fen, investment_fen
    case.verified_by, case.verified_at = actor.account_id, now
    case.version += 1
    evidence.record(
        session,
        actor,
        "subsidy.verify-case",
        ("case", case.id),
        now=now,
        declared_fen=declared,
        investment_fen=investment_fen,
    )
    await session.flush()
    return case
