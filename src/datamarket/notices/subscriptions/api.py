"""/subscriptions"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request, Response
from pydantic import AfterValidator, Field, StringConstraints

from datamarket.auth.access import Deciding, ReadMarket
from datamarket.foundation.http import (
    Body,
    LedgerId,
    Now,
    Page,
    Paging,
    Reading,
    Shape,
    SliceRouter,
    Writing,
    page_of,
)
from datamarket.foundation.inputs.texts import check_line
from datamarket.foundation.shapes import RowShape
from datamarket.notices.events.terms import EventType
from datamarket.notices.subscriptions import actions, queries, rules
from datamarket.notices.subscriptions.addresses import open_address
from datamarket.notices.subscriptions.sending import Sender
from datamarket.notices.subscriptions.terms import (
    PauseReason,
    SendingOutcome,
    SubscriptionState,
)

router = SliceRouter(tags=["notices"])
ReceiverUrl = Annotated[
    str,
    StringConstraints(min_length=10, max_length=2000, pattern=r"^[\x21-\x7e]+$"),
    AfterValidator(check_line),
]


class SubscriptionIn(Body):
    """Where to send which events."""

    url: ReceiverUrl = Field(examples=["https://portal.example.cn/market-events"])
    types: list[EventType] = Field(
        min_length=1,
        max_length=len(EventType),
        examples=[["market.contracts.sign", "market.trading.deliver-order"]],
    )


class ReplayIn(Body):
    """From where on."""

    after: int | None = Field(
        default=None,
        ge=-1,
        lt=2**63,
        description="the last position not to be sent; null goes on where it rests",
    )


class SubscriptionOut(RowShape):
    """`position` is the last one that was sent, or looked at; nothing leaves before the secret was made."""

    id: UUID
    url: str
    types: list[EventType]
    state: SubscriptionState
    state_zh: str
    state_en: str
    pause_reason: PauseReason | None
    position: int
    failures: int = Field(description="attempts in a row that failed")
    due_at: datetime = Field(description="not before then is the next attempt")
    created_at: datetime
    version: int


class SecretOut(Shape):
    """What messages are signed with from now on: shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="])


class SendingOut(RowShape):
    """One attempt to send one event."""

    id: UUID
    position: int
    event_id: UUID
    at: datetime
    outcome: SendingOutcome
    outcome_zh: str
    outcome_en: str
    status: int | None
    milliseconds: int


@router.get("/subscriptions", summary="One's subscriptions, in the order they were made")
async def list_subscriptions(
    actor: ReadMarket, session: Reading, paging: Paging[UUID]
) -> Page[SubscriptionOut]:
    rows = await queries.list_subscriptions(session, visible_to=actor, page=paging)
    return page_of(rows, paging, SubscriptionOut.of, lambda row: [row.id])


@router.post("/subscriptions", status_code=201, summary="Subscribe to events; then make the secret")
async def subscribe(
    actor: ReadMarket,
    request: Request,
    session: Writing,
    ledger_id: LedgerId,
    now: Now,
    body: SubscriptionIn,
    response: Response,
) -> SubscriptionOut:
    sender: Sender = request.app.state.sender
    await open_address(body.url, sender.networks, sender.resolve)
    row = await actions.subscribe(session, actor, ledger_id, url=body.url, types=set(body.types), now=now)
    return SubscriptionOut.tagged(row, response)


@router.get("/subscriptions/{subscription_id}", summary="One subscription")
async def get_subscription(
    actor: ReadMarket, session: Reading, subscription_id: UUID, response: Response
) -> SubscriptionOut:
    row = await queries.get_subscription(session, subscription_id, visible_to=actor)
    return SubscriptionOut.tagged(row, response)


@router.delete("/subscriptions/{subscription_id}", summary="End a subscription; its log stays")
async def end_subscription(
    actor: ReadMarket, session: Writing, now: Now, subscription_id: UUID, response: Response
) -> SubscriptionOut:
    row = await queries.lock_subscription(session, subscription_id, visible_to=actor)
    await actions.end_subscription(session, actor, row, now=now)
    return SubscriptionOut.tagged(row, response)


@router.post(
    "/subscriptions/{subscription_id}/secret",
    summary="Make the secret, or a new one; shown once",
    responses={409: {}},
)
async def make_secret(
    actor: ReadMarket, request: Request, session: Deciding, now: Now, subscription_id: UUID
) -> SecretOut:
    row = await queries.lock_subscription(session, subscription_id, visible_to=actor)
    salt = await actions.renew_salt(session, actor, row, now=now)
    return SecretOut(secret=rules.shown(rules.secret_of(request.app.state.sender.key, salt)))


@router.post("/subscriptions/{subscription_id}/replay", summary="Send again from a position, or go on")
async def replay(
    actor: ReadMarket,
    session: Writing,
    now: Now,
    subscription_id: UUID,
    body: ReplayIn,
    response: Response,
) -> SubscriptionOut:
    row = await queries.lock_subscription(session, subscription_id, visible_to=actor)
    await actions.replay(session, actor, row, after=body.after, now=now)
    return SubscriptionOut.tagged(row, response)


@router.get("/subscriptions/{subscription_id}/deliveries", summary="What was sent in 30 days, newest first")
async def list_sendings(
    actor: ReadMarket, session: Reading, subscription_id: UUID, paging: Paging[UUID]
) -> Page[SendingOut]:
    await queries.get_subscription(session, subscription_id, visible_to=actor)
    rows = await queries.list_sendings(session, subscription_id, page=paging)
    return page_of(rows, paging, SendingOut.of, lambda row: [row.id])
