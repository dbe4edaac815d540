"""Every write of zones: zones, mandates and scenarios; resources; what happens once one is registered."""

from datamarket.zones.actions.amendment import amend_resource, assess_level
from datamarket.zones.actions.operation import add_scenario, found_zone, grant_mandate, move_zone
from datamarket.zones.actions.registration import edit_resource, move_resource, register_resource

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
