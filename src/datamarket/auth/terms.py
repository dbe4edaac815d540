"""Roles, permissions, and the actor that every action is done by."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from datamarket.foundation.states import Labelled


class Role(Labelled):
    """What an account does within its organisation."""

    PROVIDER = "provider", "数据企业", "data enterprise"
    BUYER = "buyer", "数据需方", "buyer"
    OPERATOR = "operator", "专区运营机构", "zone operator"
    REVIEWER = "reviewer", "合规审查", "compliance reviewer"
    AUTHORITY = "authority", "数据主管部门", "data authority"
    FINANCE = "finance", "财政部门", "finance department"
    AUDITOR = "auditor", "审计监管", "auditor"
    ADMIN = "admin", "账户管理员", "account administrator"


class Permission(StrEnum):
    """One thing that may be done; each route names exactly one."""

    READ_SELF = "read_self"
    READ_ACCOUNTS = "read_accounts"
    MANAGE_ACCOUNTS = "manage_accounts"
    READ_MARKET = "read_market"
    MANAGE_PARTICIPANTS = "manage_participants"
    MANAGE_ZONES = "manage_zones"
    REGISTER_RESOURCE = "register_resource"
    REVIEW_RESOURCE = "review_resource"
    MANAGE_VENUES = "manage_venues"
    MAKE_PRODUCT = "make_product"
    REVIEW_PRODUCT = "review_product"
    LIST_PRODUCT = "list_product"
    REQUEST_CONTRACT = "request_contract"
    CONCLUDE_CONTRACT = "conclude_contract"
    USE_CONTRACT = "use_contract"
    RECORD_TRADE = "record_trade"
    PRICE_USE = "price_use"
    REFUND_TRADE = "refund_trade"
    DISPUTE_TRADE = "dispute_trade"
    DECIDE_DISPUTE = "decide_dispute"
    DELIVER_ORDER = "deliver_order"
    READ_LEDGER = "read_ledger"
    DEPOSIT_FUNDS = "deposit_funds"
    CLOSE_PERIOD = "close_period"
    MAKE_PAYOUT = "make_payout"
    RECONCILE_BANK = "reconcile_bank"
    FILE_PAPER = "file_paper"
    REGISTER_CASE = "register_case"
    READ_SUBSIDY = "read_subsidy"
    CALCULATE_SUBSIDY = "calculate_subsidy"
    APPROVE_SUBSIDY = "approve_subsidy"
    PAY_SUBSIDY = "pay_subsidy"
    READ_AUDIT_EVENTS = "read_audit_events"
    FILE_INCOME = "file_income"
    REVIEW_INCOME = "review_income"
    SET_PRICES = "set_prices"


P = Permission
_TRADING = {P.READ_SELF, P.READ_MARKET, P.CONCLUDE_CONTRACT, P.DISPUTE_TRADE, P.READ_LEDGER}
_SELLING = _TRADING | {
    P.MAKE_PRODUCT,
    P.LIST_PRODUCT,
    P.PRICE_USE,
    P.REFUND_TRADE,
    P.DELIVER_ORDER,
    P.FILE_PAPER,
}
_OVERSEEING = {P.READ_SELF, P.READ_MARKET, P.READ_LEDGER, P.READ_SUBSIDY, P.READ_AUDIT_EVENTS}
PERMISSIONS_OF: dict[Role, frozenset[Permission]] = {
    Role.PROVIDER: frozenset(_SELLING),
    Role.BUYER: frozenset(_TRADING | {P.REQUEST_CONTRACT, P.USE_CONTRACT, P.RECORD_TRADE}),
    Role.OPERATOR: frozenset(_SELLING | {P.REGISTER_RESOURCE, P.FILE_INCOME}),
    Role.REVIEWER: frozenset({P.READ_SELF, P.READ_MARKET, P.REVIEW_PRODUCT, P.REVIEW_INCOME}),
    Role.AUTHORITY: frozenset(
        _OVERSEEING
        | {P.MANAGE_PARTICIPANTS, P.MANAGE_ZONES, P.REVIEW_RESOURCE, P.MANAGE_VENUES, P.REGISTER_CASE}
        | {
            P.CONCLUDE_CONTRACT,
            P.DECIDE_DISPUTE,
            P.CALCULATE_SUBSIDY,
            P.APPROVE_SUBSIDY,
            P.REVIEW_INCOME,
            P.SET_PRICES,
            P.FILE_PAPER,
        }
    ),
    Role.FINANCE: frozenset(
        _OVERSEEING
        | {P.DEPOSIT_FUNDS, P.CLOSE_PERIOD, P.MAKE_PAYOUT, P.RECONCILE_BANK}
        | {P.APPROVE_SUBSIDY, P.PAY_SUBSIDY}
    ),
    Role.AUDITOR: frozenset(_OVERSEEING | {P.READ_ACCOUNTS}),
    Role.ADMIN: frozenset({P.READ_SELF, P.READ_ACCOUNTS, P.MANAGE_ACCOUNTS}),
}
OVERSEERS = frozenset({Role.AUTHORITY, Role.FINANCE, Role.AUDITOR})
OFFICES_ONLY = OVERSEERS | {Role.ADMIN}
"""What the city itself does, for no organisation."""
APART = OFFICES_ONLY | {Role.REVIEWER}
"""Roles that judge or oversee what another does: each stands alone in its account."""


@dataclass(frozen=True)
class Actor:
    """Who does it: an account, acting for its organisation (none for the city's own offices)."""

    account_id: UUID
    participant_id: UUID | None
    roles: frozenset[Role]
    permissions: frozenset[Permission] = field(init=False)

    def __post_init__(self) -> None:
        granted: set[Permission] = set()
        for role in self.roles:
            granted |= PERMISSIONS_OF[role]
        object.__setattr__(self, "permissions", frozenset(granted))

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def sees_all(self) -> bool:
        """Authority, finance and auditor read every row; all others their own organisation's."""
        return bool(self.roles & OVERSEERS)


CLOCK = Actor(UUID(int=0), None, frozenset())
"""What a term that is over does by itself is nobody's deed: no account has this id."""
