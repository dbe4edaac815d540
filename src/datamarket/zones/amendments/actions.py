"""Changing or correcting what is registered, and assessing a level anew."""

from datetime import datetime
from typing import Literal

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import record
from datamarket.foundation.ids import new_id
from datamarket.zones.resources import rules as resource_rules
from datamarket.zones.resources.actions import filing_of
from datamarket.zones.resources.tables import LevelAssessment, Resource
from datamarket.zones.resources.terms import FilingKind, ResourceState
from datamarket.zones.terms import Level


async def amend_resource(
    session: AsyncSession,
    actor: Actor,
    resource: Resource,
    *,
    kind: Literal[FilingKind.CHANGE, FilingKind.CORRECTION],
    name_zh: str,
    name_en: str,
    reason: str,
    now: datetime,
) -> Resource:
    """A change or a correction of a registered resource, filed with its reason. Raises NotRegistered."""
    if resource.state != ResourceState.REGISTERED:
        raise resource_rules.NotRegistered
    await record(
        session,
        actor,
        "zones.amend-resource",
        ("resource", resource.id),
        now=now,
        kind=kind,
        before=resource.name_zh,
        after=name_zh,
        reason=reason,
    )
    resource.name_zh, resource.name_en = name_zh, name_en
    resource.version += 1
    session.add(filing_of(resource, kind, reason, now))
    await session.flush()
    return resource


async def assess_level(
    session: AsyncSession, actor: Actor, resource: Resource, *, level: Level, reason: str, now: datetime
) -> LevelAssessment:
    """Another level from now on, for instance after de-identification. Raises LevelUnchanged."""
    before = Level(resource.level)
    resource_rules.check_level_changes(before, level)
    assessment = LevelAssessment(
        id=new_id(now),
        resource_id=resource.id,
        before=before,
        after=level,
        reason=reason,
        actor_id=actor.account_id,
        assessed_at=now,
    )
    session.add(assessment)
    resource.level = level
    resource.version += 1
    await record(
        session,
        actor,
        "zones.assess-level",
        ("resource", resource.id),
        now=now,
        before=before,
        after=level,
        reason=reason,
    )
    return assessment
