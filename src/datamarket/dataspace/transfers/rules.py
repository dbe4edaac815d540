"""Decisions about transfers: who may move one, and what of it is shown while its contract does not stand. Pure."""

from datetime import datetime

from datamarket.contracts.rules import RUNNING
from datamarket.contracts.terms import Authorisation, ContractState
from datamarket.dataspace.transfers.terms import TransferProcessEvent, TransferProcessState
from datamarket.foundation.errors import Conflict, Forbidden, Refused
from datamarket.foundation.states import Life

_S, _E = TransferProcessState, TransferProcessEvent
TRANSFER_LIFE = Life(
    "transfer",
    "传输进程",
    "Transfer process",
    {
        (_S.REQUESTED, _E.START): _S.STARTED,
        (_S.REQUESTED, _E.TERMINATE): _S.TERMINATED,
        (_S.STARTED, _E.SUSPEND): _S.SUSPENDED,
        (_S.STARTED, _E.COMPLETE): _S.COMPLETED,
        (_S.STARTED, _E.TERMINATE): _S.TERMINATED,
        (_S.SUSPENDED, _E.START): _S.STARTED,
        (_S.SUSPENDED, _E.TERMINATE): _S.TERMINATED,
    },
    reasons=frozenset({_E.SUSPEND, _E.TERMINATE}),
)
_LEADS_TO = {event: state for (_, event), state in TRANSFER_LIFE.table.items()}
"""Each event leads to one state."""
OVER = frozenset({_S.COMPLETED, _S.TERMINATED})


class TransferNotYourMove(Forbidden):
    code = "transfer.not-your-move"
    zh = "操作“{event}”不由您这一方作出。"
    en = "The event '{event}' is not for your side to make."


class AgreementNotFinal(Refused):
    code = "transfer.agreement-not-final"
    zh = "该合同未生效或已终止，不能请求传输。"
    en = "The contract is not in force: nothing is transferred under it."


class TransferHeld(Conflict):
    code = "transfer.contract-held"
    zh = "该传输所依据的合同已中止或其授权已停止。"
    en = "The contract of this transfer is suspended, or its authority has stopped."


def is_held(authorisation: Authorisation, at: datetime) -> bool:
    """Whether no use is authorised at this instant, whatever its purpose."""
    until = authorisation.stands_until or authorisation.term_to
    return authorisation.state is not ContractState.ACTIVE or at >= until


def shown_state(state: str, authorisation: Authorisation, at: datetime) -> TransferProcessState:
    """A transfer as its contract leaves it: ended with it, and not started while it is held."""
    stored = TransferProcessState(state)
    if stored in OVER:
        return stored
    if authorisation.state not in RUNNING or at >= authorisation.term_to:
        return _S.TERMINATED
    return _S.SUSPENDED if stored is _S.STARTED and is_held(authorisation, at) else stored


def is_moved_already(event: TransferProcessEvent, state: str, shown: TransferProcessState) -> bool:
    """Whether a message says what is so: by what the two sides did, or because it is over."""
    return shown is _LEADS_TO[event] and (state == shown or shown in OVER)


def moves_of(
    state: TransferProcessState, *, of_side: bool, by_provider: bool, held: bool
) -> list[TransferProcessEvent]:
    """What a side may do with it: the first start is the provider's, all else either's."""
    kept = held or (state is _S.REQUESTED and not by_provider)
    events = TRANSFER_LIFE.open_in(state) if of_side else []
    return [event for event in events if not (kept and event is _E.START)]


def check_move(event: TransferProcessEvent, state: str, *, by_provider: bool) -> TransferProcessState:
    """The state after it. Raises TransitionNotAllowed, TransferNotYourMove."""
    following = TRANSFER_LIFE.after(state, event)
    if event is _E.START and state == _S.REQUESTED and not by_provider:
        raise TransferNotYourMove(event=event)
    return following
