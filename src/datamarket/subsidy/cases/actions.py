"""Registering, verifying, correcting, promoting and revoking cases: each told with what it changed, before and after."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple, TypedDict, Unpack
from uuid import UUID

from sqlmodel import SQLModel, col, delete, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.ids import new_id
from datamarket.subsidy.cases import queries, rules
from datamarket.subsidy.cases.rules import CASE_LIFE
from datamarket.subsidy.cases.tables import CaseDoubt, CasePromotion, CaseShare, SubsidyCase, SubsidyClaim
from datamarket.subsidy.cases.terms import CaseEvent, CaseLevel, CaseState
from datamarket.subsidy.facts.review import review_rules
from datamarket.subsidy.papers.tables import SubsidyPaper

Shares = Sequence[tuple[UUID, Fraction]]


class CaseEntry(TypedDict):
    """What a case says of itself; `claimed_elsewhere` names the policy that funded it already."""

    code: str
    enterprise_id: UUID
    title_zh: str
    title_en: str
    field: str
    level: str
    listed_on: date
    list_name: str
    list_number: str
    investment_fen: int | None
    claimed_elsewhere: str | None


async def register_case(
    session: AsyncSession, actor: Actor, *, shares: Shares = (), now: datetime, **entry: Unpack[CaseEntry]
) -> SubsidyCase:
    """A case enters the register, to be verified by another hand; a joint one with the shares of its enterprises.

    Raises SharesWrong, CaseCodeTaken, ListNumberTaken and EnterpriseUnknown.
    """
    rules.check_shares(entry["enterprise_id"], shares)
    await queries.lock_register(session)
    case = SubsidyCase(
        id=new_id(now),
        created_at=now,
        registered_by=actor.account_id,
        list_key=rules.key_of(entry["list_name"], entry["list_number"]),
        **entry,
    )
    session.add(case)
    await session.flush()
    session.add_all(_shares_of(case, shares))
    doubts = await _doubt(session, case)
    rows: list[SQLModel] = [case]
    if case.claimed_elsewhere is not None:
        claim = SubsidyClaim(
            enterprise_id=case.enterprise_id,
            subject=rules.project_subject(case.code),
            policy=case.claimed_elsewhere,
            claimed_at=now,
        )
        session.add(claim)
        rows.append(claim)
    told = _told(entry) | {"shares": _shares_told(shares), "doubts": doubts}
    await evidence.record(session, actor, "subsidy.register-case", ("case", case.id), *rows, now=now, **told)
    return case


async def return_claims(session: AsyncSession, line_id: UUID, *, now: datetime) -> Sequence[SubsidyClaim]:
    """What an award was for may be claimed again: the award is not paid. The claims that were given back."""
    claims = (await session.exec(select(SubsidyClaim).where(SubsidyClaim.line_id == line_id))).all()
    for claim in claims:
        claim.returned_at = now
    return claims


async def verify_case(
    session: AsyncSession,
    actor: Actor,
    case: SubsidyCase,
    *,
    investment_fen: int | None,
    paper: SubsidyPaper | None,
    now: datetime,
) -> SubsidyCase:
    """The audited investment replaces what a locked case declared, by another hand than entered it.

    Raises VerifiedAlready, TransitionNotAllowed, CaseHandsNotSeparate, InvestmentMissing, AuditPaperMissing and
    ListNumberMissing.
    """
    if case.state == CaseState.VERIFIED:
        raise rules.VerifiedAlready
    case.state = CASE_LIFE.after(case.state, CaseEvent.VERIFY)
    rules.check_hands(actor.account_id, case.registered_by, case.corrected_by)
    if investment_fen is None:
        raise rules.InvestmentMissing
    if paper is None:
        raise rules.AuditPaperMissing
    if case.list_key is None:
        raise rules.ListNumberMissing
    declared, case.investment_fen = case.investment_fen, investment_fen
    case.verified_by, case.verified_at, case.paper_id = actor.account_id, now, paper.id
    case.version += 1
    await evidence.record(
        session,
        actor,
        "subsidy.verify-case",
        ("case", case.id),
        case,
        now=now,
        declared_fen=declared,
        investment_fen=investment_fen,
        paper_sha256=paper.sha256,
    )
    return case


async def correct_case(
    session: AsyncSession,
    actor: Actor,
    case: SubsidyCase,
    *,
    reason: str,
    shares: Shares | None = None,
    now: datetime,
    **entry: Any,
) -> SubsidyCase:
    """What was mistyped in a locked case, whatever its state was: it is to be verified again. All shares, or none named.

    Raises ReasonMissing, TransitionNotAllowed, CasePaid, SharesWrong, NothingCorrected, ListNumberTaken, EnterpriseUnknown.
    """
    state = CASE_LIFE.after(case.state, CaseEvent.CORRECT)
    CASE_LIFE.check_reason(CaseEvent.CORRECT, reason)
    await queries.lock_register(session)
    if await queries.is_bound(session, case.code):
        raise rules.CasePaid
    held = (await queries.beside(session, [case.id], visible_to=actor))[case.id].shares
    old_shares = sorted((share.enterprise_id, share.part) for share in held)
    wanted = old_shares if shares is None else sorted(shares)
    rules.check_shares(entry.get("enterprise_id", case.enterprise_id), wanted)
    old = case.model_dump(include=set(entry)) | {"shares": old_shares}
    new = rules.changed(old, entry | {"shares": wanted})
    case.state, case.corrected_by = state, actor.account_id
    case.verified_by = case.verified_at = case.paper_id = None
    case.version += 1
    told = {"before": _told({name: old[name] for name in new}), "after": _told(new)}
    told["doubts"] = await _rewrite(session, case, new)
    await evidence.record(
        session, actor, "subsidy.correct-case", ("case", case.id), case, now=now, reason=reason, **told
    )
    return case


async def _rewrite(session: AsyncSession, case: SubsidyCase, new: Mapping[str, Any]) -> Any:
    """The case says what is new of it, and is compared with others again; its doubts."""
    case.sqlmodel_update({name: value for name, value in new.items() if name != "shares"})
    if case.list_name is not None and case.list_number is not None:
        case.list_key = rules.key_of(case.list_name, case.list_number)
    await session.flush()
    if "shares" in new:
        await session.exec(delete(CaseShare).where(col(CaseShare.case_id) == case.id))
        session.add_all(_shares_of(case, new["shares"]))
    of_this = or_(col(CaseDoubt.case_id) == case.id, col(CaseDoubt.other_id) == case.id)
    await session.exec(delete(CaseDoubt).where(of_this))
    return await _doubt(session, case)


class HigherList(NamedTuple):
    """A place on a list, and the paper that shows it."""

    level: CaseLevel
    listed_on: date
    list_name: str
    list_number: str
    paper: SubsidyPaper


async def promote_case(
    session: AsyncSession, actor: Actor, case: SubsidyCase, to: HigherList | None, *, now: datetime
) -> SubsidyCase:
    """A locked case has entered a higher list from `now` on, by another hand than entered it; its investment stays verified.

    Raises TransitionNotAllowed, CaseHandsNotSeparate, PromotionIncomplete, PromotionNotHigher and ListNumberTaken.
    """
    case.state = CASE_LIFE.after(case.state, CaseEvent.PROMOTE)
    rules.check_hands(actor.account_id, case.registered_by, case.corrected_by)
    if to is None:
        raise rules.PromotionIncomplete
    rules.check_promotion(case.level, case.listed_on, to.level, to.listed_on)
    await queries.lock_register(session)
    place = {name: value for name, value in to._asdict().items() if name != "paper"}
    old: dict[str, Any] = case.model_dump(include=set(place))
    promotion = CasePromotion(
        case_id=case.id,
        n=len(await queries.promotions_of(session, [case.id])) + 1,
        **{f"from_{name}": value for name, value in old.items()},
        **place,
        paper_id=to.paper.id,
        promoted_by=actor.account_id,
        promoted_at=now,
    )
    session.add(promotion)
    case.version += 1
    told = {"before": _told(old), "after": _told(place), "paper_sha256": to.paper.sha256}
    told["doubts"] = await _rewrite(session, case, place)
    subject = "case", case.id
    await evidence.record(session, actor, "subsidy.promote-case", subject, case, promotion, now=now, **told)
    return case


async def revoke_case(
    session: AsyncSession, actor: Actor, case: SubsidyCase, *, reason: str | None, now: datetime
) -> SubsidyCase:
    """A locked case counts in no run from now on: what is not paid is held, what was paid shows as drift. Raises ReasonMissing."""
    case.state = CASE_LIFE.after(case.state, CaseEvent.REVOKE)
    CASE_LIFE.check_reason(CaseEvent.REVOKE, reason)
    case.version += 1
    paid = await queries.is_paid(session, case.code)
    await evidence.record(
        session, actor, "subsidy.revoke-case", ("case", case.id), case, now=now, reason=reason, paid=paid
    )
    return case


def _shares_of(case: SubsidyCase, shares: Shares) -> list[CaseShare]:
    return [
        CaseShare(
            case_id=case.id,
            enterprise_id=enterprise,
            numerator=part.numerator,
            denominator=part.denominator,
        )
        for enterprise, part in shares
    ]


async def _doubt(session: AsyncSession, case: SubsidyCase) -> list[dict[str, str]]:
    """Write down what the case may be the same as, and tell it."""
    others = await queries.others_than(session, case.id)
    this = rules.Likeness(case.id, case.title_zh, case.title_en, case.listed_on, case.investment_fen)
    found = await asyncio.to_thread(rules.doubts_of, this, others, review_rules().alike)
    session.add_all(CaseDoubt(case_id=case.id, other_id=other, kind=kind) for other, kind in found)
    return [{"case": str(other), "kind": kind} for other, kind in found]


def _shares_told(shares: Shares) -> dict[str, str]:
    return {str(enterprise): str(part) for enterprise, part in shares}


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has it: ids and days as text."""
    told = {
        name: str(value) if isinstance(value, UUID | date) else value
        for name, value in entry.items()
        if name != "shares"
    }
    return told | ({"shares": _shares_told(entry["shares"])} if "shares" in entry else {})
