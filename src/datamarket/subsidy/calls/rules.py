"""Decisions about applications: their life, who acts when, and what must be there. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from datamarket.foundation.states import Life, TransitionNotAllowed
from datamarket.participants.rules import check_uscc
from datamarket.subsidy.calls.terms import (
    ApplicationEvent,
    ApplicationState,
    Declaration,
    Declared,
    DeclaredKind,
)
from datamarket.subsidy.cases.rules import key_of

S, E = ApplicationState, ApplicationEvent
APPLICATION_LIFE = Life(
    "application",
    "奖补申报",
    "Application",
    {
        (S.DRAFT, E.SUBMIT): S.SUBMITTED,
        (S.DRAFT, E.PROPOSE): S.PROPOSED,
        (S.DRAFT, E.WITHDRAW): S.WITHDRAWN,
        (S.SUBMITTED, E.ENDORSE): S.DISTRICT_PASSED,
        (S.SUBMITTED, E.VERIFY): S.VERIFIED,
        (S.SUBMITTED, E.RETURN): S.RETURNED,
        (S.SUBMITTED, E.REJECT): S.REJECTED,
        (S.SUBMITTED, E.WITHDRAW): S.WITHDRAWN,
        (S.RETURNED, E.SUBMIT): S.SUBMITTED,
        (S.RETURNED, E.WITHDRAW): S.WITHDRAWN,
        (S.DISTRICT_PASSED, E.VERIFY): S.VERIFIED,
        (S.DISTRICT_PASSED, E.RETURN): S.RETURNED,
        (S.DISTRICT_PASSED, E.REJECT): S.REJECTED,
        (S.DISTRICT_PASSED, E.WITHDRAW): S.WITHDRAWN,
        (S.PROPOSED, E.CONFIRM): S.CONFIRMED,
        (S.PROPOSED, E.WITHDRAW): S.WITHDRAWN,
    },
    reasons=frozenset({E.RETURN, E.REJECT}),
)
APPLICANTS = frozenset({E.SUBMIT, E.WITHDRAW, E.CONFIRM})
"""What the enterprise does; the rest is the authority's."""
DECISIONS = frozenset({E.VERIFY, E.REJECT})
OVER = (S.REJECTED, S.WITHDRAWN)
"""A case may be applied for again after these."""
MOST_ITEMS = 200
"""Of one declaration: an audit report lists fewer, and all of them stand in one audit event of some 80 KiB."""
MOST_FEN = 10**14
"""Of one declaration together, as of any one amount that the market takes: far within 64 bits."""
_PAPER_INVOICE = re.compile(r"([0-9]{10}|[0-9]{12})/[0-9]{8}")
_DIGITAL_INVOICE = re.compile(r"None/[0-9]{20}")
"""A fully digitalised invoice has twenty digits and no code: 国家税务总局公告2024年第11号."""


class ApplicationNotYourMove(Forbidden):
    code = "application.not-your-move"
    zh = "操作“{event}”由另一方办理：申报企业提交、撤回、确认，主管部门审核。"
    en = "The event '{event}' is the other side's: the enterprise submits, withdraws and confirms, the authority decides."


class OutsideWindow(Refused):
    code = "application.outside-window"
    zh = "申报期自 {first} 起，最后一日为 {last}（含），期外不能提交或确认。"
    en = "Applications are taken from {first}, and {last} is the last day; nothing is submitted or confirmed outside of it."


class PapersMissing(Invalid):
    code = "application.papers-missing"
    zh = "申报材料不齐，缺：{missing}。"
    en = "Papers are missing: {missing}."


class DecidedTwice(Refused):
    code = "application.decided-twice"
    zh = "区市审核和最终审核须由不同账户办理：同一人不得两次决定。"
    en = "Who passed an application for the district does not decide it again; another account does."


class CaseNotYours(NotFound):
    code = "application.case-not-yours"
    zh = "没有属于贵企业的该案例：只能申报本企业或本企业参与的案例。"
    en = "There is no such case of your enterprise: it applies for its own case, or one it has a share of."


class AppliedAlready(Conflict):
    code = "application.applied-already"
    zh = "该案例在本次通知下已有申报。"
    en = "This case is applied for under this call already."


class CallOpenAlready(Conflict):
    code = "application.call-open-already"
    zh = "该方案版本该年度已有申报通知。"
    en = "There is a call of this scheme version and year already."


class WindowEmpty(Invalid):
    code = "application.window-empty"
    zh = "申报期的最后一日不得早于第一日。"
    en = "The last day of a call is not before its first."


class DeclaredTooMany(Invalid):
    code = "application.declared-too-many"
    zh = "一份申报至多列 {most} 张发票和合同，现有 {given} 项。"
    en = "An application declares at most {most} invoices and contracts, not {given}."


class DeclaredTwice(Invalid):
    code = "application.declared-twice"
    zh = "“{number}”在本申报中列了两次：同一发票或合同只能列一次。"
    en = "'{number}' is declared twice in this application: an invoice or contract stands once."


class DeclaredSumTooLarge(Invalid):
    code = "application.declared-sum-too-large"
    zh = "所列金额合计 {sum_fen} 分，超过 {most_fen} 分。"
    en = "The amounts declared add up to {sum_fen} fen, more than {most_fen}."


class InvoiceNumberWrong(Invalid):
    code = "application.invoice-number-wrong"
    zh = "发票“{number}”的代码或号码不符：数电发票为20位号码、无代码；其他发票为10或12位代码和8位号码。"
    en = "Code or number of invoice '{number}' is wrong: 20 digits without a code, or 8 digits with a code of 10 or 12."


class ContractNotYours(NotFound):
    code = "application.contract-not-yours"
    zh = "没有以贵企业为需方的该本市场合同。"
    en = "There is no such contract of this market under which your enterprise buys."


class RunNotOfCall(Conflict):
    code = "application.run-not-of-call"
    zh = "该运行不是本通知所属方案和年度的、已计算且有效的运行。"
    en = "The run is not a calculated one, still standing, of this call's scheme and year."


def events_open(state: str, *, district_step: bool) -> list[ApplicationEvent]:
    """Where there is a district step, nothing is verified before it; elsewhere there is none to pass."""
    closed = E.VERIFY if district_step and state == S.SUBMITTED else None if district_step else E.ENDORSE
    return [event for event in APPLICATION_LIFE.open_in(state) if event is not closed]


def may(actor: Actor, event: ApplicationEvent, *, enterprise: UUID, passed_by: UUID | None) -> bool:
    """Whether the event is this actor's: own applications, or the authority's office and no decision a second time."""
    if event in APPLICANTS:
        return actor.participant_id == enterprise
    decided = event in DECISIONS and actor.account_id == passed_by
    return event is not E.PROPOSE and not decided and actor.may(Permission.REGISTER_CASE)


def after(
    actor: Actor,
    event: ApplicationEvent,
    state: str,
    *,
    enterprise: UUID,
    passed_by: UUID | None,
    district_step: bool,
) -> ApplicationState:
    """Raises ApplicationNotYourMove, TransitionNotAllowed, DecidedTwice."""
    if not may(actor, event, enterprise=enterprise, passed_by=None):
        raise ApplicationNotYourMove(event=event)
    allowed = events_open(state, district_step=district_step)
    if event not in allowed:
        raise TransitionNotAllowed(state=S(state), event=event, allowed=", ".join(allowed) or "-")
    if not may(actor, event, enterprise=enterprise, passed_by=passed_by):
        raise DecidedTwice
    return APPLICATION_LIFE.after(state, event)


def check_window(first: date, last: date, today: date) -> None:
    """Raises OutsideWindow."""
    if not first <= today <= last:
        raise OutsideWindow(first=first.isoformat(), last=last.isoformat())


def check_papers(wanted: Iterable[str], given: Mapping[str, UUID]) -> None:
    """Raises PapersMissing."""
    missing = [name for name in wanted if name not in given]
    if missing:
        raise PapersMissing(missing="、".join(missing))


def item_key(item: Declared) -> str:
    """Equal keys are one invoice, or one contract of a seller, however its number is written."""
    if item.kind is DeclaredKind.INVOICE:
        return f"{item.invoice_code or ''}{item.number}"
    return f"{item.seller_uscc}/{key_of(item.number)}"


def check_declaration(declaration: Declaration) -> None:
    """Raises DeclaredTooMany, DeclaredSumTooLarge, InvoiceNumberWrong, DeclaredTwice, and what `check_uscc` raises."""
    if len(declaration.items) > MOST_ITEMS:
        raise DeclaredTooMany(most=MOST_ITEMS, given=len(declaration.items))
    for kind in DeclaredKind:
        total = sum(item.amount_fen for item in declaration.items if item.kind is kind)
        if total > MOST_FEN:
            raise DeclaredSumTooLarge(sum_fen=total, most_fen=MOST_FEN)
    seen: set[tuple[DeclaredKind, str]] = set()
    for item in declaration.items:
        check_uscc(item.seller_uscc)
        told = f"{item.invoice_code}/{item.number}"
        if item.kind is DeclaredKind.INVOICE and not (
            _PAPER_INVOICE.fullmatch(told) or _DIGITAL_INVOICE.fullmatch(told)
        ):
            raise InvoiceNumberWrong(number=item.number)
        if (item.kind, item_key(item)) in seen:
            raise DeclaredTwice(number=item.number)
        seen.add((item.kind, item_key(item)))
