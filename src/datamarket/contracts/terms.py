"""Words of an authorised-use contract."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from datamarket.catalogue.listings.terms import ChargeKind, PricePlan, Supplier
from datamarket.contracts.limits.terms import NO_LIMITS, UNSAID, Operands, UseLimits
from datamarket.foundation.states import Labelled
from datamarket.stoppages.terms import LinkKind


class ContractState(Labelled):
    """The life of a contract."""

    REQUESTED = "requested", "已请求", "requested"
    OFFERED = "offered", "供方已回复条款", "answered with other terms"
    ACCEPTED = "accepted", "需方已接受", "accepted by the buyer"
    AGREED = "agreed", "已达成一致", "agreed"
    PART_SIGNED = "part_signed", "一方已签署", "signed by one party"
    ACTIVE = "active", "生效", "active"
    SUSPENDED = "suspended", "中止", "suspended"
    EXPIRED = "expired", "期满", "expired"
    ENDED = "ended", "终止", "ended"
    REJECTED = "rejected", "已拒绝", "rejected"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


OPEN_STATES = (
    ContractState.REQUESTED,
    ContractState.OFFERED,
    ContractState.ACCEPTED,
    ContractState.AGREED,
    ContractState.PART_SIGNED,
    ContractState.ACTIVE,
    ContractState.SUSPENDED,
)
"""From each of them a contract expires with its term."""


class ContractEvent(StrEnum):
    """What moves a contract."""

    OFFER = "offer"
    REQUEST = "request"
    ACCEPT = "accept"
    AGREE = "agree"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    SIGN = "sign"
    SUSPEND = "suspend"
    RESUME = "resume"
    AMEND = "amend"
    NOTICE = "notice"
    TERMINATE = "terminate"
    EXPIRE = "expire"


class Party(StrEnum):
    """In which capacity somebody moves a contract."""

    PROVIDER = "provider"
    BUYER = "buyer"
    AUTHORITY = "authority"


class OfferState(Labelled):
    """What became of one version of the terms."""

    OPEN = "open", "待对方答复", "to be answered"
    IN_FORCE = "in_force", "有效", "in force"
    REPLACED = "replaced", "已被替代", "replaced"
    REJECTED = "rejected", "已拒绝", "rejected"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    EXPIRED = "expired", "逾期失效", "expired"


class OfferEvent(StrEnum):
    """What moves a version of the terms."""

    SIGN = "sign"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    REPLACE = "replace"
    EXPIRE = "expire"


class Purpose(Labelled):
    """The closed list of purposes; what a contract does not name is not authorised."""

    PUBLIC_GOVERNANCE = "public_governance", "公共治理", "public governance"
    PUBLIC_WELFARE = "public_welfare", "公益事业", "public welfare"
    INDUSTRIAL_DEVELOPMENT = "industrial_development", "产业发展", "industrial development"
    SECTOR_DEVELOPMENT = "sector_development", "行业发展", "sector development"
    RESEARCH = "research", "科研", "research"


TERMS = (
    "kind",
    "price_model",
    "price_fen",
    "period_days",
    "price_terms",
    "purposes",
    "use_class",
    "term_from",
    "term_to",
    "quota",
    "annex",
)
"""Columns that a contract and each version of its terms have alike: what the parties negotiate."""
PUBLIC_GOOD_PURPOSES = frozenset({Purpose.PUBLIC_GOVERNANCE, Purpose.PUBLIC_WELFARE})


class UseRule(Labelled):
    """What is asked of a use, in this order: the first rule that denies decides, and where all permit the last."""

    STATE = "state", "合同状态", "the contract's state"
    TERM = "term", "合同期限", "the term"
    CHAIN = "chain", "授权链条", "the chain of authority"
    VERSION = "version", "条款版本", "the version of the terms"
    PURPOSE = "purpose", "使用目的", "the purpose"
    FORM = "form", "使用形式", "the form"
    TERRITORY = "territory", "使用地域", "the territory"
    RECIPIENT = "recipient", "接收方", "the recipient"
    ONWARD = "onward", "再转让", "onward transfer"
    RATE = "rate", "用量速率", "the rate"
    QUOTA = "quota", "用量额度", "the quota"


@dataclass(frozen=True)
class Authorisation:
    """What decides a use: state, term (half-open), purposes, quota, and what is used or reserved of it.

    A link of its authority may stop it before its term is over: then `stopped_by` names it, from `stands_until` on. Since
    `stands_from` nothing has stopped or suspended it.
    """

    state: ContractState
    term_from: datetime
    term_to: datetime
    purposes: frozenset[Purpose]
    quota: int | None
    used: int
    reserved: int = 0
    terms_number: int = 1
    stopped_by: LinkKind | None = None
    stands_from: datetime | None = None
    stands_until: datetime | None = None
    limits: UseLimits = NO_LIMITS
    in_period: int = 0
    """Units that were used in the period of the rate which holds the demand's instant."""
    recorded_from: datetime | None = None
    """The earliest instant of which a use is recorded late now; only for one that is."""

    @property
    def left(self) -> int | None:
        """Units that are neither used nor reserved by orders; None without a quota."""
        return None if self.quota is None else self.quota - self.used - self.reserved

    def stood_again_after(self, at: datetime) -> bool:
        """Whether it was stopped or suspended since: what it is now says nothing of that instant of its term."""
        return self.stands_from is not None and self.term_from <= at < self.stands_from


class PastStanding(NamedTuple):
    """How a contract stood at an instant: under terms since when, whether suspended, and by which link stopped, since when."""

    in_force_from: datetime
    suspended: bool
    stopped_by: LinkKind | None
    stopped_at: datetime | None


class Demand(NamedTuple):
    """One use that somebody wants: so many units, for a purpose, at an instant."""

    contract_id: UUID
    buyer_id: UUID
    purpose: Purpose
    quantity: int
    at: datetime
    terms_number: int | None = None
    """Of the version of the terms that it was priced by, where it was."""
    operands: Operands = UNSAID
    recorded_at: datetime | None = None
    """Where it is recorded later than it took place."""


class Waiting(NamedTuple):
    """Who must act, until when, and what the contract's state is `then` if nobody does; no `party` is each of the two."""

    party: Party | None
    until: datetime
    then: ContractState


class Use(NamedTuple):
    """A metered use."""

    id: UUID
    contract_id: UUID
    purpose: Purpose
    quantity: int
    at: datetime
    recorded_at: datetime
    fee: ChargeKind | None = None


@dataclass(frozen=True, eq=False)
class FrozenTerms:
    """What a trade under a contract needs to know: nothing of it changes but by an amendment, which has another number.

    Read once and remembered, so what follows from it is remembered by the object itself.
    """

    contract_id: UUID
    listing_id: UUID
    product_id: UUID
    product_version: int
    category: str
    provider_id: UUID
    buyer_id: UUID
    venue_id: UUID
    venue_operator_id: UUID
    venue_fee_bps: int
    zone_id: UUID | None
    operator_id: UUID | None
    suppliers: tuple[Supplier, ...]
    plan: PricePlan
    number: int = 1
    limits: UseLimits = NO_LIMITS
