"""Every write of participants: admission, affiliations, qualifications."""

from datamarket.participants.actions.admission import (
    move_participant,
    register_participant,
    rename_participant,
)
from datamarket.participants.actions.affiliations import affiliate, end_affiliation
from datamarket.participants.actions.qualifications import grant_qualification

__all__ = [
    "affiliate",
    "end_affiliation",
    "grant_qualification",
    "move_participant",
    "register_participant",
    "rename_participant",
]
