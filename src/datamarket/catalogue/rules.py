"""What venues, products and listings refuse alike. Pure."""

from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.errors import Forbidden, NotFound


class CatalogueEventNotYours(Forbidden):
    code = "catalogue.event-not-yours"
    zh = "操作“{event}”不由您的机构或角色办理。"
    en = "The event '{event}' is not for your organisation or role."


class CatalogueReferenceUnknown(NotFound):
    code = "catalogue.reference-unknown"
    zh = "所引用的对象不存在。"
    en = "What is referred to is not there."


def check_own(actor: Actor, permission: Permission, owner_id: UUID, event: str) -> None:
    """Done by the owner's own people who have the permission. Raises CatalogueEventNotYours."""
    if not actor.may(permission) or actor.participant_id != owner_id:
        raise CatalogueEventNotYours(event=event)
