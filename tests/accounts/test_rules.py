"""Which roles stand together in one account, and to which kinds of organisation each is given: the whole table."""

from itertools import product

import pytest

from datamarket.accounts.rules import RoleNotGiven, check_kind
from datamarket.auth.rules import RoleOfOffice, RolesApart, check_roles
from datamarket.auth.terms import Role
from datamarket.foundation.errors import MarketError
from datamarket.foundation.ids import new_id
from datamarket.participants.terms import ParticipantKind
from tests.world.people import moment

GIVEN = {
    "provider": "enterprise",
    "buyer": "enterprise zone_operator venue_operator third_party supplying_unit",
    "operator": "zone_operator venue_operator",
    "reviewer": "third_party office",
    "authority": "office",
    "finance": "office",
    "auditor": "office",
    "admin": "office",
}
TOGETHER = {"provider", "buyer", "operator"}


@pytest.mark.parametrize(("role", "kind"), list(product(Role, [*ParticipantKind, None])))
def test_a_role_is_given_to_the_kinds_that_do_its_work(role: Role, kind: ParticipantKind | None) -> None:
    refused = None
    try:
        check_roles({role}, new_id(moment()) if kind else None)
        check_kind(role, kind)
    except MarketError as error:
        refused = type(error)
    assert (refused is None) == ((kind or "office") in GIVEN[role].split())
    assert refused in {None, RoleOfOffice, RoleNotGiven}


@pytest.mark.parametrize(("one", "other"), list(product(Role, Role)))
def test_who_judges_or_oversees_does_nothing_else(one: Role, other: Role) -> None:
    if one == other or {one, other} <= TOGETHER:
        check_roles({one, other}, None)
    else:
        with pytest.raises(RolesApart):
            check_roles({one, other}, None)
