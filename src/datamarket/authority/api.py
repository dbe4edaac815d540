"""/contracts/{id}/authority, and /zones/{id}/mandates/{mandate}: its events, and what they would stop."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import ManageZones, ReadMarket
from datamarket.auth.terms import Permission
from datamarket.authority import actions, queries, rules
from datamarket.authority.terms import LinkState, UndertakingState
from datamarket.contracts import queries as contracts
from datamarket.contracts.terms import ContractState
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    DateIn,
    IfMatch,
    InstantIn,
    Now,
    Prose,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    check_tag,
)
from datamarket.foundation.shapes import RowShape
from datamarket.stoppages.terms import LinkKind, StoppageCause
from datamarket.zones import queries as zones
from datamarket.zones.api import MandateOut
from datamarket.zones.mandates.rules import MANDATE_LIFE
from datamarket.zones.terms import ExitCourse, MandateEvent, MandateState
from datamarket.zones.undertakings import queries as undertakings
from datamarket.zones.undertakings.api import UndertakingOut

router = SliceRouter(tags=["authority"])
AffectingEvent = Literal["withdraw", "expire", "hand_over"]


class UndertakenOut(RowShape):
    """An undertaking to renew the mandate: contracts may outlast the mandate, and stop at its end unless it is renewed."""

    document: str
    renewed_to: date
    due_on: date
    state: UndertakingState
    state_zh: str = Field(examples=["待履行"])
    state_en: str = Field(examples=["given"])


class LinkOut(RowShape):
    """A link: `term_from` and `term_to` as they were signed upon, `ends_on` as it is known now."""

    kind: LinkKind
    kind_zh: str = Field(examples=["运营授权"])
    kind_en: str = Field(examples=["the mandate"])
    target_id: UUID
    document: str = Field(description="code, number or day of its filing", examples=["2023-03-30"])
    term_from: date | None
    term_to: date | None
    ends_on: date | None = Field(description="the first day after its term, as renewed since")
    state: LinkState
    state_zh: str = Field(examples=["有效"])
    state_en: str = Field(examples=["standing"])
    since: datetime | None = Field(description="from when on it does not stand")
    cause: StoppageCause | None
    reason: str | None
    undertaking: UndertakenOut | None = Field(description="of the mandate alone")

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        shown = row.undertaking and UndertakenOut.of(row.undertaking)
        return super().of(row, undertaking=shown, **derived)


class AuthorityOut(Shape):
    """The chain at an instant; `stands` says whether a use was permitted then."""

    contract_id: UUID
    at: datetime
    state: ContractState | None = Field(description="the contract's own; null before it was requested")
    term_from: datetime
    term_to: datetime
    stands: bool
    links: list[LinkOut]


class AffectedOut(Shape):
    """What an event would stop now, all counted and the first hundred of each named; money held runs its course.

    `expire`: of contracts those that outlast the mandate, as an undertaking lets them. `hand_over`: withdrawn for the next
    mandate; listings go on under that, contracts as the exit says.
    """

    event: AffectingEvent
    listings: int = Field(description="on sale in the zone")
    contracts: int = Field(description="in use under the mandate")
    orders: int = Field(description="placed, or delivered and undecided, or in cure")
    held_fen: int = Field(description="held or in escrow for these orders")
    listing_ids: list[UUID]
    contract_ids: list[UUID]
    order_ids: list[UUID]
    undertaking: UndertakingOut | None = Field(description="to renew this mandate, not fulfilled yet")


class MandateEventIn(Body):
    """`reason` to evaluate, withdraw, reinstate; `term_to` and `filed_on` to renew; `plan` to withdraw where money is held.

    `exit_course` goes with `withdraw`; without it contracts stop after the days of wind-down.
    """

    event: MandateEvent = Field(examples=["renew"])
    reason: Prose | None = None
    term_to: DateIn | None = Field(default=None, examples=["2031-01-01"])
    filed_on: DateIn | None = Field(default=None, examples=["2027-10-08"])
    plan: Prose | None = Field(
        default=None, description="what becomes of running contracts and of money held"
    )
    exit_course: ExitCourse | None = Field(
        default=None, description="end, wait for the next mandate, or stop", examples=[None]
    )


class MandateEventsOut(AllowedEvents[MandateState, MandateEvent]):
    """What this caller may do with the mandate now."""


@router.get("/contracts/{contract_id}/authority", summary="The chain of authority at an instant")
async def get_authority(
    actor: ReadMarket,
    session: Reading,
    now: Now,
    contract_id: UUID,
    at: Annotated[InstantIn | None, Query(description="at this instant; now, when none is given")] = None,
) -> AuthorityOut:
    """From both parties' admission to the contract: each link with its document, term and state then."""
    contract = await contracts.get_contract(session, contract_id, visible_to=actor)
    when = at or now
    links = await queries.chain_at(session, contract_id, when)
    state = await queries.state_at(session, contract_id, when)
    in_term = contract.term_from <= when < contract.term_to
    return AuthorityOut(
        contract_id=contract_id,
        at=when,
        state=state,
        term_from=contract.term_from,
        term_to=contract.term_to,
        stands=state is not None and rules.stands(links, state, in_term=in_term),
        links=[LinkOut.of(link) for link in links],
    )


@router.get("/zones/{zone_id}/mandates/{mandate_id}/affected", summary="What an end would stop")
async def get_affected(
    _actor: ManageZones,
    session: Reading,
    now: Now,
    zone_id: UUID,
    mandate_id: UUID,
    event: Annotated[AffectingEvent, Query()] = "withdraw",
) -> AffectedOut:
    mandate = await zones.get_mandate(session, zone_id, mandate_id)
    found = await queries.affected_by(session, zone_id, mandate.id, by_term=event == "expire", now=now)
    open_now = await undertakings.find_unfulfilled(session, mandate.id)
    shown = UndertakingOut.of(open_now) if open_now else None
    return AffectedOut(event=event, **found._asdict(), undertaking=shown)


@router.post("/zones/{zone_id}/mandates/{mandate_id}/events", summary="Renew, evaluate, withdraw, reinstate")
async def move_mandate(
    actor: ManageZones,
    session: Writing,
    now: Now,
    zone_id: UUID,
    mandate_id: UUID,
    body: MandateEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> MandateOut:
    """What stands on the mandate stops with it, and goes on when it is reinstated; money held runs its course."""
    mandate = await zones.lock_mandate(session, zone_id, mandate_id)
    check_tag(if_match, mandate.version)
    await actions.move_mandate(session, actor, zone_id, mandate_id, now=now, **dict(body))
    return MandateOut.tagged(mandate, response)


@router.get("/zones/{zone_id}/mandates/{mandate_id}/allowed-events", summary="What you may do with it now")
async def allowed_mandate_events(
    actor: ReadMarket, session: Reading, zone_id: UUID, mandate_id: UUID
) -> MandateEventsOut:
    state = MandateState((await zones.get_mandate(session, zone_id, mandate_id)).state)
    open_now = MANDATE_LIFE.open_in(state) if actor.may(Permission.MANAGE_ZONES) else []
    return MandateEventsOut(
        state=state, events=[event for event in open_now if event is not MandateEvent.EXPIRE]
    )
