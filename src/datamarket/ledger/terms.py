"""Words of the ledger."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, NewType
from uuid import UUID, uuid5

from datamarket.foundation.money import Fen

AccountId = NewType("AccountId", UUID)
EntryId = NewType("EntryId", UUID)
HoldId = NewType("HoldId", UUID)
_ACCOUNTS = UUID("6f1d5c1e-8f0b-5d4e-9d7a-3c2b1a09f8e7")


class Side(StrEnum):
    """The side on which an account normally stands."""

    DEBIT = "debit"
    CREDIT = "credit"


class AccountKind(StrEnum):
    """What an account is for."""

    BANK = "bank"
    BUYER_FUNDS = "buyer_funds"
    PROVIDER_INCOME = "provider_income"
    OPERATOR_INCOME = "operator_income"
    SUPPLYING_INCOME = "supplying_income"
    TREASURY = "treasury"
    VENUE_FEE = "venue_fee"
    VAT_PAYABLE = "vat_payable"
    SUBSIDY_EXPENSE = "subsidy_expense"
    SUBSIDY_PAYABLE = "subsidy_payable"
    ESCROW = "escrow"
    PAYOUT_IN_TRANSIT = "payout_in_transit"
    CITY_CLEARING = "city_clearing"


ACCOUNT_LABELS: dict[AccountKind, tuple[str, str]] = {
    AccountKind.BANK: ("银行存款", "bank"),
    AccountKind.BUYER_FUNDS: ("需方预存资金", "buyer's funds"),
    AccountKind.PROVIDER_INCOME: ("数据企业收入", "provider's income"),
    AccountKind.OPERATOR_INCOME: ("运营机构收入", "zone operator's income"),
    AccountKind.SUPPLYING_INCOME: ("供数单位收入", "supplying unit's income"),
    AccountKind.TREASURY: ("国库（非税收入）", "treasury (non-tax revenue)"),
    AccountKind.VENUE_FEE: ("平台服务费", "venue fee"),
    AccountKind.VAT_PAYABLE: ("应交增值税", "VAT payable"),
    AccountKind.SUBSIDY_EXPENSE: ("补贴支出", "subsidy expense"),
    AccountKind.SUBSIDY_PAYABLE: ("应付补贴", "subsidy payable"),
    AccountKind.ESCROW: ("待验收资金（托管）", "escrow until acceptance"),
    AccountKind.PAYOUT_IN_TRANSIT: ("在途付款", "payout in transit"),
    AccountKind.CITY_CLEARING: ("城际往来清算", "clearing with another city"),
}
DEBIT_NORMAL = frozenset({AccountKind.BANK, AccountKind.SUBSIDY_EXPENSE})
NEVER_NEGATIVE = frozenset({AccountKind.BUYER_FUNDS, AccountKind.ESCROW})
CLEARING = frozenset(
    {
        AccountKind.SUBSIDY_PAYABLE,
        AccountKind.ESCROW,
        AccountKind.PAYOUT_IN_TRANSIT,
        AccountKind.CITY_CLEARING,
    }
)
"""Accounts on which money only waits: each returns to zero."""


class EntryKind(StrEnum):
    """Which business a posting settles; unique per source."""

    DEPOSIT = "deposit"
    SETTLEMENT = "settlement"
    REFUND = "refund"
    SUBSIDY_APPROVED = "subsidy_approved"
    SUBSIDY_PAID = "subsidy_paid"
    ESCROWED = "escrowed"
    ESCROW_RELEASED = "escrow_released"
    PAYOUT_SENT = "payout_sent"
    PAYOUT_EXECUTED = "payout_executed"
    PAYOUT_REFUSED = "payout_refused"
    CITY_SENT = "city_sent"
    CITY_RECEIVED = "city_received"
    CITY_SETTLED = "city_settled"


class PeriodState(StrEnum):
    """An accounting month."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    ARCHIVED = "archived"


STATE_LABELS: dict[PeriodState, tuple[str, str]] = {
    PeriodState.OPEN: ("开放", "open"),
    PeriodState.CLOSING: ("结账中", "closing"),
    PeriodState.CLOSED: ("已关账", "closed"),
    PeriodState.ARCHIVED: ("已归档", "archived"),
}


class PeriodEvent(StrEnum):
    BEGIN_CLOSING = "begin-closing"
    CANCEL_CLOSING = "cancel-closing"
    CLOSE = "close"
    REOPEN = "reopen"
    ARCHIVE = "archive"


class TransferDirection(StrEnum):
    """Which of the two cities' books a row of a transfer stands in."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class TransferState(StrEnum):
    """Money on its way to another city, as one of the two sees it."""

    SENT = "sent"
    RECEIVED = "received"
    SETTLED = "settled"


class TransferEvent(StrEnum):
    """`receive` is done by the market itself, as soon as the other city's books have it."""

    RECEIVE = "receive"
    SETTLE = "settle"


TRANSFER_LABELS: dict[TransferState, tuple[str, str]] = {
    TransferState.SENT: ("已汇出", "sent"),
    TransferState.RECEIVED: ("对方已入账，待清算", "received, not settled yet"),
    TransferState.SETTLED: ("已清算", "settled"),
}


@lru_cache(maxsize=65_536)
def _account_id(ledger_id: int, owner_id: UUID | None, kind: AccountKind) -> AccountId:
    """Asked for seven times a trade; a hash each time would cost more than the rest of its legs."""
    return AccountId(uuid5(_ACCOUNTS, f"{ledger_id}/{owner_id or 'market'}/{kind}"))


@dataclass(frozen=True)
class Account:
    """An account is one owner's (or the market's own) of one kind; its id follows from the two."""

    ledger_id: int
    owner_id: UUID | None
    kind: AccountKind

    @property
    def id(self) -> AccountId:
        return _account_id(self.ledger_id, self.owner_id, self.kind)

    @property
    def normal_side(self) -> Side:
        return Side.DEBIT if self.kind in DEBIT_NORMAL else Side.CREDIT


class Leg(NamedTuple):
    """One movement: a debit is positive, a credit negative, in fen."""

    account_id: AccountId
    amount_fen: Fen


class Posting(NamedTuple):
    """One entry to be: what it settles, when it takes effect, and its legs, which sum to zero."""

    id: EntryId
    kind: EntryKind
    effective_at: datetime
    source_type: str
    source_id: UUID
    actor_id: UUID
    legs: tuple[Leg, ...]
    reverses: EntryId | None = None


class HoldState(StrEnum):
    """Money set aside: what is still held, or what became of the last of it."""

    HELD = "held"
    PARTLY_POSTED = "partly_posted"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


HOLD_LABELS: dict[HoldState, tuple[str, str]] = {
    HoldState.HELD: ("已冻结", "held"),
    HoldState.PARTLY_POSTED: ("部分入账，余额仍冻结", "partly posted, the rest still held"),
    HoldState.POSTED: ("全额入账", "wholly posted"),
    HoldState.VOIDED: ("余额已解冻", "the rest was given back"),
    HoldState.EXPIRED: ("余额到期解冻", "the rest expired"),
}


class HoldEvent(StrEnum):
    """What takes from a hold, or ends it."""

    POST_PART = "post_part"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


class Rest(StrEnum):
    """What becomes of what a posting leaves of a hold."""

    KEEP = "keep"
    VOID = "void"
