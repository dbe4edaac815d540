"""Subscriptions, made as their holders make them."""

from collections.abc import Collection

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database
from datamarket.notices.events.terms import EventType
from datamarket.notices.subscriptions import actions, queries, rules
from datamarket.notices.subscriptions.tables import Subscription
from tests.world.people import enrol, moment
from tests.world.receivers import KEY
from tests.world.trading import LEDGER_ID

ALL = frozenset(EventType)


async def subscribed(
    database: Database, by: Actor, url: str, types: Collection[EventType] = ALL
) -> tuple[Subscription, str]:
    """The subscription, and its secret."""
    await enrol(database, by)
    async with database.transaction() as session:
        row = await actions.subscribe(session, by, LEDGER_ID, url=url, types=types, now=moment())
        salt = await actions.renew_salt(session, by, row, now=moment())
        return row, rules.shown(rules.secret_of(KEY, salt))


async def found(database: Database, by: Actor, row: Subscription) -> Subscription:
    """As it is now."""
    async with database.transaction(reading=True) as session:
        return await queries.get_subscription(session, row.id, visible_to=by)
