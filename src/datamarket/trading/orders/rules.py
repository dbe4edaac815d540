"""Words and decisions of an order that its buyer must accept, pure.

order = 订单 · delivery = 交付 · acceptance = 验收 · escrow = 托管 · silence = 逾期未表示

Whoever may do what follows from four things: the state, the side, the clock, and the contract.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.contracts.decision import check_use
from datamarket.contracts.limits.terms import NO_LIMITS
from datamarket.contracts.rules import ContractStopped, OutsideTerm
from datamarket.contracts.terms import Authorisation, ContractState, Demand, Party
from datamarket.foundation.errors import Conflict, Forbidden, Invalid, Refused
from datamarket.foundation.states import Life
from datamarket.trading.orders.terms import OrderEvent, OrderFacts, OrderState

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
    },
    reasons=frozenset({E.REJECT}),
)
MOVED_BY: dict[OrderEvent, tuple[Party, Permission]] = {
    E.DELIVER: (Party.PROVIDER, Permission.DELIVER_ORDER),
    E.CANCEL: (Party.BUYER, Permission.RECORD_TRADE),
    E.ACCEPT: (Party.BUYER, Permission.RECORD_TRADE),
    E.REJECT: (Party.BUYER, Permission.RECORD_TRADE),
}
"""Which side makes an event, and what its account must be allowed. `expire` is nobody's."""


class OrderNotYourMove(Forbidden):
    code = "order.not-your-move"
    zh = "订单操作“{event}”不由您作出：交付由供方办理，验收、拒收与取消由需方办理，逾期由系统认定。"
    en = "The event '{event}' is not yours to make: the provider delivers; the buyer accepts, rejects, cancels; time expires."


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


class DeliveryPast(Invalid):
    code = "order.delivery-past"
    zh = "交付期限须晚于当前时间。"
    en = "The time for delivery must lie ahead."


class OrderBeyondTerm(Refused):
    code = "order.beyond-term"
    zh = "交付期限加验收期须在合同期限内（至 {term_to}，不含）。"
    en = "Delivery and acceptance must end within the contract's term (until {term_to}, not included)."


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
    now: datetime,
) -> OrderState:
    """The state after an event that somebody makes.

    Raises OrderNotYourMove, TransitionNotAllowed, ReasonMissing, QuantityNotAsked, PartUnexplained, and
    what `check_time` raises.
    """
    side, actor = by
    needed = MOVED_BY.get(event)
    if needed is None or side is not needed[0] or not actor.may(needed[1]):
        raise OrderNotYourMove(event=event)
    following = ORDER_LIFE.after(facts.state, event)
    ORDER_LIFE.check_reason(event, reason)
    if accepted is not None and (event is not E.ACCEPT or not 1 <= accepted <= facts.quantity):
        raise QuantityNotAsked(quantity=facts.quantity)
    part = accepted not in {None, facts.quantity}
    if part and not (reason and reason.strip()):
        raise PartUnexplained
    check_time(facts, event, part=part, now=now)
    return following


def check_time(facts: OrderFacts, event: OrderEvent, *, part: bool, now: datetime) -> None:
    """After its time an order only lapses, and a delivery is only accepted as a whole.

    Raises OrderOverdue, AcceptanceOver.
    """
    if facts.state is S.PLACED and now >= facts.deliver_by:
        raise OrderOverdue(deliver_by=facts.deliver_by.isoformat())
    if facts.decide_by is not None and now >= facts.decide_by and (part or event is E.REJECT):
        raise AcceptanceOver(decide_by=facts.decide_by.isoformat())


def events_open_to(facts: OrderFacts, side: Party | None, actor: Actor, *, now: datetime) -> list[OrderEvent]:
    """What this actor may do with the order now."""
    allowed = []
    for event in ORDER_LIFE.open_in(facts.state):
        try:
            check_move(facts, event, by=(side, actor), reason="-", accepted=None, now=now)
        except (Forbidden, Conflict):
            continue
        allowed.append(event)
    return allowed
