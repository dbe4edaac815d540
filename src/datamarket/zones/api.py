"""/zones: founding, opening, mandates, scenarios. Open to visitors for reading."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field, StringConstraints

from datamarket.auth.access import ManageZones, Visitor
from datamarket.auth.terms import Permission
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    Code,
    DateIn,
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
from datamarket.zones import actions, queries, rules
from datamarket.zones.terms import ExitCourse, MandateMode, MandateState, UseClass, ZoneEvent, ZoneState

router = SliceRouter(tags=["zones"])
ZoneField = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z][a-z_]*$")]


class ZoneIn(Body):
    """A zone, planned for an admitted operator."""

    code: Code = Field(examples=["Z-SEA"])
    name_zh: ShortText = Field(examples=["海洋专区"])
    name_en: ShortText = Field(examples=["Ocean zone"])
    field: ZoneField = Field(examples=["ocean"])
    operator_id: UUID


class ZoneEventIn(Body):
    """`reason` is needed to close."""

    event: ZoneEvent = Field(examples=["open"])
    reason: Prose | None = Field(default=None, examples=["授权期满，不再续期"])


class ZoneOut(RowShape):
    """A zone and who operates it."""

    id: UUID
    code: str = Field(examples=["Z-SEA"])
    name_zh: str = Field(examples=["海洋专区"])
    name_en: str = Field(examples=["Ocean zone"])
    field: str = Field(examples=["ocean"])
    operator_id: UUID
    opened_on: date | None
    closed_on: date | None
    reason: str | None
    state: ZoneState
    state_zh: str = Field(examples=["运营中"])
    state_en: str = Field(examples=["open"])
    created_at: datetime
    version: int


class ZoneEventsOut(AllowedEvents[ZoneState, ZoneEvent]):
    """What this caller may do with the zone now."""

    events: list[ZoneEvent] = Field(examples=[["close"]])


class MandateIn(Body):
    """An authorisation; `term_to` is the first day after the term."""

    operator_id: UUID
    mode: MandateMode = Field(examples=["field"])
    term_from: DateIn = Field(examples=["2023-03-15"])
    term_to: DateIn = Field(examples=["2028-01-01"])
    filed_on: DateIn = Field(description="filed with the province", examples=["2023-03-30"])
    reason_long_term: Prose | None = Field(
        default=None, description="needed where the term is longer than the rule allows in principle"
    )


class MandateOut(RowShape):
    """An authorisation over half-open days."""

    id: UUID
    zone_id: UUID
    operator_id: UUID
    mode: MandateMode
    mode_zh: str = Field(examples=["分领域授权"])
    mode_en: str = Field(examples=["by field"])
    term_from: date
    term_to: date
    filed_on: date
    reason_long_term: str | None
    state: MandateState
    state_zh: str = Field(examples=["已授权"])
    state_en: str = Field(examples=["granted"])
    ended_on: date | None = Field(description="from when on it was withdrawn")
    exit_course: ExitCourse | None = Field(description="what becomes of contracts that ran under it")
    followed_by: UUID | None = Field(description="the mandate that took them over")
    reason: str | None
    version: int


class ScenarioIn(Body):
    """A use that an open zone is operated for."""

    code: Code = Field(examples=["S-SEA-1"])
    name_zh: ShortText = Field(examples=["海洋气象与灾害预警"])
    name_en: ShortText = Field(examples=["Ocean weather and hazard warning"])
    use_class: UseClass = Field(examples=["public_good"])
    family: ShortText = Field(description="the public name of its products", examples=["沧海图"])
    operation: Prose | None = Field(default=None, description="how it is operated")


class ScenarioOut(RowShape):
    """A use; for the public good it is free."""

    id: UUID
    zone_id: UUID
    code: str = Field(examples=["S-SEA-1"])
    name_zh: str
    name_en: str
    use_class: UseClass
    use_class_zh: str = Field(examples=["公共治理、公益事业"])
    use_class_en: str = Field(examples=["public governance and public good"])
    family: str = Field(examples=["沧海图"])
    operation: str | None


@router.post("/zones", status_code=201, summary="Plan a zone")
async def found_zone(
    actor: ManageZones, session: Writing, now: Now, body: ZoneIn, response: Response
) -> ZoneOut:
    zone = await actions.found_zone(session, actor, **dict(body), now=now)
    return ZoneOut.tagged(zone, response)


@router.get("/zones", summary="Zones, in the order they were planned")
async def list_zones(
    _caller: Visitor, session: Reading, paging: Paging[UUID], state: ZoneState | None = None
) -> Page[ZoneOut]:
    rows = await queries.list_zones(session, state=state, page=paging)
    return page_of(rows, paging, ZoneOut.of, lambda zone: [zone.id])


@router.get("/zones/{zone_id}", summary="One zone")
async def get_zone(_caller: Visitor, session: Reading, zone_id: UUID, response: Response) -> ZoneOut:
    return ZoneOut.tagged(await queries.get_zone(session, zone_id), response)


@router.post("/zones/{zone_id}/events", summary="Open or close a zone")
async def move_zone(
    actor: ManageZones,
    session: Writing,
    now: Now,
    zone_id: UUID,
    body: ZoneEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> ZoneOut:
    zone = await queries.lock_zone(session, zone_id)
    check_tag(if_match, zone.version)
    moved = await actions.move_zone(session, actor, zone, body.event, reason=body.reason, now=now)
    return ZoneOut.tagged(moved, response)


@router.get("/zones/{zone_id}/allowed-events", summary="What is open to you now")
async def allowed_zone_events(caller: Visitor, session: Reading, zone_id: UUID) -> ZoneEventsOut:
    state = ZoneState((await queries.get_zone(session, zone_id)).state)
    may = caller is not None and caller.may(Permission.MANAGE_ZONES)
    return ZoneEventsOut(state=state, events=rules.ZONE_LIFE.open_in(state) if may else [])


@router.get("/zones/{zone_id}/mandates", summary="Authorisations of a zone")
async def list_mandates(
    _caller: Visitor, session: Reading, paging: Paging[UUID], zone_id: UUID
) -> Page[MandateOut]:
    await queries.get_zone(session, zone_id)
    rows = await queries.list_mandates(session, zone_id, page=paging)
    return page_of(rows, paging, MandateOut.of, lambda mandate: [mandate.id])


@router.post("/zones/{zone_id}/mandates", status_code=201, summary="Authorise an operator for a term")
async def grant_mandate(
    actor: ManageZones, session: Writing, now: Now, zone_id: UUID, body: MandateIn
) -> MandateOut:
    return MandateOut.of(await actions.grant_mandate(session, actor, zone_id=zone_id, **dict(body), now=now))


@router.get("/zones/{zone_id}/scenarios", summary="What a zone is operated for")
async def list_scenarios(
    _caller: Visitor, session: Reading, paging: Paging[UUID], zone_id: UUID
) -> Page[ScenarioOut]:
    await queries.get_zone(session, zone_id)
    rows = await queries.list_scenarios(session, zone_id, page=paging)
    return page_of(rows, paging, ScenarioOut.of, lambda scenario: [scenario.id])


@router.post("/zones/{zone_id}/scenarios", status_code=201, summary="Add a scenario to an open zone")
async def add_scenario(
    actor: ManageZones, session: Writing, now: Now, zone_id: UUID, body: ScenarioIn
) -> ScenarioOut:
    return ScenarioOut.of(await actions.add_scenario(session, actor, zone_id=zone_id, **dict(body), now=now))
