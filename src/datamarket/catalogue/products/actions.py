"""Making products and their versions, and moving a version through its review."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue import rules as catalogue_rules
from datamarket.catalogue.products import queries, rules, sources
from datamarket.catalogue.products.queries import Described
from datamarket.catalogue.products.rules import VERSION_LIFE
from datamarket.catalogue.products.tables import Product, ProductVersion
from datamarket.catalogue.products.terms import Content, Identity, ProductEvent, VersionState
from datamarket.evidence.actions import record
from datamarket.foundation.clock import business_date
from datamarket.foundation.ids import new_id
from datamarket.participants import queries as participants
from datamarket.participants.affiliations import queries as affiliation_queries
from datamarket.stoppages import actions as stoppages
from datamarket.stoppages.terms import StoppageCause
from datamarket.zones.limits import limits_on
from datamarket.zones.resources import rules as zone_rules
from datamarket.zones.terms import Level


async def make_product(
    session: AsyncSession,
    actor: Actor,
    *,
    maker_id: UUID,
    code: str,
    identity: Identity,
    content: Content,
    now: datetime,
    zone_id: UUID | None = None,
    scenario_id: UUID | None = None,
) -> Described:
    """A product of the maker's own data, or of a zone's, with its first version in draft.

    Raises ParticipantNotAdmitted, ScenarioNotOfZone, CoreNeverTrades, ResourcesMissing, RawPublicData.
    """
    zone_rules.check_tradable(identity.level)
    rules.check_content(content, of_zone=zone_id is not None)
    await participants.lock_admitted(session, maker_id)
    await sources.check_scenario(session, zone_id, scenario_id)
    product = Product(
        id=new_id(now),
        code=code,
        maker_id=maker_id,
        zone_id=zone_id,
        scenario_id=scenario_id,
        created_at=now,
        **asdict(identity),
    )
    session.add(product)
    await session.flush()
    version = _add_version(session, product, content, now)
    await record(session, actor, "catalogue.make-product", ("product", product.id), now=now, code=code)
    return Described(product, version)


async def make_version(
    session: AsyncSession, actor: Actor, described: Described, *, content: Content, now: datetime
) -> Described:
    """The next version, in draft; the one before is settled first. Raises VersionUnfinished."""
    product, newest = described
    catalogue_rules.check_own(actor, Permission.MAKE_PRODUCT, product.maker_id, "edit")
    if newest.state in rules.UNFINISHED:
        raise rules.VersionUnfinished(state=VersionState(newest.state))
    rules.check_content(content, of_zone=product.zone_id is not None)
    product.newest += 1
    product.version += 1
    version = _add_version(session, product, content, now)
    await record(
        session, actor, "catalogue.make-version", ("product", product.id), now=now, number=version.number
    )
    return Described(product, version)


async def edit_product(
    session: AsyncSession,
    actor: Actor,
    described: Described,
    *,
    identity: Identity,
    content: Content,
    now: datetime,
) -> Described:
    """Change the newest version while it is a draft or returned, and the identity while it is the first.

    Raises VersionFixed or IdentityFixed.
    """
    product, version = described
    catalogue_rules.check_own(actor, Permission.MAKE_PRODUCT, product.maker_id, "edit")
    if version.state not in rules.EDITABLE:
        raise rules.VersionFixed(state=VersionState(version.state))
    if version.number > 1 and identity != queries.identity_of(product):
        raise rules.IdentityFixed
    zone_rules.check_tradable(identity.level)
    rules.check_content(content, of_zone=product.zone_id is not None)
    for row, values in ((product, asdict(identity)), (version, _columns(content))):
        for name, value in values.items():
            setattr(row, name, value)
    product.version += 1
    await record(
        session, actor, "catalogue.edit-product", ("product", product.id), now=now, number=version.number
    )
    return described


async def move_product(
    session: AsyncSession,
    actor: Actor,
    described: Described,
    event: ProductEvent,
    *,
    number: int | None = None,
    reason: str | None = None,
    now: datetime,
) -> Described:
    """Move the newest version, or the one of this number.

    Raises CatalogueEventNotYours, OwnReview, TransitionNotAllowed, ReasonMissing, VersionStillListed, and on
    submission whatever speaks against the sources.
    """
    product, version = described
    if number is not None and number != version.number:
        version = await queries.lock_version(session, product, number, visible_to=actor)
    await _check_mover(session, actor, Described(product, version), event, on=business_date(now))
    VERSION_LIFE.check_reason(event, reason)
    state = VERSION_LIFE.after(version.state, event)
    if event is ProductEvent.SUBMIT:
        await _submit(session, actor, product, version, now)
    elif event is ProductEvent.RETIRE:
        if await queries.is_listed(session, version.id):
            raise rules.VersionStillListed
    elif event not in rules.RECALLS:
        version.reviewed_by, version.reviewed_at, version.review_reason = actor.account_id, now, reason
    version.state = state
    if state in {VersionState.APPROVED, VersionState.RECALLED, VersionState.RETIRED}:
        await session.flush()
        product.approved = await queries.newest_approved(session, product.id)
    product.version += 1
    facts = {"number": version.number, "version": str(version.id), "state": state, "reason": reason}
    await record(session, actor, f"catalogue.{event}-product", ("product", product.id), now=now, **facts)
    if event is ProductEvent.RECALL:
        cause, days = StoppageCause.VERSION_RECALLED, limits_on(business_date(now)).wind_down_days or 0
        await stoppages.stop(session, actor, version.id, cause, reason=reason, wind_down_days=days, now=now)
    elif event is ProductEvent.REINSTATE:
        await stoppages.lift(session, actor, version.id, now=now)
    return Described(product, version)


def _add_version(session: AsyncSession, product: Product, content: Content, now: datetime) -> ProductVersion:
    version = ProductVersion(
        id=new_id(now), product_id=product.id, number=product.newest, created_at=now, **_columns(content)
    )
    session.add(version)
    return version


def _columns(content: Content) -> dict[str, Any]:
    return asdict(content) | {
        "resources": list(dict.fromkeys(content.resources)),
        "quality": {key.value: promise for key, promise in content.quality.items()},
        "sample_fields": [asdict(sample) for sample in content.sample_fields],
    }


async def _check_mover(
    session: AsyncSession, actor: Actor, described: Described, event: ProductEvent, *, on: date
) -> None:
    """Reviews are by others: not the maker, its affiliates, nor who submitted."""
    maker_id = described.product.maker_id
    if event in rules.REVIEWS and actor.may(Permission.REVIEW_PRODUCT):
        rules.check_review(actor, maker_id=maker_id, submitted_by=described.version.submitted_by)
        reviewer = actor.participant_id
        if reviewer and await affiliation_queries.are_related(session, reviewer, maker_id, on):
            raise rules.OwnReview
    if not rules.may_move_product(actor, event, maker_id=maker_id):
        raise catalogue_rules.CatalogueEventNotYours(event=event)


async def _submit(
    session: AsyncSession, actor: Actor, product: Product, version: ProductVersion, now: datetime
) -> None:
    level = Level(product.level)
    levels = await sources.check_sources(
        session, zone_id=product.zone_id, resources=version.resources, level=level, on=business_date(now)
    )
    rules.check_level(level, levels, product.level_reason)
    version.submitted_by, version.submitted_at = actor.account_id, now
    version.reviewed_by = version.reviewed_at = None
