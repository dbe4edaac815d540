"""Decisions about products: the life of a version, who may move it, what may enter the market."""

from collections.abc import Iterable
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.products.terms import Content, Processing, ProductEvent, VersionState
from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.states import Life
from datamarket.zones.terms import Level

VERSION_LIFE = Life(
    "catalogue",
    "产品版本",
    "Product version",
    {
        (VersionState.DRAFT, ProductEvent.SUBMIT): VersionState.SUBMITTED,
        (VersionState.RETURNED, ProductEvent.SUBMIT): VersionState.SUBMITTED,
        (VersionState.SUBMITTED, ProductEvent.RETURN): VersionState.RETURNED,
        (VersionState.SUBMITTED, ProductEvent.APPROVE): VersionState.APPROVED,
        (VersionState.SUBMITTED, ProductEvent.REJECT): VersionState.REJECTED,
        (VersionState.APPROVED, ProductEvent.RETIRE): VersionState.RETIRED,
        (VersionState.APPROVED, ProductEvent.RECALL): VersionState.RECALLED,
        (VersionState.RECALLED, ProductEvent.REINSTATE): VersionState.APPROVED,
    },
    reasons=frozenset(
        {ProductEvent.RETURN, ProductEvent.REJECT, ProductEvent.RECALL, ProductEvent.REINSTATE}
    ),
)
UNFINISHED = frozenset({VersionState.DRAFT, VersionState.RETURNED, VersionState.SUBMITTED})
EDITABLE = frozenset({VersionState.DRAFT, VersionState.RETURNED})
RECALLS = frozenset({ProductEvent.RECALL, ProductEvent.REINSTATE})
REVIEWS = frozenset({ProductEvent.RETURN, ProductEvent.APPROVE, ProductEvent.REJECT})


class OwnReview(Refused):
    code = "product.own-review"
    zh = "开发方及其关联方不得审查自己的产品，提交人也不得审查自己的提交。"
    en = "Neither the maker, nor an affiliate, nor who submitted a product may review it."


class VersionFixed(Conflict):
    code = "product.version-fixed"
    zh = "该版本状态为“{state}”，内容不可再改；请新建版本。"
    en = "This version is {state} and no longer changes; make a new version."


class VersionUnfinished(Conflict):
    code = "product.version-unfinished"
    zh = "最新版本（状态“{state}”）尚未审结，不能再建新版本。"
    en = "The newest version is still {state}; finish it before making another."


class IdentityFixed(Conflict):
    code = "product.identity-fixed"
    zh = "产品首个版本提交之后，名称、分类、等级等不可更改。"
    en = "Name, category and level no longer change once there is more than the first version."


class RawPublicData(Refused):
    code = "product.raw-public-data"
    zh = "未经加工的原始公共数据不得进入市场（原始数据不出域）。"
    en = "Raw public data may not enter the market: it stays inside the zone."


class ResourcesMissing(Refused):
    code = "product.resources-missing"
    zh = "专区产品须列明所用的公共数据资源；自有数据产品不得列入公共数据资源。"
    en = "A zone's product names the resources it stands on; a product of own data names none."


class SampleRowsUneven(Invalid):
    code = "product.sample-rows-uneven"
    zh = "样例须逐行完整：每个字段的样例值个数相同。"
    en = "Samples are whole rows: every field has as many sample values."


class ResourceNotOfZone(Refused):
    code = "product.resource-not-of-zone"
    zh = "资源 {resource} 不属于该产品所在的专区，或不存在。"
    en = "The resource {resource} does not belong to the product's zone, or does not exist."


class ResourceNotRegistered(Refused):
    code = "product.resource-not-registered"
    zh = "资源 {resource} 当前没有有效登记，不得用于产品。"
    en = "The resource {resource} has no registration that is valid now, so no product may stand on it."


class LevelTooLow(Refused):
    code = "product.level-too-low"
    zh = "产品等级“{level}”低于其资源等级“{resource_level}”，须附脱敏后重新定级的记录。"
    en = "The level '{level}' is below its resources' '{resource_level}': give the record of re-assessment."


class ScenarioNotOfZone(Refused):
    code = "product.scenario-not-of-zone"
    zh = "该场景不属于产品所在的专区。"
    en = "The scenario does not belong to the product's zone."


class ZoneWithoutMandate(Refused):
    code = "product.zone-without-mandate"
    zh = "该专区在 {on} 没有有效的运营授权，其产品不得进入市场。"
    en = "The zone has no mandate in force on {on}; its products may not enter the market."


class VersionNotApproved(Refused):
    code = "listing.version-not-approved"
    zh = "该产品版本未通过合规审查或已退役（当前状态“{state}”），不能挂牌。"
    en = "This version is {state}: only an approved version may be listed."


class VersionStillListed(Conflict):
    code = "product.still-listed"
    zh = "该版本仍有未摘牌的挂牌；请先摘牌再退役。"
    en = "This version still has listings; delist them before it retires."


def may_move_product(actor: Actor, event: ProductEvent, *, maker_id: UUID) -> bool:
    """Reviews are the reviewers', never the maker's own; a recall is the authority's; all else is the maker's."""
    if event in RECALLS:
        return actor.may(Permission.MANAGE_VENUES)
    if event in REVIEWS:
        return actor.may(Permission.REVIEW_PRODUCT) and actor.participant_id != maker_id
    return actor.may(Permission.MAKE_PRODUCT) and actor.participant_id == maker_id


def check_review(actor: Actor, *, maker_id: UUID, submitted_by: UUID | None) -> None:
    """Raises OwnReview."""
    if actor.participant_id == maker_id or actor.account_id == submitted_by:
        raise OwnReview


def check_content(content: Content, *, of_zone: bool) -> None:
    """What a version may be at all. Raises ResourcesMissing, RawPublicData or SampleRowsUneven."""
    if len({len(field.further) for field in content.sample_fields}) > 1:
        raise SampleRowsUneven
    if of_zone != bool(content.resources):
        raise ResourcesMissing
    if of_zone and content.processing is Processing.RAW:
        raise RawPublicData


def check_level(level: Level, resource_levels: Iterable[Level], reassessment: str | None) -> None:
    """A product is as sensitive as its most sensitive resource, unless re-assessed. Raises LevelTooLow."""
    ranks = list(Level)
    highest = max(resource_levels, key=ranks.index, default=level)
    if ranks.index(level) < ranks.index(highest) and reassessment is None:
        raise LevelTooLow(level=level, resource_level=highest)
