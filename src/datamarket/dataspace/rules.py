"""What decides in the binding: which message is which event, who may send it, what was said already. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from datamarket.contracts.terms import ContractEvent, ContractState
from datamarket.dataspace.terms import NEGOTIATION_STATE_OF, NegotiationState
from datamarket.foundation.errors import Conflict, Invalid, Refused

UNREASONED = "对方经数据空间协议终止 · terminated over the Dataspace Protocol"
"""The reason where a message gives none: the market asks for one, the protocol does not."""
LONGEST_REASON = 4000


class ConsumerMove(NamedTuple):
    """A consumer's message about a negotiation: the event that it is, and the state that it leads to."""

    event: ContractEvent
    state: NegotiationState


ACCEPTING = ConsumerMove(ContractEvent.ACCEPT, NegotiationState.ACCEPTED)
VERIFYING = ConsumerMove(ContractEvent.SIGN, NegotiationState.VERIFIED)
TERMINATING = ConsumerMove(ContractEvent.WITHDRAW, NegotiationState.TERMINATED)


class ConsumerPidUsed(Conflict):
    code = "dataspace.consumer-pid-used"
    zh = "该 consumerPid 已用于另一协商或传输。"
    en = "This consumerPid is that of another negotiation or transfer."


class PidMismatch(Invalid):
    code = "dataspace.pid-mismatch"
    zh = "消息中的 {name} 与所指的协商或传输不符。"
    en = "The message's {name} is not that of the negotiation or transfer it is sent to."


class EventNotYours(Invalid):
    code = "dataspace.event-not-yours"
    zh = "事件“{event}”由供方发出，不由需方发出。"
    en = "The event '{event}' is for the provider to send."


class OfferUnknown(Invalid):
    code = "dataspace.offer-unknown"
    zh = "要约“{offer}”不在该数据集的目录之中。"
    en = "The offer '{offer}' is not one that the catalogue shows for this dataset."


class PolicyNotUnderstood(Refused):
    code = "dataspace.policy-not-understood"
    zh = "策略中的“{part}”本市场不认识：不认识的条款不予授权。"
    en = "The market does not know '{part}' in the policy: what is not understood is not authorised."


class PriceNotOffered(Refused):
    code = "dataspace.price-not-offered"
    zh = "首次请求按目录所列价格提出；议价请在供方要约之后还价。"
    en = "A first request is made at the catalogue's price; another is asked for in a counter-offer."


class FormatUnknown(Refused):
    code = "dataspace.format-unknown"
    zh = "传输格式“{format}”不可用；可用：{known}。"
    en = "The transfer format '{format}' is not available; available: {known}."


class TermUnknown(Refused):
    code = "dataspace.term-unknown"
    zh = "{on} 没有有效的默认合同期限规则：请在策略中写明起止时间。"
    en = "No rule of how long a contract lasts is in force on {on}: name its dates in the policy."


def negotiation_state(state: str, *, buyer_signed: bool) -> NegotiationState:
    """How the protocol calls a contract's state; what the provider alone has signed is agreed, not verified."""
    if state == ContractState.PART_SIGNED and not buyer_signed:
        return NegotiationState.AGREED
    return NEGOTIATION_STATE_OF[ContractState(state)]


def is_said_already(move: ConsumerMove, state: str, *, buyer_signed: bool) -> bool:
    """Whether a consumer's message says what is so already."""
    reached = negotiation_state(state, buyer_signed=buyer_signed)
    verified = move is VERIFYING and reached is NegotiationState.FINALIZED
    return (reached is move.state and state != ContractState.ENDED) or verified


def check_pids(said: tuple[str, UUID], known: tuple[str, UUID]) -> None:
    """The consumer's and the provider's. Raises PidMismatch."""
    for name, one, other in zip(("consumerPid", "providerPid"), said, known, strict=True):
        if one != other:
            raise PidMismatch(name=name)


def reason_of(code: str | None, reason: Sequence[Any] | None) -> str:
    """What a message gives as its reason, as one text."""
    said = [part if isinstance(part, str) else part.value for part in reason or ()]
    return "; ".join([*([code] if code else []), *said])[:LONGEST_REASON] or UNREASONED
