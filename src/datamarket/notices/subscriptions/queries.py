"""Reading subscriptions and what was sent to them."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from datamarket.auth.terms import Actor
from datamarket.foundation.db import PageAsked, keyset, one_row
from datamarket.notices.subscriptions.rules import MOST_SUBSCRIPTIONS
from datamarket.notices.subscriptions.tables import SendingRow, Subscription
from datamarket.notices.subscriptions.terms import SubscriptionState


def _visible(actor: Actor) -> SelectOfScalar[Subscription]:
    """Those of the actor's organisation; who has none sees their own: what was asked for, not what overseers may look into."""
    if actor.participant_id is None:
        return select(Subscription).where(Subscription.account_id == actor.account_id)
    return select(Subscription).where(Subscription.participant_id == actor.participant_id)


async def get_subscription(
    session: AsyncSession, subscription_id: UUID, *, visible_to: Actor
) -> Subscription:
    """Raises NotFound."""
    statement = _visible(visible_to).where(Subscription.id == subscription_id)
    return await one_row(session, statement, "subscription")


async def lock_subscription(
    session: AsyncSession, subscription_id: UUID, *, visible_to: Actor
) -> Subscription:
    """The newest row, held until the transaction ends. Raises NotFound."""
    statement = _visible(visible_to).where(Subscription.id == subscription_id).with_for_update()
    return await one_row(session, statement.execution_options(populate_existing=True), "subscription")


async def list_subscriptions(
    session: AsyncSession, *, visible_to: Actor, page: PageAsked[UUID]
) -> Sequence[Subscription]:
    """In the order in which they were made; those that are ended, too."""
    return (await session.exec(keyset(_visible(visible_to), col(Subscription.id), page))).all()


async def has_most(session: AsyncSession, account_id: UUID) -> bool:
    """Whether an account has as many subscriptions as it may. The caller holds the account's row."""
    statement = (
        select(Subscription.id)
        .where(Subscription.account_id == account_id, Subscription.state != SubscriptionState.ENDED)
        .limit(MOST_SUBSCRIPTIONS)
    )
    return len((await session.exec(statement)).all()) == MOST_SUBSCRIPTIONS


async def list_sendings(
    session: AsyncSession, subscription_id: UUID, *, page: PageAsked[UUID]
) -> Sequence[SendingRow]:
    """Newest first."""
    statement = select(SendingRow).where(SendingRow.subscription_id == subscription_id)
    return (await session.exec(keyset(statement, col(SendingRow.id), page, newest_first=True))).all()
