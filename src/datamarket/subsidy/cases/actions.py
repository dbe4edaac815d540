"""Registering cases and verifying what was invested."""

from datetime import date, datetime
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.errors import Conflict, Invalid
from datamarket.foundation.ids import new_id
from datamarket.subsidy.cases.tables import SubsidyCase, SubsidyClaim


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


class CaseEntry(TypedDict):
    """What a case says of itself; `claimed_elsewhere` names the policy that funded it already."""

    code: str
    enterprise_id: UUID
    title_zh: str
    title_en: str
    field: str
    level: str
    listed_on: date
    investment_fen: int | None
    claimed_elsewhere: str | None


async def register_case(
    session: AsyncSession, actor: Actor, *, verified: bool, now: datetime, **entry: Unpack[CaseEntry]
) -> SubsidyCase:
    """A case enters the register. Raises InvestmentMissing, CaseCodeTaken and EnterpriseUnknown."""
    if verified and entry["investment_fen"] is None:
        raise InvestmentMissing
    case = SubsidyCase(id=new_id(now), created_at=now, **entry)
    if verified:
        case.verified_by, case.verified_at = actor.account_id, now
    session.add(case)
    await session.flush()
    if case.claimed_elsewhere is not None:
        claim = SubsidyClaim(
            enterprise_id=case.enterprise_id,
            subject=project_subject(case.code),
            policy=case.claimed_elsewhere,
            claimed_at=now,
        )
        session.add(claim)
    await evidence.record(
        session,
        actor,
        "subsidy.register-case",
        ("case", case.id),
        now=now,
        code=case.code,
        enterprise_id=str(case.enterprise_id),
        investment_fen=case.investment_fen,
        verified=verified,
        claimed_elsewhere=case.claimed_elsewhere,
    )
    return case


async def return_claim(session: AsyncSession, line_id: UUID, *, now: datetime) -> None:
    """What an award was for may be claimed again: the award is not paid."""
    statement = update(SubsidyClaim).where(col(SubsidyClaim.line_id) == line_id)
    await session.exec(statement.values(returned_at=now))


async def verify_case(
    session: AsyncSession, actor: Actor, case: SubsidyCase, *, investment_fen: int, now: datetime
) -> SubsidyCase:
    """The audited investment replaces what a locked case declared. Raises VerifiedAlready."""
    if case.verified_by is not None:
        raise VerifiedAlready
    declared, case.investment_fen = case.investment_fen, investment_fen
    case.verified_by, case.verified_at = actor.account_id, now
    case.version += 1
    await evidence.record(
        session,
        actor,
        "subsidy.verify-case",
        ("case", case.id),
        now=now,
        declared_fen=declared,
        investment_fen=investment_fen,
    )
    return case
