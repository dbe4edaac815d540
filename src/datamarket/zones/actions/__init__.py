"""Every write of zones: `operation` for zones, mandates, scenarios; `registration` for resources."""

from datamarket.zones.actions.operation import add_scenario, found_zone, grant_mandate, move_zone
from datamarket.zones.actions.registration import (
    amend_resource,
    assess_level,
    edit_resource,
    move_resource,
    register_resource,
)

__all__ = [
    "add_scenario",
    "amend_resource",
    "assess_level",
    "edit_resource",
    "found_zone",
    "grant_mandate",
    "move_resource",
    "move_zone",
    "register_resource",
]
