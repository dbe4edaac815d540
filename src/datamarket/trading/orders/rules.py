"""Words and decisions of an order that its buyer must accept, pure.

order = 订单 · delivery = 交付 · acceptance = 验收 · escrow = 托管 · silence = 逾期未表示

Whoever may do what follows from four things: the state, the side, the clock, and the contract.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.listings.terms import PriceModel
from datamarket.contracts.decision import check_use
from datamarket.contracts.limits.terms import NO_LIMITS
from datamarket.contracts.rules import ContractStopped, OutsideTerm
from datamarket.contracts.terms import Authorisation, ContractState, Demand, Party
from datamarket.foundation.errors import Conflict, Forbidden, Invalid, Refused
from datamarket.foundation.money import Fen
from datamarket.foundation.states import Life
from datamarket.trading.orders.terms import DeliveryTerms, OrderEvent, OrderFacts, OrderState
from datamarket.trading.rules import BASIS_POINTS

S, E = OrderState, OrderEvent
ORDER_LIFE = Life(
    "order",
    "订单",
    "Order",
    {
        (S.PLACED, E.DELIVER): S.DELIVERED,
        (S.PLACED, E.CANCEL): S.CANCELLED,
        (S.PLACED, E.EXPIRE): S.EXPIRED,
        (S.DELIVERED, E.ACCEPT): S.ACCEPTED,
        (S.DELIVERED, E.REJECT): S.REJECTED,
        (S.DELIVERED, E.SEND_BACK): S.CURING,
        (S.DELIVERED, E.OFFER_CUT): S.DELIVERED,
        (S.CURING, E.DELIVER): S.DELIVERED,
        (S.CURING, E.ACCEPT): S.ACCEPTED,
        (S.CURING, E.OFFER_CUT): S.CURING,
        (S.CURING, E.EXPIRE): S.REJECTED,
    },
    reasons=frozenset({E.REJECT, E.SEND_BACK}),
)
MOVED_BY: dict[OrderEvent, tuple[Party, Permission]] = {
    E.DELIVER: (Party.PROVIDER, Permission.DELIVER_ORDER),
    E.CANCEL: (Party.BUYER, Permission.RECORD_TRADE),
    E.ACCEPT: (Party.BUYER, Permission.RECORD_TRADE),
    E.REJECT: (Party.BUYER, Permission.RECORD_TRADE),
    E.OFFER_CUT: (Party.PROVIDER, Permission.DELIVER_ORDER),
}
"""Which side makes an event, and what its account must be allowed. `expire` is nobody's; `send_back` is what `reject` does at first."""


class OrderNotYourMove(Forbidden):
    code = "order.not-your-move"
    zh = "订单操作“{event}”不由您作出：交付与减价由供方办理，验收、拒收与取消由需方办理，逾期由系统认定。"
    en = "The event '{event}' is not yours to make: the provider delivers and offers a cut; the buyer accepts, rejects, cancels; time expires."


class QuantityNotAsked(Invalid):
    code = "order.quantity-not-asked"
    zh = "accepted_quantity 仅用于验收，且须在 1 与订购数量 {quantity} 之间。"
    en = "accepted_quantity belongs to an acceptance, and lies between 1 and the {quantity} ordered."


class PartUnexplained(Invalid):
    code = "order.part-unexplained"
    zh = "部分验收须说明其余部分不予验收的理由。"
    en = "A partial acceptance needs the reason why the rest is not accepted."


class OrderOverdue(Conflict):
    code = "order.overdue"
    zh = "交付期限（{deliver_by}）已过，订单将因逾期终止，冻结资金随之解冻。"
    en = "The time for delivery ({deliver_by}) is over; the order lapses, and the money held for it is freed."


class AcceptanceOver(Conflict):
    code = "order.acceptance-over"
    zh = "验收期（至 {decide_by}）已过，逾期未表示视为全部验收。"
    en = "The time for acceptance (until {decide_by}) is over; silence counts as acceptance of the whole."


class CureOver(Conflict):
    code = "order.cure-over"
    zh = "补正期限（至 {cure_by}）已过，拒收即告确定，托管资金退回需方。"
    en = "The time for a cure (until {cure_by}) is over; the rejection stands, and the money in escrow goes back to the buyer."


class DeliveryUsed(Conflict):
    code = "order.delivery-used"
    zh = "需方已于交付后（{used_at}）依合同使用，视为全部验收，不得再拒收、部分验收或减价。"
    en = "The buyer used the contract after this delivery ({used_at}): that accepts the whole, which is no longer rejected, accepted in part or cut."


class CutOutOfRange(Invalid):
    code = "order.cut-out-of-range"
    zh = "cut_fen 仅用于提出减价，须高于已提出的金额，即在 {least} 与 {most} 分之间。"
    en = "cut_fen belongs to the offer of a cut, and is above the one offered before: between {least} and {most} fen."


class AcceptanceDaysDiffer(Refused):
    code = "order.acceptance-days-differ"
    zh = "合同约定验收期为 {agreed} 天，订单所写为 {asked} 天；请按合同填写，或不填。"
    en = "The contract agrees {agreed} days of acceptance, the order names {asked}; name those of the contract, or none."


class AcceptanceDaysMissing(Invalid):
    code = "order.acceptance-days-missing"
    zh = "合同未约定验收期，订单须写明 acceptance_days。"
    en = "The contract agrees no days of acceptance: the order must name acceptance_days."


class InstalmentsNotOneOff(Refused):
    code = "order.instalments-not-one-off"
    zh = "分期付款仅适用于一次性买断计价；本合同按“{model_zh}”计价，请先变更合同。"
    en = (
        "Instalments go with a one-off price only; this contract's is '{model_en}': amend the contract first."
    )


class DeliveryPast(Invalid):
    code = "order.delivery-past"
    zh = "交付期限须晚于当前时间。"
    en = "The time for delivery must lie ahead."


class OrderBeyondTerm(Refused):
    code = "order.beyond-term"
    zh = "交付期限加验收期须在合同期限内（至 {term_to}，不含）。"
    en = "Delivery and acceptance must end within the contract's term (until {term_to}, not included)."


def delivery_terms(annex: Mapping[str, Any], asked_days: int | None, model: PriceModel) -> DeliveryTerms:
    """What the annex in force says of deliveries; where it has no days of acceptance, the order's own.

    Raises AcceptanceDaysDiffer, AcceptanceDaysMissing, InstalmentsNotOneOff.
    """
    agreed, shares = annex.get("acceptance_days"), annex.get("instalments")
    if None not in {agreed, asked_days} and agreed != asked_days:
        raise AcceptanceDaysDiffer(agreed=agreed, asked=asked_days)
    days = asked_days if agreed is None else agreed
    if days is None:
        raise AcceptanceDaysMissing
    if shares is not None and model is not PriceModel.ONE_OFF:
        raise InstalmentsNotOneOff(model_zh=model.zh, model_en=model.en)
    return DeliveryTerms(days, annex.get("cure_days", 0), annex.get("hidden_defect", False), shares)


def instalments_of(amount: Fen, shares: Sequence[int] | None) -> list[int] | None:
    """The amount by its shares in basis points, to the fen: the last one is what is left. A free order has none."""
    if shares is None or not amount:
        return None
    signing, delivery = (amount * share // BASIS_POINTS for share in shares[:2])
    return [signing, delivery, amount - signing - delivery]


def check_place(authorisation: Authorisation, demand: Demand, *, deliver_by: datetime, days: int) -> None:
    """An order must be acceptable when its time comes: by state, purpose, quota and the whole of its time.

    Raises DeliveryPast, OrderBeyondTerm, and what `check_use` raises.
    """
    if deliver_by <= demand.at:
        raise DeliveryPast
    check_use(authorisation, demand)
    try:
        check_use(authorisation, demand._replace(at=deliver_by + timedelta(days=days)))
    except (OutsideTerm, ContractStopped):
        until = authorisation.stands_until or authorisation.term_to
        raise OrderBeyondTerm(term_to=until.isoformat()) from None


def check_settlement(
    authorisation: Authorisation, demand: Demand, *, reserved: int, silent: bool = False
) -> None:
    """What an order reserved, within the limits that it was held to when it was placed, is its own, also when its contract is over, or notice has cut its term; while suspended it waits.

    What was delivered is its buyer's to accept though the contract has stopped since: nobody's silence is then `silent`
    consent, unless the contract is over. Raises ContractNotActive, ContractStopped, and QuotaExhausted for an order from before units were reserved.
    """
    over = authorisation.state in {ContractState.ENDED, ContractState.EXPIRED}
    given = replace(authorisation, reserved=authorisation.reserved - reserved, limits=NO_LIMITS)
    given = replace(given, state=ContractState.ACTIVE) if over else given
    given = replace(given, term_to=max(given.term_to, demand.at + timedelta.resolution))
    check_use(replace(given, stopped_by=None) if over or not silent else given, demand)


def side_of(actor: Actor, *, buyer_id: UUID, provider_id: UUID) -> Party | None:
    """On which side of an order somebody stands, if on any."""
    if actor.participant_id is None:
        return None
    if actor.participant_id == buyer_id:
        return Party.BUYER
    return Party.PROVIDER if actor.participant_id == provider_id else None


def check_move(
    facts: OrderFacts,
    event: OrderEvent,
    *,
    by: tuple[Party | None, Actor],
    reason: str | None,
    accepted: int | None,
    cut_fen: int | None = None,
    now: datetime,
) -> OrderEvent:
    """What the event that somebody makes does: itself, or `send_back` where a rejection leaves the provider a cure.

    Raises OrderNotYourMove, TransitionNotAllowed, ReasonMissing, QuantityNotAsked, PartUnexplained, CutOutOfRange, and
    what `check_time` raises.
    """
    side, actor = by
    needed = MOVED_BY.get(event)
    if needed is None or side is not needed[0] or not actor.may(needed[1]):
        raise OrderNotYourMove(event=event)
    ORDER_LIFE.after(facts.state, event)
    ORDER_LIFE.check_reason(event, reason)
    if accepted is not None and (event is not E.ACCEPT or not 1 <= accepted <= facts.quantity):
        raise QuantityNotAsked(quantity=facts.quantity)
    part = accepted not in {None, facts.quantity}
    if part and not (reason and reason.strip()):
        raise PartUnexplained
    check_time(facts, event, part=part, now=now)
    least = facts.cut_fen + 1
    asked = event is E.OFFER_CUT
    if asked != (cut_fen is not None) or (cut_fen is not None and not least <= cut_fen <= facts.amount_fen):
        raise CutOutOfRange(least=least, most=facts.amount_fen)
    curable = facts.cure_days > 0 and facts.cure_by is None
    return E.SEND_BACK if event is E.REJECT and curable else event


def check_time(facts: OrderFacts, event: OrderEvent, *, part: bool, now: datetime) -> None:
    """After its time an order only lapses, and a delivery is only accepted as a whole; so is one that was used.

    Raises OrderOverdue, CureOver, DeliveryUsed, AcceptanceOver.
    """
    if facts.state is S.PLACED and now >= facts.deliver_by:
        raise OrderOverdue(deliver_by=facts.deliver_by.isoformat())
    if facts.state is S.CURING and facts.cure_by is not None and now >= facts.cure_by:
        raise CureOver(cure_by=facts.cure_by.isoformat())
    if facts.state is not S.DELIVERED or (event is E.ACCEPT and not part):
        return
    if facts.used_at is not None:
        raise DeliveryUsed(used_at=facts.used_at.isoformat())
    if facts.decide_by is not None and now >= facts.decide_by:
        raise AcceptanceOver(decide_by=facts.decide_by.isoformat())


def accepted_at(facts: OrderFacts, now: datetime) -> datetime:
    """When an acceptance of this moment took place: of a delivery at its first use, or when the time for it ended, if that was before."""
    if facts.state is not S.DELIVERED:
        return now
    return min(now, facts.decide_by or now, facts.used_at or now)


def events_open_to(facts: OrderFacts, side: Party | None, actor: Actor, *, now: datetime) -> list[OrderEvent]:
    """What this actor may do with the order now."""
    allowed = []
    for event in ORDER_LIFE.open_in(facts.state):
        try:
            cut_fen = facts.amount_fen if event is E.OFFER_CUT else None
            check_move(facts, event, by=(side, actor), reason="-", accepted=None, cut_fen=cut_fen, now=now)
        except (Forbidden, Conflict, CutOutOfRange):
            continue
        allowed.append(event)
    return allowed
