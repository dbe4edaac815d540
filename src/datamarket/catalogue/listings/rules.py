"""Decisions about listings: their life, who may move them, what a price plan must be."""

from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.listings.terms import ListingEvent, ListingState, PriceModel, PricePlan
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


def check_plan(plan: PricePlan, use_class: UseClass | None) -> None:
    """Raises PlanFaulty or PublicGoodNotFree."""
    free = plan.model is PriceModel.FREE
    periodic = plan.model is PriceModel.PER_PERIOD
    if free != (plan.price_fen == 0) or periodic != (plan.period_days is not None):
        raise PlanFaulty
    if use_class is UseClass.PUBLIC_GOOD and not free:
        raise PublicGoodNotFree
