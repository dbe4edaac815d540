"""Which kinds of organisation a role is given to, and what a closed account does not get."""

from datamarket.auth.terms import OFFICES_ONLY, Role
from datamarket.foundation.errors import Conflict, Refused
from datamarket.participants.terms import ParticipantKind

K = ParticipantKind
GIVEN_TO: dict[Role, frozenset[ParticipantKind | None]] = {
    Role.PROVIDER: frozenset({K.ENTERPRISE}),
    Role.BUYER: frozenset({K.ENTERPRISE, K.ZONE_OPERATOR, K.VENUE_OPERATOR, K.THIRD_PARTY, K.SUPPLYING_UNIT}),
    Role.OPERATOR: frozenset({K.ZONE_OPERATOR, K.VENUE_OPERATOR}),
    Role.REVIEWER: frozenset({K.THIRD_PARTY, None}),
} | dict.fromkeys(OFFICES_ONLY, frozenset({None}))
"""None is an office of the city. Which roles stand alone in their account: `auth.terms.APART`."""


class RoleNotGiven(Refused):
    code = "account.role-not-given"
    zh = "角色“{role}”不授予“{kind_zh}”的账户。"
    en = "The role '{role}' is not given to accounts of this kind: {kind_en}."


class AccountClosedAlready(Conflict):
    code = "account.closed"
    zh = "该账户已停用，不能再设置密码。"
    en = "The account is closed, and gets no password any more."


def check_kind(role: Role, kind: ParticipantKind | None) -> None:
    """Raises RoleNotGiven."""
    if kind not in GIVEN_TO[role]:
        zh, en = (kind.zh, kind.en) if kind else ("无所属机构", "no organisation")
        raise RoleNotGiven(role=role, kind_zh=zh, kind_en=en)
