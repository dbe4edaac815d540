"""/resources/{id}/filings and /level-assessments."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic import Field

from datamarket.auth.access import Visitor, allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.http import (
    Body,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    ShortText,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.shapes import RowShape
from datamarket.zones.amendments import actions, queries
from datamarket.zones.resources import queries as resource_queries
from datamarket.zones.resources.api import ResourceOut
from datamarket.zones.resources.terms import FilingKind
from datamarket.zones.terms import Level

router = SliceRouter(tags=["resources"])
ReviewResource = Annotated[Actor, allow(Permission.REVIEW_RESOURCE)]


class FilingIn(Body):
    """A change (the facts changed) or a correction (the record was wrong) of a registered resource."""

    kind: Literal[FilingKind.CHANGE, FilingKind.CORRECTION] = Field(examples=["change"])
    name_zh: ShortText = Field(examples=["近海浮标与潮位观测数据"])
    name_en: ShortText = Field(examples=["Observations of near-shore buoys and tides"])
    reason: Prose = Field(examples=["新增潮位站"])


class FilingOut(RowShape):
    """One filing of a registration."""

    id: UUID
    kind: FilingKind
    kind_zh: str = Field(examples=["首次登记"])
    kind_en: str = Field(examples=["first registration"])
    reason: str | None
    filed_at: datetime


class AssessmentIn(Body):
    """Another level, and why."""

    level: Level = Field(examples=["general"])
    reason: Prose = Field(examples=["已脱敏，个人标识不可复原"])


class AssessmentOut(RowShape):
    """A re-assessment of the level."""

    id: UUID
    before: Level
    after: Level
    reason: str
    assessed_by: UUID = Field(validation_alias="actor_id")
    assessed_at: datetime


@router.get("/resources/{resource_id}/filings", summary="What was filed, oldest first")
async def list_filings(
    caller: Visitor, session: Reading, paging: Paging[UUID], resource_id: UUID
) -> Page[FilingOut]:
    await resource_queries.get_resource(session, resource_id, visible_to=caller)
    rows = await queries.list_filings(session, resource_id, page=paging)
    return page_of(rows, paging, FilingOut.of, lambda filing: [filing.id])


@router.post("/resources/{resource_id}/filings", status_code=201, summary="File a change or a correction")
async def amend_resource(
    actor: ReviewResource, session: Writing, now: Now, resource_id: UUID, body: FilingIn, response: Response
) -> ResourceOut:
    resource = await resource_queries.lock_resource(session, resource_id, visible_to=actor)
    amended = await actions.amend_resource(session, actor, resource, **dict(body), now=now)
    return ResourceOut.tagged(amended, response)


@router.get("/resources/{resource_id}/level-assessments", summary="How its level changed, oldest first")
async def list_assessments(
    caller: Visitor, session: Reading, paging: Paging[UUID], resource_id: UUID
) -> Page[AssessmentOut]:
    await resource_queries.get_resource(session, resource_id, visible_to=caller)
    rows = await queries.list_assessments(session, resource_id, page=paging)
    return page_of(rows, paging, AssessmentOut.of, lambda assessment: [assessment.id])


@router.post("/resources/{resource_id}/level-assessments", status_code=201, summary="Re-assess the level")
async def assess_level(
    actor: ReviewResource, session: Writing, now: Now, resource_id: UUID, body: AssessmentIn
) -> AssessmentOut:
    resource = await resource_queries.lock_resource(session, resource_id, visible_to=actor)
    return AssessmentOut.of(await actions.assess_level(session, actor, resource, **dict(body), now=now))
