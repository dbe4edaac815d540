"""For whom an actor acts."""

from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.foundation.errors import Forbidden


class OrganisationNeeded(Forbidden):
    code = "auth.organisation-needed"
    zh = "该操作须以机构身份进行，而此账户不属于任何机构。"
    en = "This is done for an organisation, and this account belongs to none."


def organisation_of(actor: Actor) -> UUID:
    """The organisation an actor works for. Raises OrganisationNeeded."""
    if actor.participant_id is None:
        raise OrganisationNeeded
    return actor.participant_id
