"""Decisions about the chain: what a link is at an instant, and when a mandate may be withdrawn. Pure."""

from collections.abc import Iterable
from datetime import date, datetime

from datamarket.authority.terms import Affected, Link, LinkState
from datamarket.contracts.terms import ContractState
from datamarket.foundation.clock import start_of_day
from datamarket.foundation.errors import Refused


class WithdrawalUnplanned(Refused):
    code = "mandate.withdrawal-unplanned"
    zh = "该授权项下有 {orders} 笔未了结订单，冻结或托管资金 {held_fen} 分；收回须写明对合同与资金的安排（plan）。"
    en = "Under this mandate {orders} orders are open and {held_fen} fen are held for them: a withdrawal says what becomes of them (plan)."


def state_of(ends_on: date | None, stopped_at: datetime | None, at: datetime) -> LinkState:
    """A link stands until somebody ends it, or its term does."""
    if ends_on is not None and at >= start_of_day(ends_on):
        return LinkState.OVER
    return LinkState.STANDING if stopped_at is None else LinkState.STOPPED


def stands(links: Iterable[Link], state: ContractState, *, in_term: bool) -> bool:
    """A use is permitted: the contract is active, in its term, and every link stands."""
    held = list(links)
    whole = bool(held) and all(link.state is LinkState.STANDING for link in held)
    return whole and in_term and state is ContractState.ACTIVE


def check_planned(affected: Affected, plan: str | None) -> None:
    """Money that is held has a plan. Raises WithdrawalUnplanned."""
    if affected.held_fen and not (plan and plan.strip()):
        raise WithdrawalUnplanned(orders=affected.orders, held_fen=affected.held_fen)
