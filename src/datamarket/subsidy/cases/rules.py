"""Decisions about cases: their life, whose hands, shares of a joint project, and what looks like another case. Pure."""

import difflib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from uuid import UUID

from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.states import Life
from datamarket.subsidy.cases.terms import CaseEvent, CaseLevel, CaseState, DoubtKind
from datamarket.subsidy.facts.terms import JOINT

S, E = CaseState, CaseEvent
CASE_LIFE = Life(
    "case",
    "典型案例",
    "Typical case",
    {
        (S.REGISTERED, E.VERIFY): S.VERIFIED,
        (S.CORRECTED, E.VERIFY): S.VERIFIED,
        (S.REGISTERED, E.CORRECT): S.CORRECTED,
        (S.CORRECTED, E.CORRECT): S.CORRECTED,
        (S.VERIFIED, E.CORRECT): S.CORRECTED,
        (S.REGISTERED, E.PROMOTE): S.REGISTERED,
        (S.CORRECTED, E.PROMOTE): S.CORRECTED,
        (S.VERIFIED, E.PROMOTE): S.VERIFIED,
        (S.REGISTERED, E.REVOKE): S.REVOKED,
        (S.CORRECTED, E.REVOKE): S.REVOKED,
        (S.VERIFIED, E.REVOKE): S.REVOKED,
    },
    reasons=frozenset({E.CORRECT, E.REVOKE}),
)
MOST_DOUBTS = 20
"""Of one kind, beside one case: who sees twenty knows that its title says nothing."""


class InvestmentMissing(Invalid):
    code = "subsidy.investment-missing"
    zh = "核定投资额时须给出金额。"
    en = "An investment is verified with its amount."


class VerifiedAlready(Conflict):
    code = "subsidy.verified-already"
    zh = "该项目的投资额已核定。"
    en = "The investment of this project is verified already."


class AuditPaperMissing(Invalid):
    code = "subsidy.audit-paper-missing"
    zh = "核定投资额须指明专项审计材料。"
    en = "An investment is verified with its audit paper."


class CaseHandsNotSeparate(Refused):
    code = "subsidy.case-hands-not-separate"
    zh = "登记或更正案例的账户不得核定该案例或办理其晋级，须由另一账户办理。"
    en = "Who registered or corrected a case does not verify or promote it; another account does."


class ListNumberMissing(Conflict):
    code = "subsidy.list-number-missing"
    zh = "该案例没有名单名称和编号：请先更正补录，再核定。"
    en = "The case has no list and number: correct it first, then verify it."


class PromotionIncomplete(Invalid):
    code = "subsidy.promotion-incomplete"
    zh = "晋级须给出名单级别、名称、编号、入选日期和名单文件。"
    en = "A promotion names the list's level, name, number, day and paper."


class PromotionNotHigher(Invalid):
    code = "subsidy.promotion-not-higher"
    zh = "晋级的名单须高于现有级别“{level}”，入选日期不早于 {listed_on}；录入有误的请更正。"
    en = "A case is promoted above its level '{level}', on {listed_on} or later; what was mistyped is corrected."


class SharesWrong(Invalid):
    code = "subsidy.shares-wrong"
    zh = "联合项目须含牵头企业在内至少两家企业，每家一份，份额之和恰为 1；现为 {sum}。"
    en = "A joint project has two enterprises or more, its leading one among them, each once, and shares that add up to 1, not {sum}."


class NothingCorrected(Invalid):
    code = "subsidy.nothing-corrected"
    zh = "更正内容与原登记相同。"
    en = "The correction says what is registered already."


class CasePaid(Conflict):
    code = "subsidy.case-paid"
    zh = "该项目的奖补已批准，不能更正；可说明理由撤销：未付的不再支付，已付部分列入差异报告。"
    en = "An award for this project is approved, so it is not corrected; it can be revoked with a reason: what is not paid is held, what was paid shows as drift."


@dataclass(frozen=True)
class Likeness:
    """What of a case is compared with others."""

    id: UUID
    title_zh: str
    title_en: str
    listed_on: date
    investment_fen: int | None


def key_of(*texts: str) -> str:
    """What is left of texts without width, case, spaces and punctuation: equal keys are one name."""
    folded = (unicodedata.normalize("NFKC", text).casefold() for text in texts)
    return "/".join("".join(filter(str.isalnum, text)) for text in folded)


def doubts_of(case: Likeness, others: Sequence[Likeness], alike: Fraction) -> list[tuple[UUID, DoubtKind]]:
    """Which others may be the same project: by a title in either language, or by day and investment.

    Titles are alike when `difflib` finds that share of their characters in the same order, after `key_of`:
    it needs no extension of the database, and reads Chinese, which trigrams of PostgreSQL do only in some locales.
    """
    found: dict[tuple[UUID, DoubtKind], None] = {}
    for title in ("title_zh", "title_en"):
        named: dict[str, list[UUID]] = {}
        for other in others:
            named.setdefault(key_of(getattr(other, title)), []).append(other.id)
        close = difflib.get_close_matches(key_of(getattr(case, title)), named, MOST_DOUBTS, alike)  # type: ignore[call-overload] # a fraction, exact
        ids = [other for name in close for other in named[name]]
        found |= {(other, DoubtKind.TITLE): None for other in ids[:MOST_DOUBTS]}
    if case.investment_fen is not None:
        what = case.listed_on, case.investment_fen
        same = [other.id for other in others if (other.listed_on, other.investment_fen) == what]
        found |= {(other, DoubtKind.DAY_AND_INVESTMENT): None for other in same[:MOST_DOUBTS]}
    return list(found)


def check_shares(leading: UUID, shares: Sequence[tuple[UUID, Fraction]]) -> None:
    """None at all, or those of a joint project. Raises SharesWrong."""
    enterprises, total = {enterprise for enterprise, _ in shares}, sum(part for _, part in shares)
    if shares and (len(enterprises) < max(2, len(shares)) or leading not in enterprises or total != 1):
        raise SharesWrong(sum=total)


def check_hands(verifier: UUID, *hands: UUID | None) -> None:
    """Raises CaseHandsNotSeparate."""
    if verifier in hands:
        raise CaseHandsNotSeparate


def check_promotion(level: str, listed_on: date, to: CaseLevel, on: date) -> None:
    """Raises PromotionNotHigher."""
    ladder = list(CaseLevel)
    if ladder.index(to) <= ladder.index(CaseLevel(level)) or on < listed_on:
        raise PromotionNotHigher(level=level, listed_on=listed_on.isoformat())


def project_subject(code: str) -> str:
    """What is claimed for a project: once, in whatever year and under whatever policy."""
    return f"project:{code_of(code)}"


def code_of(candidate: str) -> str:
    """The case of a candidate: a joint project has one for each of its enterprises."""
    return candidate.partition(JOINT)[0]


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """What of `after` is new. Raises NothingCorrected."""
    new = {name: value for name, value in after.items() if value != before[name]}
    if not new:
        raise NothingCorrected
    return new
