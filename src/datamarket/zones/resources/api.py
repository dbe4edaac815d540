"""/resources: registration of public data, from draft to code."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Response
from pydantic import Field, Strict

from datamarket.auth.access import ReadMarket, Visitor, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.clock import business_date, holidays_known
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    Code,
    IfMatch,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    ShortText,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.zones import queries as zones_queries
from datamarket.zones.resources import actions, queries, rules
from datamarket.zones.resources.terms import ResourceEvent, ResourceState
from datamarket.zones.terms import Level

router = SliceRouter(tags=["resources"])
Records = Annotated[int, Strict(), Field(gt=0, le=10**15, description="about how many it holds")]
"""The whole city has 2,200 亿 (docs/domain.md §8) [report]: a count above this is a slip."""
RegisterResource = Annotated[Actor, allow(Permission.REGISTER_RESOURCE)]


class ResourceContentIn(Body):
    """What a draft says of the resource."""

    name_zh: ShortText = Field(examples=["近海浮标实时观测数据"])
    name_en: ShortText = Field(examples=["Live observations of near-shore buoys"])
    level: Level = Field(description="GB/T 43697", examples=["general"])
    records: Records | None = Field(default=None, examples=[215_000_000])


class ResourceIn(ResourceContentIn):
    """A resource that the zone's operator registers."""

    zone_id: UUID
    supplying_unit_id: UUID
    code: Code = Field(examples=["RES-001"])


class ResourceEventIn(Body):
    """`reason` is needed to return, reject or cancel; a code given elsewhere goes with the event `code`."""

    event: ResourceEvent = Field(examples=["submit"])
    reason: Prose | None = Field(default=None, examples=["材料不齐，请补正"])
    registration_code: Code | None = Field(default=None, examples=["QD-370200-2024-000101"])


class ResourceOut(RowShape):
    """A resource and its registration; it counts from `registered_on` until, not including, `valid_to`."""

    id: UUID
    zone_id: UUID
    supplying_unit_id: UUID
    code: str = Field(examples=["RES-001"])
    name_zh: str
    name_en: str
    level: Level
    level_zh: str = Field(examples=["一般数据"])
    level_en: str = Field(examples=["general"])
    records: int | None = Field(description="about how many it holds", examples=[215_000_000])
    state: ResourceState
    state_zh: str = Field(examples=["已登记"])
    state_en: str = Field(examples=["registered"])
    reason: str | None
    submitted_on: date | None
    accepted_on: date | None
    reviewed_on: date | None
    publicised_on: date | None
    registered_on: date | None
    valid_to: date | None
    due_on: date | None = Field(description="the last day of the authority's next step, by the rule in force")
    holidays_known: bool | None = Field(
        description="whether `due_on` was counted with the public holidays of its year; if not, as Monday to Friday"
    )
    registration_code: str | None = Field(examples=["QD-370200-2024-000101"])
    created_at: datetime
    version: int

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        due_on = rules.due_on(row.state, submitted_on=row.submitted_on, accepted_on=row.accepted_on)
        known = due_on and holidays_known(due_on)
        return super().of(row, due_on=due_on, holidays_known=known, **derived)


class ResourceEventsOut(AllowedEvents[ResourceState, ResourceEvent]):
    """What this actor may do with the resource now."""

    events: list[ResourceEvent] = Field(examples=[["accept", "return", "reject"]])


@router.post("/resources", status_code=201, summary="Draft a registration")
async def register_resource(
    actor: RegisterResource, session: Writing, now: Now, body: ResourceIn, response: Response
) -> ResourceOut:
    resource = await actions.register_resource(session, actor, **dict(body), now=now)
    return ResourceOut.tagged(resource, response)


@router.get("/resources", summary="Resources; visitors see those publicised or coded")
async def list_resources(
    caller: Visitor,
    session: Reading,
    paging: Paging[UUID],
    zone: UUID | None = None,
    level: Level | None = None,
    state: ResourceState | None = None,
) -> Page[ResourceOut]:
    rows = await queries.list_resources(
        session,
        visible_to=caller,
        zone_id=zone,
        level=level,
        state=state,
        page=paging,
    )
    return page_of(rows, paging, ResourceOut.of, lambda resource: [resource.id])


@router.get("/resources/{resource_id}", summary="One resource")
async def get_resource(
    caller: Visitor, session: Reading, resource_id: UUID, response: Response
) -> ResourceOut:
    resource = await queries.get_resource(session, resource_id, visible_to=caller)
    return ResourceOut.tagged(resource, response)


@router.patch("/resources/{resource_id}", summary="Change a draft, or what was returned")
async def edit_resource(
    actor: RegisterResource,
    session: Writing,
    now: Now,
    resource_id: UUID,
    body: ResourceContentIn,
    response: Response,
    if_match: IfMatch = None,
) -> ResourceOut:
    resource = await queries.lock_resource(session, resource_id, visible_to=actor)
    check_tag(if_match, resource.version, required=True)
    edited = await actions.edit_resource(session, actor, resource, **dict(body), now=now)
    return ResourceOut.tagged(edited, response)


@router.post("/resources/{resource_id}/events", summary="One step of the registration")
async def move_resource(
    actor: ReadMarket,
    session: Writing,
    now: Now,
    resource_id: UUID,
    body: ResourceEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> ResourceOut:
    """The zone's operator submits and renews; the authority does the rest."""
    resource = await queries.lock_resource(session, resource_id, visible_to=actor)
    check_tag(if_match, resource.version)
    moved = await actions.move_resource(session, actor, resource, **dict(body), now=now)
    return ResourceOut.tagged(moved, response)


@router.get("/resources/{resource_id}/allowed-events", summary="What is open to you now")
async def allowed_resource_events(
    actor: ReadMarket, session: Reading, now: Now, resource_id: UUID
) -> ResourceEventsOut:
    resource = await queries.get_resource(session, resource_id, visible_to=actor)
    zone = await zones_queries.get_zone(session, resource.zone_id)
    state = ResourceState(resource.state)
    operates = actor.participant_id == zone.operator_id
    lapsed = rules.is_lapsed(state, resource.valid_to, business_date(now))
    events = [
        event
        for event in rules.open_in(state, lapsed=lapsed)
        if actor.may(rules.PERMISSION_FOR[event]) and (operates or event not in rules.OPERATOR_EVENTS)
    ]
    return ResourceEventsOut(state=state, events=events)
