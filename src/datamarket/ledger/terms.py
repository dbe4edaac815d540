"""Words of the ledger."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, NewType
from uuid import UUID, uuid5

from datamarket.foundation.money import Fen
from datamarket.foundation.states import Labelled

AccountId = NewType("AccountId", UUID)
EntryId = NewType("EntryId", UUID)
_ACCOUNTS = UUID("6f1d5c1e-8f0b-5d4e-9d7a-3c2b1a09f8e7")


class Side(StrEnum):
    """The side on which an account normally stands."""

    DEBIT = "debit"
    CREDIT = "credit"


class AccountKind(Labelled):
    """What an account is for."""

    BANK = "bank", "银行存款", "bank"
    BUYER_FUNDS = "buyer_funds", "需方预存资金", "buyer's funds"
    PROVIDER_INCOME = "provider_income", "数据企业收入", "provider's income"
    OPERATOR_INCOME = "operator_income", "运营机构收入", "zone operator's income"
    SUPPLYING_INCOME = "supplying_income", "供数单位收入", "supplying unit's income"
    TREASURY = "treasury", "国库（非税收入）", "treasury (non-tax revenue)"
    VENUE_FEE = "venue_fee", "平台服务费", "venue fee"
    VAT_PAYABLE = "vat_payable", "应交增值税", "VAT payable"
    SUBSIDY_EXPENSE = "subsidy_expense", "补贴支出", "subsidy expense"
    SUBSIDY_PAYABLE = "subsidy_payable", "应付补贴", "subsidy payable"
    SUBSIDY_RECEIVABLE = "subsidy_receivable", "应收追回补贴", "subsidy receivable"
    SUBSIDY_RESTORED = "subsidy_restored", "应付恢复奖补", "restored awards payable"
    SUBSIDY_FINE = "subsidy_fine", "罚没收入（补贴）", "fines on subsidies"
    SUBSIDY_INTEREST = "subsidy_interest", "追回补贴利息收入", "interest on subsidies paid back late"
    ESCROW = "escrow", "待验收资金（托管）", "escrow until acceptance"
    PAYOUT_IN_TRANSIT = "payout_in_transit", "在途付款", "payout in transit"
    CITY_CLEARING = "city_clearing", "城际往来清算", "clearing with another city"


DEBIT_NORMAL = frozenset({AccountKind.BANK, AccountKind.SUBSIDY_EXPENSE, AccountKind.SUBSIDY_RECEIVABLE})
NEVER_NEGATIVE = frozenset({AccountKind.BUYER_FUNDS, AccountKind.ESCROW})
CLEARING = frozenset(
    {
        AccountKind.SUBSIDY_PAYABLE,
        AccountKind.SUBSIDY_RECEIVABLE,
        AccountKind.SUBSIDY_RESTORED,
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
    SUBSIDY_FORGONE = "subsidy_forgone"
    SUBSIDY_SET_OFF = "subsidy_set_off"
    RECOVERY_DECIDED = "recovery_decided"
    RECOVERY_CANCELLED = "recovery_cancelled"
    RECOVERY_INTEREST = "recovery_interest"
    RECOVERY_COLLECTED = "recovery_collected"
    RECOVERY_RESTORED = "recovery_restored"
    ESCROWED = "escrowed"
    ESCROW_RELEASED = "escrow_released"
    PAYOUT_SENT = "payout_sent"
    PAYOUT_EXECUTED = "payout_executed"
    PAYOUT_REFUSED = "payout_refused"
    CITY_SENT = "city_sent"
    CITY_RECEIVED = "city_received"
    CITY_SETTLED = "city_settled"


@lru_cache(maxsize=16_384)
def _account_id(ledger_id: int, owner_id: UUID | None, kind: AccountKind) -> AccountId:
    """Asked for seven times a trade; a hash each time would cost more than the rest of its legs."""
    return AccountId(uuid5(_ACCOUNTS, f"{ledger_id}/{owner_id or 'market'}/{kind}"))


@dataclass(frozen=True)
class AccountKey:
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


def moved(debited: AccountId, credited: AccountId, amount_fen: int) -> tuple[Leg, Leg]:
    """The legs that take an amount to one account from another."""
    return Leg(debited, Fen(amount_fen)), Leg(credited, Fen(-amount_fen))


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
