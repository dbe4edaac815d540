"""For whom an actor acts, and which roles one account may have."""

from collections.abc import Collection
from uuid import UUID

from datamarket.auth.terms import APART, OFFICES_ONLY, Actor, Role
from datamarket.foundation.errors import Conflict, Forbidden, Invalid, Unauthenticated


class OrganisationNeeded(Forbidden):
    code = "auth.organisation-needed"
    zh = "该操作须以机构身份进行，而此账户不属于任何机构。"
    en = "This is done for an organisation, and this account belongs to none."


class AccountClosed(Unauthenticated):
    code = "auth.account-closed"
    zh = "该账户已停用或不存在；自停用之时起不再受理其写操作。"
    en = "This account is closed, or not there: from that instant nothing is written for it."


class PasswordTemporary(Forbidden):
    code = "auth.password-temporary"
    zh = "当前密码为临时密码：请先通过 POST /auth/password 设置自己的密码，再办理业务。"
    en = "The password is a temporary one: choose your own with POST /auth/password before anything is written."


class RolesApart(Invalid):
    code = "auth.roles-apart"
    zh = "角色“{role}”不得与其他角色并存于同一账户。"
    en = "The role '{role}' stands alone: an account that has it has no other."


class RoleOfOffice(Invalid):
    code = "auth.role-of-office"
    zh = "角色“{role}”属于市级部门，其账户不得挂靠任何机构。"
    en = "The role '{role}' is an office of the city: an account that has it acts for no organisation."


class LastAdministrator(Conflict):
    code = "auth.last-administrator"
    zh = "这是最后一个启用中的账户管理员，不能停用；请先开立另一个。"
    en = "This is the last open account of an administrator, and stays open; open another one first."


def organisation_of(actor: Actor) -> UUID:
    """The organisation an actor works for. Raises OrganisationNeeded."""
    if actor.participant_id is None:
        raise OrganisationNeeded
    return actor.participant_id


def check_roles(roles: Collection[Role], participant_id: UUID | None) -> None:
    """One person, one office. Raises RolesApart or RoleOfOffice."""
    for role in sorted(APART.intersection(roles)):
        if len(set(roles)) > 1:
            raise RolesApart(role=role)
        if participant_id is not None and role in OFFICES_ONLY:
            raise RoleOfOffice(role=role)
