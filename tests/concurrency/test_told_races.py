"""Who commits late is told of all the same, and of two processes one sends."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.ids import new_id
from datamarket.notices.events.terms import EventType
from datamarket.notices.subscriptions import actions
from datamarket.notices.subscriptions.rules import MOST_SUBSCRIPTIONS, SubscriptionsTooMany
from tests.world import trading
from tests.world.notices import feed, seal
from tests.world.participants import acting_for, admitted
from tests.world.people import AUDITOR, enrol, moment
from tests.world.receivers import receiving, sender_of, turn
from tests.world.sealing import sealer_in
from tests.world.subscribers import subscribed


async def write(connection: Connection, called: str) -> None:
    event = evidence.Event(AUDITOR, new_id(moment()), {})
    await evidence.record_many(connection, called, "thing", [event], now=moment())


async def test_a_transaction_that_commits_late_is_not_skipped(
    fresh_database: Database, tmp_path: Path
) -> None:
    """Its event has the lower id and the earlier time, and comes behind what was read meanwhile."""
    late = await asyncpg.connect(fresh_database.url)
    held = late.transaction()
    await held.start()
    await write(late, "test.late")
    async with fresh_database.plain_transaction() as connection:
        await write(connection, "test.early")
    await sealer_in(tmp_path).seal(fresh_database, now=moment())
    before = await feed(fresh_database, AUDITOR)
    assert "test.early" not in {told.action for told in before.events}, "the late one is still running"
    await held.commit()
    await late.close()
    await seal(fresh_database, tmp_path)
    after = await feed(fresh_database, AUDITOR, before.reached)
    assert [told.action for told in after.events] == ["test.late", "test.early"]


async def test_of_two_processes_one_sends(fresh_database: Database, tmp_path: Path) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving() as receiver:
        await subscribed(
            fresh_database, deal.buyer_account, receiver.url, frozenset({EventType.CONTRACT_SIGNED})
        )
        await trading.sign(fresh_database, deal)
        await seal(fresh_database, tmp_path)
        await asyncio.gather(turn(sender_of(fresh_database)), turn(sender_of(fresh_database)))
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert len(ids) == len(set(ids)) == 2


async def test_of_many_at_once_ten_are_made(database: Database) -> None:
    async with database.transaction() as session:
        holder = acting_for(await admitted(session))
    await enrol(database, holder)

    async def one() -> None:
        async with database.transaction() as session:
            await actions.subscribe(
                session,
                holder,
                trading.LEDGER_ID,
                url="https://portal.example/",
                types=[EventType.CONTRACT_SIGNED],
                now=moment(),
            )

    done = await asyncio.gather(*(one() for _ in range(MOST_SUBSCRIPTIONS + 3)), return_exceptions=True)
    assert done.count(None) == MOST_SUBSCRIPTIONS
    assert sum(isinstance(refusal, SubscriptionsTooMany) for refusal in done) == 3
    with pytest.raises(SubscriptionsTooMany):
        await one()
