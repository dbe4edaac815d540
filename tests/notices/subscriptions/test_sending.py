"""What leaves, to whom, and what becomes of a receiver that does not take it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.db import Database
from datamarket.notices.events.terms import EventType
from datamarket.notices.subscriptions import actions, queries
from datamarket.notices.subscriptions.rules import MOST_FAILURES
from datamarket.notices.subscriptions.sending import ANSWER_SECONDS
from tests.world import trading
from tests.world.notices import feed, seal
from tests.world.people import moment
from tests.world.receivers import receiving, sender_of, turn, verified
from tests.world.subscribers import found, subscribed
from tests.world.trading import Agreement

SIGNED = frozenset({EventType.CONTRACT_SIGNED, EventType.CONTRACT_AGREED})


async def signed(database: Database, folder: Path, deal: Agreement) -> None:
    await trading.sign(database, deal)
    await seal(database, folder)


async def outcomes(database: Database, subscription: object) -> list[tuple[str, int | None]]:
    rows = "SELECT outcome, status FROM subscription_sending WHERE subscription_id = $1 ORDER BY id"
    async with database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(rows, subscription.id)]  # type: ignore[attr-defined]


async def test_messages_come_signed_in_order_and_once(fresh_database: Database, tmp_path: Path) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving() as receiver:
        row, secret = await subscribed(fresh_database, deal.buyer_account, receiver.url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        sender = sender_of(fresh_database)
        await turn(sender)
        await turn(sender)
    assert receiver.types == ["market.contracts.agree", "market.contracts.sign", "market.contracts.sign"]
    assert all(verified(secret, headers, body) for headers, body in receiver.got)
    headers, body = receiver.got[0]
    assert not verified(secret, headers, body + b" ")
    assert not verified(secret, headers | {"webhook-timestamp": "1"}, body)
    assert headers["content-type"].startswith("application/cloudevents+json")
    now = await found(fresh_database, deal.buyer_account, row)
    assert (now.failures, now.state) == (0, "active")
    assert now.position == (await feed(fresh_database, deal.buyer_account)).reached
    assert await outcomes(fresh_database, row) == [("taken", 204)] * 3


async def test_a_receiver_that_hangs_holds_up_no_other_and_no_write(
    fresh_database: Database, tmp_path: Path
) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving(hangs=True) as hanging, receiving() as quick:
        await subscribed(fresh_database, deal.provider_account, hanging.url, SIGNED)
        await subscribed(fresh_database, deal.buyer_account, quick.url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        sender = sender_of(fresh_database, answer_seconds=3600)
        tasks = await sender.begin()
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert (len(done), len(waiting), len(quick.got)) == (1, 1, 3)
        await trading.move(fresh_database, deal, deal.provider_account, ContractEvent.SUSPEND, "欠费")
        assert len(hanging.got) == 1
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def test_who_gives_no_answer_is_asked_again_later(fresh_database: Database, tmp_path: Path) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving(hangs=True) as hanging:
        row, _ = await subscribed(fresh_database, deal.buyer_account, hanging.url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        await turn(sender_of(fresh_database, answer_seconds=1))
    assert ANSWER_SECONDS == 10
    assert await outcomes(fresh_database, row) == [("unanswered", None)]
    later = await found(fresh_database, deal.buyer_account, row)
    assert later.failures == 1
    assert timedelta(seconds=4) < later.due_at - moment() < timedelta(seconds=8)


async def test_after_ten_failures_it_rests_its_holder_is_told_and_a_replay_loses_nothing(
    fresh_database: Database, tmp_path: Path
) -> None:
    deal = await trading.requested_contract(fresh_database)
    later = moment()
    async with receiving(status=500) as receiver:
        row, secret = await subscribed(fresh_database, deal.buyer_account, receiver.url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        sender = sender_of(fresh_database)
        sender.read_clock = lambda: later
        for _ in range(MOST_FAILURES + 2):
            await turn(sender)
            later += timedelta(hours=10)
        rests = await found(fresh_database, deal.buyer_account, row)
        assert (rests.state, rests.pause_reason, rests.failures) == ("paused", "failed", MOST_FAILURES)
        assert len(receiver.got) == MOST_FAILURES
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        receiver.status = 200
        receiver.got.clear()
        async with fresh_database.transaction() as session:
            held = await queries.lock_subscription(session, row.id, visible_to=deal.buyer_account)
            await actions.replay(session, deal.buyer_account, held, after=None, now=later)
        await turn(sender)
    assert len(receiver.got) == 3
    assert all(verified(secret, headers, body) for headers, body in receiver.got)
    await seal(fresh_database, tmp_path)
    told = [event.action for event in (await feed(fresh_database, deal.buyer_account)).events]
    assert told.count("notices.pause-subscription") == 1


async def test_a_receiver_that_is_gone_is_left_alone_at_once(
    fresh_database: Database, tmp_path: Path
) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving(status=410) as receiver:
        row, _ = await subscribed(fresh_database, deal.buyer_account, receiver.url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        await turn(sender_of(fresh_database))
    rests = await found(fresh_database, deal.buyer_account, row)
    assert (rests.state, rests.pause_reason) == ("paused", "gone")


async def test_a_closed_account_is_told_nothing_more(fresh_database: Database, tmp_path: Path) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving() as receiver:
        row, _ = await subscribed(fresh_database, deal.buyer_account, receiver.url, SIGNED)
        async with fresh_database.connection() as connection:
            await connection.execute(
                "UPDATE account SET active = false WHERE id = $1", deal.buyer_account.account_id
            )
        await signed(fresh_database, tmp_path, deal)
        await turn(sender_of(fresh_database))
    assert receiver.got == []
    assert (await found(fresh_database, deal.buyer_account, row)).pause_reason == "account_closed"


async def test_a_redirect_is_a_refusal(fresh_database: Database, tmp_path: Path) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving() as other, receiving(status=307, location=other.url) as receiver:
        row, _ = await subscribed(fresh_database, deal.buyer_account, receiver.url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        await turn(sender_of(fresh_database))
    assert (len(receiver.got), other.connections) == (1, 0)
    assert await outcomes(fresh_database, row) == [("refused", 307)]


async def test_a_name_that_changes_its_mind_reaches_no_closed_address(
    fresh_database: Database, tmp_path: Path
) -> None:
    """DNS rebinding: the name was public when it was subscribed with, and is loopback when the message leaves."""
    deal = await trading.requested_contract(fresh_database)
    asked: list[str] = []

    async def rebound(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with receiving() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        url = f"https://portal.example:{port}/told"
        row, _ = await subscribed(fresh_database, deal.buyer_account, url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        sender = sender_of(fresh_database, resolve=rebound)
        sender.networks = ()
        await turn(sender)
    assert (asked, receiver.connections) == (["portal.example"], 0)
    assert await outcomes(fresh_database, row) == [("address_closed", None)]


async def test_the_address_that_was_checked_is_the_one_that_is_written_to(
    fresh_database: Database, tmp_path: Path
) -> None:
    """The name is resolved once a message: a second answer is never asked for."""
    deal = await trading.requested_contract(fresh_database)
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def once(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    async with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "portal.example")
        await subscribed(fresh_database, deal.buyer_account, url, frozenset({EventType.CONTRACT_AGREED}))
        await signed(fresh_database, tmp_path, deal)
        await turn(sender_of(fresh_database, resolve=once))
    assert [headers["host"] for headers, _ in receiver.got] == [url.split("/")[2]]
    assert len(answers) == 1


@pytest.mark.parametrize("after", [-1, None])
async def test_a_replay_sends_again_or_goes_on(
    fresh_database: Database, tmp_path: Path, after: int | None
) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving() as receiver:
        row, _ = await subscribed(fresh_database, deal.buyer_account, receiver.url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        sender = sender_of(fresh_database)
        await turn(sender)
        async with fresh_database.transaction() as session:
            held = await queries.lock_subscription(session, row.id, visible_to=deal.buyer_account)
            await actions.replay(session, deal.buyer_account, held, after=after, now=moment())
        await turn(sender)
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert ids == ids[:3] * (2 if after == -1 else 1)


async def test_what_was_sent_is_forgotten_after_thirty_days(fresh_database: Database, tmp_path: Path) -> None:
    deal = await trading.requested_contract(fresh_database)
    async with receiving() as receiver:
        row, _ = await subscribed(fresh_database, deal.buyer_account, receiver.url, SIGNED)
        await signed(fresh_database, tmp_path, deal)
        await turn(sender_of(fresh_database))
    assert await actions.forget_sendings(fresh_database, 0, moment() + timedelta(days=29)) == 0
    assert await actions.forget_sendings(fresh_database, 0, moment() + timedelta(days=31)) == 3
    assert await outcomes(fresh_database, row) == []
