"""Decisions about contracts: who may move one, what price is frozen, which use is authorised. Pure."""

from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.listings.rules import use_classes
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.contracts.terms import (
    OPEN_STATES,
    PUBLIC_GOOD_PURPOSES,
    Authorisation,
    ContractEvent,
    ContractState,
    OfferEvent,
    OfferState,
    Party,
    PastStanding,
    Purpose,
    Waiting,
)
from datamarket.foundation.clock import business_date, start_of_day
from datamarket.foundation.errors import Conflict, Forbidden, Invalid, Refused
from datamarket.foundation.money import Fen
from datamarket.foundation.states import Life
from datamarket.zones.terms import UseClass

CONTRACT_LIFE = Life(
    "contract",
    "授权使用合同",
    "Contract",
    {
        (ContractState.REQUESTED, ContractEvent.AGREE): ContractState.AGREED,
        (ContractState.REQUESTED, ContractEvent.REJECT): ContractState.REJECTED,
        (ContractState.REQUESTED, ContractEvent.WITHDRAW): ContractState.WITHDRAWN,
        (ContractState.REQUESTED, ContractEvent.OFFER): ContractState.OFFERED,
        (ContractState.REQUESTED, ContractEvent.EXPIRE): ContractState.EXPIRED,
        (ContractState.OFFERED, ContractEvent.REQUEST): ContractState.REQUESTED,
        (ContractState.OFFERED, ContractEvent.ACCEPT): ContractState.ACCEPTED,
        (ContractState.OFFERED, ContractEvent.WITHDRAW): ContractState.WITHDRAWN,
        (ContractState.OFFERED, ContractEvent.EXPIRE): ContractState.EXPIRED,
        (ContractState.ACCEPTED, ContractEvent.AGREE): ContractState.AGREED,
        (ContractState.ACCEPTED, ContractEvent.REJECT): ContractState.REJECTED,
        (ContractState.ACCEPTED, ContractEvent.WITHDRAW): ContractState.WITHDRAWN,
        (ContractState.ACCEPTED, ContractEvent.EXPIRE): ContractState.EXPIRED,
        (ContractState.AGREED, ContractEvent.SIGN): ContractState.PART_SIGNED,
        (ContractState.AGREED, ContractEvent.WITHDRAW): ContractState.WITHDRAWN,
        (ContractState.AGREED, ContractEvent.EXPIRE): ContractState.EXPIRED,
        (ContractState.PART_SIGNED, ContractEvent.SIGN): ContractState.ACTIVE,
        (ContractState.PART_SIGNED, ContractEvent.WITHDRAW): ContractState.WITHDRAWN,
        (ContractState.PART_SIGNED, ContractEvent.EXPIRE): ContractState.EXPIRED,
        (ContractState.ACTIVE, ContractEvent.AMEND): ContractState.ACTIVE,
        (ContractState.ACTIVE, ContractEvent.NOTICE): ContractState.ACTIVE,
        (ContractState.ACTIVE, ContractEvent.SUSPEND): ContractState.SUSPENDED,
        (ContractState.ACTIVE, ContractEvent.TERMINATE): ContractState.ENDED,
        (ContractState.SUSPENDED, ContractEvent.AMEND): ContractState.SUSPENDED,
        (ContractState.SUSPENDED, ContractEvent.NOTICE): ContractState.SUSPENDED,
        (ContractState.SUSPENDED, ContractEvent.RESUME): ContractState.ACTIVE,
        (ContractState.SUSPENDED, ContractEvent.TERMINATE): ContractState.ENDED,
        **{(state, ContractEvent.EXPIRE): ContractState.EXPIRED for state in OPEN_STATES},
    },
    reasons=frozenset(
        {ContractEvent.REJECT, ContractEvent.WITHDRAW, ContractEvent.SUSPEND, ContractEvent.TERMINATE}
    ),
)
RUNNING = frozenset({ContractState.ACTIVE, ContractState.SUSPENDED})
NEGOTIATED = frozenset(OPEN_STATES) - RUNNING
OFFER_LIFE = Life(
    "offer",
    "条款版本",
    "Terms of a contract",
    {
        (OfferState.OPEN, OfferEvent.SIGN): OfferState.IN_FORCE,
        (OfferState.OPEN, OfferEvent.REJECT): OfferState.REJECTED,
        (OfferState.OPEN, OfferEvent.WITHDRAW): OfferState.WITHDRAWN,
        (OfferState.OPEN, OfferEvent.REPLACE): OfferState.REPLACED,
        (OfferState.OPEN, OfferEvent.EXPIRE): OfferState.EXPIRED,
        (OfferState.IN_FORCE, OfferEvent.REPLACE): OfferState.REPLACED,
    },
    reasons=frozenset({OfferEvent.REJECT, OfferEvent.WITHDRAW}),
)
LAPSED = "协商逾期失效 · expired in negotiation"
"""The reason of what nobody answered in time; a reason is one text, so both languages stand in it."""
MOVED_BY: dict[ContractEvent, frozenset[Party]] = {
    ContractEvent.OFFER: frozenset({Party.PROVIDER}),
    ContractEvent.REQUEST: frozenset({Party.BUYER}),
    ContractEvent.ACCEPT: frozenset({Party.BUYER}),
    ContractEvent.AMEND: frozenset({Party.PROVIDER, Party.BUYER}),
    ContractEvent.NOTICE: frozenset(),
    ContractEvent.AGREE: frozenset({Party.PROVIDER}),
    ContractEvent.REJECT: frozenset({Party.PROVIDER}),
    ContractEvent.WITHDRAW: frozenset({Party.PROVIDER, Party.BUYER}),
    ContractEvent.SIGN: frozenset({Party.PROVIDER, Party.BUYER}),
    ContractEvent.SUSPEND: frozenset({Party.PROVIDER, Party.AUTHORITY}),
    ContractEvent.RESUME: frozenset({Party.PROVIDER, Party.AUTHORITY}),
    ContractEvent.TERMINATE: frozenset({Party.PROVIDER, Party.BUYER, Party.AUTHORITY}),
    ContractEvent.EXPIRE: frozenset(),
}
"""Expiry is nobody's: the clock makes it. Notice is what a termination becomes where days of it were agreed."""
QUOTA_MARKS = (100, 80)
"""Percent of a quota at which its parties are told; what is used is never given back, so each is reached once."""
BY_OFFER = frozenset({ContractEvent.OFFER, ContractEvent.REQUEST, ContractEvent.AMEND})
"""Events that need terms: an offer makes them."""
_AWAITED = {
    ContractState.REQUESTED: Party.PROVIDER,
    ContractState.OFFERED: Party.BUYER,
    ContractState.ACCEPTED: Party.PROVIDER,
}
CLOSED_BY = {
    ContractEvent.REJECT: OfferEvent.REJECT,
    ContractEvent.WITHDRAW: OfferEvent.WITHDRAW,
    ContractEvent.NOTICE: OfferEvent.EXPIRE,
    ContractEvent.TERMINATE: OfferEvent.EXPIRE,
    ContractEvent.EXPIRE: OfferEvent.EXPIRE,
}
"""What becomes of open terms when their contract moves."""


class NotYourMove(Forbidden):
    code = "contract.not-your-move"
    zh = "操作“{event}”不由您这一方作出。"
    en = "The event '{event}' is not for your side to make."


class TermsNeeded(Invalid):
    code = "contract.terms-needed"
    zh = "操作“{event}”须附条款：请提交至 /contracts/{{id}}/offers。"
    en = "The event '{event}' comes with terms: send them to /contracts/{{id}}/offers."


class AnswerLate(Conflict):
    code = "contract.answer-late"
    zh = "答复期限已过（{until}）。"
    en = "The time to answer was over on {until}."


class NoticeGiven(Conflict):
    code = "contract.notice-given"
    zh = "合同已通知终止，将于 {ends_at} 终止。"
    en = "Notice was given: the contract ends on {ends_at}."


class DeliveriesUndecided(Conflict):
    code = "contract.deliveries-undecided"
    zh = "该合同有 {undecided} 笔已交付、待验收或补正的订单；了结之前，需方不得单方终止合同。"
    en = "Deliveries of this contract await their acceptance or cure ({undecided}); until then its buyer alone does not end it."


class SignedAlready(Refused):
    code = "contract.signed-already"
    zh = "您这一方已经签署，等待另一方签署。"
    en = "Your side has signed already; the other side's signature is awaited."


class TermInvalid(Invalid):
    code = "contract.term-invalid"
    zh = "合同期限无效：须有起止（含起不含止），止晚于起且晚于当前时间。"
    en = "The term is not valid: half-open, its end after its beginning and after now."


class PurposeClassMismatch(Refused):
    code = "contract.purpose-class-mismatch"
    zh = "使用目的与使用类别不符：公共治理、公益事业属公益类；其余属产业类。"
    en = "Purposes and use class disagree: governance and welfare are public good, all others industry."


class ScenarioClassMismatch(Refused):
    code = "contract.scenario-class-mismatch"
    zh = "该产品仅授权用于“{use_class}”类场景。"
    en = "This product is authorised for the use class '{use_class}' only."


class OwnProduct(Refused):
    code = "contract.own-product"
    zh = "不得与自己订立合同。"
    en = "Nobody contracts with themselves."


class OperatorRedevelopment(Refused):
    code = "contract.operator-redevelopment"
    zh = "运营机构及其关联方不得参与其所交付产品的再开发（发改数据规〔2025〕27号）。"
    en = "A zone operator, or its affiliate, may not re-develop the products it has delivered."


class BuyerUses(Forbidden):
    code = "contract.buyer-uses"
    zh = "合同由需方使用；您是该合同的供方。"
    en = "A contract is used by its buyer; you are its provider."


class FeePayerNotSettled(Refused):
    code = "contract.fee-payer-not-settled"
    zh = "该平台的服务费由买方或双方承担，本系统目前只结算卖方承担的服务费。"
    en = "This venue's fee is borne by the buyer or by both; only fees borne by the seller are settled here."


class UseNotAuthorised(Refused):
    code = "contract.use-not-authorised"
    zh = "合同未授权此次使用。"
    en = "The contract does not authorise this use."


class TermsReplaced(UseNotAuthorised):
    code = "contract.terms-replaced"
    zh = "合同条款刚由双方变更，请按新条款重试。"
    en = "Both parties have just amended the terms: try again under the new ones."
    retryable = True


class ContractNotActive(UseNotAuthorised):
    code = "contract.not-active"
    zh = "合同未生效或已中止、终止（当前状态：{state}）。"
    en = "The contract is not active (it is {state})."


class UseAhead(UseNotAuthorised):
    code = "contract.use-ahead"
    zh = "使用时间 used_at 晚于当前时间。"
    en = "The use says that it takes place later than now (used_at)."


class UseTooLate(UseNotAuthorised):
    code = "contract.use-too-late"
    zh = "补录逾期：现在只能补录 {since} 起的使用（补录期限之内，且不早于现行条款生效）。"
    en = "Recorded too late: now only uses from {since} on are (within the days for it, and under the terms in force)."


class OutsideTerm(UseNotAuthorised):
    code = "contract.outside-term"
    zh = "使用时间不在合同期限内。"
    en = "The use falls outside the contract's term."


class ContractStopped(UseNotAuthorised):
    code = "contract.stopped"
    zh = "合同自 {since} 起停止使用：其授权链条中的“{link}”不再有效。"
    en = "The contract has stopped, from {since} on: of its chain of authority {link} no longer stands."


class TermBeyondMandate(Refused):
    code = "contract.term-beyond-mandate"
    zh = "合同期限止于 {term_to}，超出运营授权的截止日 {mandate_to}（不含当日）；请缩短期限，或先办理授权续期。"
    en = "The contract's term ends on {term_to}, after its zone's mandate ({mandate_to}, not included): shorten it, or have the mandate renewed first."


class OperatorChanged(Refused):
    code = "contract.operator-changed"
    zh = "提出合同之后，该专区已更换运营机构；收益分配写明的是原运营机构，请按现有挂牌重新提出合同。"
    en = "Since this contract was requested its zone has another operator, and its income names the former one: request it anew."


class PurposeNotAuthorised(UseNotAuthorised):
    code = "contract.purpose-not-authorised"
    zh = "合同未授权该使用目的（{purpose}）。"
    en = "The contract does not authorise the purpose '{purpose}'."


class QuotaExhausted(UseNotAuthorised):
    code = "contract.quota-exhausted"
    zh = "合同用量额度不足：剩余 {left}，本次需要 {asked}。"
    en = "The contract's quota does not suffice: {left} left, {asked} asked."


def party_of(actor: Actor, *, provider_id: UUID, buyer_id: UUID) -> Party:
    """In which capacity the actor meets a contract. Raises NotYourMove for who is no side of it."""
    if actor.participant_id == provider_id:
        return Party.PROVIDER
    if actor.participant_id == buyer_id:
        return Party.BUYER
    if actor.may(Permission.MANAGE_PARTICIPANTS):
        return Party.AUTHORITY
    raise NotYourMove(event="*")


def check_move(event: ContractEvent, party: Party, reason: str | None) -> None:
    """Each event belongs to certain parties; hard ones need a reason. Raises NotYourMove, ReasonMissing."""
    if party not in MOVED_BY[event]:
        raise NotYourMove(event=event)
    CONTRACT_LIFE.check_reason(event, reason)


def is_kept_by_deliveries(event: ContractEvent, party: Party, undecided: int) -> bool:
    """Who has received does not end the contract before deciding; the provider and the authority may."""
    ends = event in {ContractEvent.TERMINATE, ContractEvent.NOTICE}
    return undecided > 0 and ends and party is Party.BUYER


def ending(party: Party, notice_days: int, ends_at: datetime | None) -> ContractEvent:
    """A party's termination is a notice where days of it were agreed; the authority's takes hold at once. Raises NoticeGiven."""
    if party is Party.AUTHORITY:
        return ContractEvent.TERMINATE
    if ends_at is not None:
        raise NoticeGiven(ends_at=ends_at.isoformat())
    return ContractEvent.NOTICE if notice_days else ContractEvent.TERMINATE


def moves_of(
    party: Party, state: ContractState, *, undecided: int, ends_at: datetime | None
) -> list[ContractEvent]:
    """What a side may do now."""
    ending_already = ends_at is not None and party is not Party.AUTHORITY
    return [
        event
        for event in CONTRACT_LIFE.open_in(state)
        if party in MOVED_BY[event]
        and not is_kept_by_deliveries(event, party, undecided)
        and not (ending_already and event in {ContractEvent.AMEND, ContractEvent.TERMINATE})
    ]


def awaited(state: ContractState, *, provider_signed: bool) -> Party | None:
    """Who must act in a state of the negotiation; None for each of the two."""
    if state is ContractState.PART_SIGNED:
        return Party.BUYER if provider_signed else Party.PROVIDER
    return _AWAITED.get(state)


def waiting(state: ContractState, awaits: str | None, until: datetime | None) -> Waiting | None:
    """What is waited for: a negotiation that nobody goes on with expires, an amendment leaves the terms as they are."""
    if until is None or state not in OPEN_STATES:
        return None
    then = ContractState.EXPIRED if state in NEGOTIATED else state
    return Waiting(Party(awaits) if awaits else None, until, then)


def check_in_time(until: datetime | None, now: datetime) -> None:
    """What waits is moved on before its time is over. Raises AnswerLate."""
    if until is not None and now >= until:
        raise AnswerLate(until=until.isoformat())


def check_term(term_from: datetime, term_to: datetime, now: datetime) -> None:
    """Raises TermInvalid."""
    if term_to <= term_from or term_to <= now:
        raise TermInvalid


def check_within_mandate(term_to: datetime, mandate_to: date, undertaken_to: date | None = None) -> None:
    """Nobody gives what they neither have nor undertake to have: the mandate's term. Raises TermBeyondMandate."""
    if term_to > start_of_day(undertaken_to or mandate_to):
        raise TermBeyondMandate(term_to=business_date(term_to), mandate_to=mandate_to)


def check_standing(authorisation: Authorisation, at: datetime) -> None:
    """Every link of its authority stands at this instant. Raises ContractStopped."""
    until = authorisation.stands_until
    if authorisation.stopped_by is not None and until is not None and at >= until:
        raise ContractStopped(link=authorisation.stopped_by, since=until.isoformat())


def stood(given: Authorisation, then: PastStanding, recorded_from: datetime | None) -> Authorisation:
    """What a contract that is active, or has expired since, authorised at an instant in the past; any other state is as it is now.

    A use that is recorded late is so from `recorded_from` on, but not of a time before the terms in force.
    """
    state = given.state
    if state in {ContractState.ACTIVE, ContractState.EXPIRED}:
        state = ContractState.SUSPENDED if then.suspended else ContractState.ACTIVE
    return replace(
        given,
        state=state,
        stopped_by=then.stopped_by,
        stands_until=then.stopped_at or given.term_to,
        recorded_from=recorded_from and max(recorded_from, then.in_force_from),
    )


def check_purposes(purposes: frozenset[Purpose], use_class: UseClass, scenario_class: str | None) -> None:
    """A contract is of one class: all its purposes are, and the product's scenario allows it."""
    public = purposes <= PUBLIC_GOOD_PURPOSES
    mixed = bool(purposes & PUBLIC_GOOD_PURPOSES) and not public
    if mixed or public != (use_class is UseClass.PUBLIC_GOOD):
        raise PurposeClassMismatch
    if use_class not in use_classes(scenario_class):
        raise ScenarioClassMismatch(use_class=scenario_class)


def freeze_plan(plan: PricePlan, use_class: UseClass, *, on_public_data: bool) -> PricePlan:
    """The price that the contract keeps: public data for the public good is free of charge."""
    if on_public_data and use_class is UseClass.PUBLIC_GOOD:
        return PricePlan(model=PriceModel.FREE, price_fen=Fen(0))
    return plan


def quota_of(plan: PricePlan, quota: int | None) -> int | None:
    """A one-off purchase is one unit; any other plan has the quota that the parties chose, or none."""
    return 1 if plan.model is PriceModel.ONE_OFF else quota


def mark_crossed(quota: int, before: int, used: int) -> int | None:
    """The highest percentage of QUOTA_MARKS that a count has just reached, if any; a single unit is a purchase, no quota."""
    crossed = (mark for mark in QUOTA_MARKS if before * 100 < quota * mark <= used * 100)
    return next(crossed, None) if quota > 1 else None
