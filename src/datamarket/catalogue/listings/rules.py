"""Decisions about listings: their life, who may move them, what a price plan must be."""

from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.listings.terms import (
    ListingEvent,
    ListingState,
    PriceModel,
    PricePlan,
)
from datamarket.foundation.errors import Conflict, Forbidden, Invalid, Refused
from datamarket.foundation.states import Life
from datamarket.zones.terms import UseClass

LISTING_LIFE = Life(
    "catalogue",
    "挂牌",
    "Listing",
    {
        (ListingState.DRAFT, ListingEvent.SUBMIT): ListingState.SUBMITTED,
        (ListingState.DRAFT, ListingEvent.DELIST): ListingState.DELISTED,
        (ListingState.SUBMITTED, ListingEvent.PUBLISH): ListingState.PUBLISHED,
        (ListingState.SUBMITTED, ListingEvent.RETURN): ListingState.DRAFT,
        (ListingState.SUBMITTED, ListingEvent.DELIST): ListingState.DELISTED,
        (ListingState.PUBLISHED, ListingEvent.SUSPEND): ListingState.SUSPENDED,
        (ListingState.PUBLISHED, ListingEvent.DELIST): ListingState.DELISTED,
        (ListingState.SUSPENDED, ListingEvent.RESUME): ListingState.PUBLISHED,
        (ListingState.SUSPENDED, ListingEvent.DELIST): ListingState.DELISTED,
    },
    reasons=frozenset({ListingEvent.RETURN}),
)
TO_MARKET = frozenset({ListingEvent.PUBLISH, ListingEvent.RESUME})


class PlanFaulty(Invalid):
    code = "listing.plan-faulty"
    zh = "计价方案不成立：免费即价格为零，其余须大于零；仅按期计费须注明天数。"
    en = "The price plan does not hold: free costs nothing, all else more; only a period has days."


class PlanTermMisplaced(Invalid):
    code = "listing.plan-term-misplaced"
    zh = "计价方式“{model}”不含“{term}”。"
    en = "The price model '{model}' has no '{term}'."


class PlanTermMissing(Invalid):
    code = "listing.plan-term-missing"
    zh = "计价方式“{model}”须写明“{term}”。"
    en = "The price model '{model}' needs '{term}'."


class PlanNegative(Invalid):
    code = "listing.plan-negative"
    zh = "计价方案的“{term}”不得为负，单位数不得小于一。"
    en = "'{term}' of a price plan is not below zero, and units are one at least."


class TiersDisordered(Invalid):
    code = "listing.tiers-disordered"
    zh = "阶梯起点须自零以上逐级递增，既不间断也不重叠：{above} 不大于 {before}。"
    en = "Tiers begin above zero and rise, without gap or overlap: {above} does not lie above {before}."


class TierNotWhole(Invalid):
    code = "listing.tier-not-whole"
    zh = "套餐包的阶梯起点须为每包 {units} 单位的整数倍：{above} 不是。"
    en = "A tier of packages begins after whole packages of {units} units: {above} is not so many."


class CapBelowMinimum(Invalid):
    code = "listing.cap-below-minimum"
    zh = "月度封顶 {cap_fen} 分低于月度最低消费 {minimum_fen} 分。"
    en = "The month's cap of {cap_fen} fen lies below its minimum of {minimum_fen} fen."


class PublicGoodNotFree(Refused):
    code = "listing.public-good-not-free"
    zh = "用于公共治理、公益事业的产品须无偿使用。"
    en = "Use for public governance or the public good is free."


class ListingFilterMisplaced(Invalid):
    code = "listing.filter-misplaced"
    zh = "检索已公开的挂牌不能按 state 筛选；查看本机构的挂牌（mine=true）只能按 state 筛选。"
    en = "A search of what is published takes no `state`; a list of your own (mine=true) takes no filter but `state`."


class ListingFixed(Conflict):
    code = "listing.fixed"
    zh = "挂牌状态为“{state}”，价格与平台不可更改；新价格须另行挂牌。"
    en = "This listing is {state}: price and venue no longer change; a new price is a new listing."


class ListingHeld(Forbidden):
    code = "listing.held-by-venue"
    zh = "该挂牌由平台或主管部门暂停，须由其恢复。"
    en = "The venue or the authority suspended this listing; only they resume it."


class ListingNotPublished(Refused):
    code = "listing.not-published"
    zh = "该挂牌当前未公开（状态“{state}”），不能据此签约。"
    en = "This listing is {state}, not published: nothing can be agreed upon it."


def may_see_listing(
    actor: Actor | None, *, state: ListingState | str, provider_id: UUID, venue_operator_id: UUID
) -> bool:
    """What is published is everyone's; all else the provider's, the venue's and the overseers'."""
    if state == ListingState.PUBLISHED:
        return True
    if actor is None:
        return False
    return actor.sees_all or (
        actor.participant_id is not None and actor.participant_id in {provider_id, venue_operator_id}
    )


def may_decide(actor: Actor, *, provider_id: UUID, venue_operator_id: UUID) -> bool:
    """The authority decides what is published, and a venue's operator on its own venue, not on its own listing."""
    if actor.may(Permission.MANAGE_VENUES):
        return True
    operates = actor.may(Permission.LIST_PRODUCT) and actor.participant_id == venue_operator_id
    return operates and provider_id != venue_operator_id


def may_move_listing(
    actor: Actor, event: ListingEvent, *, provider_id: UUID, venue_operator_id: UUID, held_by_venue: bool
) -> bool:
    """The provider submits, suspends, resumes, delists; the venue publishes, returns, suspends, resumes."""
    decides = may_decide(actor, provider_id=provider_id, venue_operator_id=venue_operator_id)
    provides = actor.may(Permission.LIST_PRODUCT) and actor.participant_id == provider_id
    if event in {ListingEvent.PUBLISH, ListingEvent.RETURN}:
        return decides
    if event is ListingEvent.SUBMIT:
        return provides
    if event is ListingEvent.RESUME and held_by_venue:
        return decides
    return decides or provides


def use_classes(scenario_class: str | None) -> tuple[UseClass, ...]:
    """What contracts on a listing may be for: where its scenario is for the public good, that alone; else each."""
    public = scenario_class == UseClass.PUBLIC_GOOD
    return (UseClass.PUBLIC_GOOD,) if public else tuple(UseClass)


def check_plan(plan: PricePlan, use_class: UseClass | None) -> None:
    """Raises PlanFaulty, PublicGoodNotFree, and what `check_plan_terms` raises."""
    free = plan.model is PriceModel.FREE
    periodic = plan.model is PriceModel.PER_PERIOD
    if free != (plan.price_fen == 0) or periodic != (plan.period_days is not None):
        raise PlanFaulty
    check_plan_terms(plan)
    if use_class is UseClass.PUBLIC_GOOD and not free:
        raise PublicGoodNotFree


_COUNTED = frozenset({"units", "minimum_fen", "cap_fen"})
_TERMS_OF = {
    PriceModel.PER_CALL: _COUNTED,
    PriceModel.PER_VOLUME: _COUNTED,
    PriceModel.TWO_PART: _COUNTED | {"basic_fen"},
    PriceModel.GRADUATED: _COUNTED | {"tiers"},
    PriceModel.PACKAGE: _COUNTED | {"tiers"},
}
"""What a plan of each model may say beside its price; the others say nothing."""
_NEEDED = {PriceModel.TWO_PART: "basic_fen", PriceModel.GRADUATED: "tiers", PriceModel.PACKAGE: "units"}


def check_plan_terms(plan: PricePlan) -> None:
    """Each model has its own terms, and they agree with each other.

    Raises PlanNegative, PlanTermMisplaced, PlanTermMissing, TiersDisordered, TierNotWhole, CapBelowMinimum.
    """
    lowest = {
        "price_fen": plan.price_fen,
        "units": plan.units - 1,
        "tiers": min((tier.price_fen for tier in plan.tiers), default=0),
        "basic_fen": plan.basic_fen,
        "minimum_fen": plan.minimum_fen,
        "cap_fen": plan.cap_fen or 0,
    }
    for term, value in lowest.items():
        if value < 0:
            raise PlanNegative(term=term)
    plain = PricePlan(plan.model, plan.price_fen)
    given = {term for term in lowest if getattr(plan, term) != getattr(plain, term)}
    for term in sorted(given - _TERMS_OF.get(plan.model, frozenset())):
        raise PlanTermMisplaced(model=plan.model, term=term)
    needed = _NEEDED.get(plan.model)
    if needed and needed not in given:
        raise PlanTermMissing(model=plan.model, term=needed)
    _check_tiers(plan)
    if plan.cap_fen is not None and plan.cap_fen < plan.minimum_fen:
        raise CapBelowMinimum(cap_fen=plan.cap_fen, minimum_fen=plan.minimum_fen)


def _check_tiers(plan: PricePlan) -> None:
    before = 0
    for tier in plan.tiers:
        if tier.above <= before:
            raise TiersDisordered(above=tier.above, before=before)
        if plan.model is PriceModel.PACKAGE and tier.above % plan.units:
            raise TierNotWhole(above=tier.above, units=plan.units)
        before = tier.above
