"""The feed over HTTP: one's own, a counterparty's, what is public, and nothing else."""

import ast
import re
from pathlib import Path

import datamarket
from datamarket.contracts.terms import ContractEvent
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.notices.events.queries import STRETCH
from datamarket.notices.events.terms import PUBLIC, EventType
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.world import trading
from tests.world.notices import feed, seal, types_of
from tests.world.participants import acting_for, admitted
from tests.world.people import ADMIN, AUDITOR, NOON, REVIEWER

TOLD_ELSEWHERE = ("accounts.", "auth.", "bank.", "evidence.", "ledger.", "subsidy.", "payouts.")
"""Of staff alone, or (ledger, subsidy, payouts) with a few words of their own for everyone."""


async def test_each_side_reads_its_things_and_a_stranger_what_is_public(
    fresh_database: Database, settings: Settings, tmp_path: Path
) -> None:
    deal = await trading.active_contract(fresh_database)
    await trading.trade(fresh_database, deal)
    async with fresh_database.transaction() as session:
        stranger = acting_for(await admitted(session))
    await seal(fresh_database, tmp_path)
    app = create_app(settings, fresh_database, read_clock=lambda: NOON)
    told = {
        name: await client_of(app, who, NOON).get("/events", params={"limit": 100})
        for name, who in (("buyer", deal.buyer_account), ("provider", deal.provider_account))
    }
    assert {"market.contracts.sign", "market.trading.record", "market.ledger.deposit"} <= set(
        types_of(told["buyer"])
    )
    assert {"market.contracts.sign", "market.trading.record", "market.catalogue.approve-product"} <= set(
        types_of(told["provider"])
    )
    assert "market.ledger.deposit" not in types_of(told["provider"])
    signed = [item for item in told["buyer"].json()["items"] if item["type"] == EventType.CONTRACT_SIGNED]
    assert [item["facts"]["party"] for item in signed] == ["provider", "buyer"]
    assert signed[0]["type_zh"] == "合同签署"
    others = (await client_of(app, stranger, NOON).get("/events", params={"limit": 100})).json()["items"]
    foreign = [item for item in others if item["subject_id"] != str(stranger.participant_id)]
    assert {item["type"] for item in foreign} <= PUBLIC
    assert EventType.LISTING_PUBLISHED in {item["type"] for item in foreign}
    assert {(item["facts"], item["organisation_id"]) for item in foreign} == {(None, None)} or foreign == []
    positions = [item["position"] for item in told["buyer"].json()["items"]]
    assert positions == sorted(set(positions))


async def test_overseers_read_all_reviewers_what_is_public_and_administrators_nothing(
    fresh_database: Database, settings: Settings, tmp_path: Path
) -> None:
    deal = await trading.active_contract(fresh_database)
    await seal(fresh_database, tmp_path)
    async with fresh_database.connection() as connection:
        everything = await connection.fetchval("SELECT count(*) FROM audit_event")
    app = create_app(settings, fresh_database, read_clock=lambda: NOON)
    seen = await client_of(app, AUDITOR, NOON).get("/events", params={"limit": 100})
    assert len(seen.json()["items"]) == min(everything, 100)
    assert {
        item["type"] for item in (await client_of(app, REVIEWER, NOON).get("/events")).json()["items"]
    } <= PUBLIC
    refused = await client_of(app, ADMIN, NOON).get("/events")
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.not-permitted")
    chosen = await client_of(app, deal.buyer_account, NOON).get(
        "/events", params={"type": ["market.contracts.sign", "market.contracts.agree"]}
    )
    assert types_of(chosen) == ["market.contracts.agree", "market.contracts.sign", "market.contracts.sign"]


async def test_a_page_goes_on_where_the_one_before_ended_and_says_whether_there_is_more(
    fresh_database: Database, settings: Settings, tmp_path: Path
) -> None:
    deal = await trading.active_contract(fresh_database)
    await seal(fresh_database, tmp_path)
    client = client_of(
        create_app(settings, fresh_database, read_clock=lambda: NOON), deal.buyer_account, NOON
    )
    whole = (await client.get("/events", params={"limit": 100})).json()
    assert not whole["more"]
    parts: list[object] = []
    after: dict[str, str | int] = {}
    while True:
        page = (await client.get("/events", params=after | {"limit": 3})).json()
        parts += page["items"]
        after = {"after": page["next"]}
        if not page["more"]:
            break
    assert parts == whole["items"]
    await trading.move(fresh_database, deal, deal.provider_account, ContractEvent.SUSPEND, "欠费")
    assert (await client.get("/events", params=after | {"limit": 3})).json()["items"] == []
    await seal(fresh_database, tmp_path)
    later = await client.get("/events", params=after | {"limit": 3})
    assert types_of(later) == ["market.contracts.suspend"]


async def test_a_page_looks_at_a_stretch_and_no_further(fresh_database: Database, tmp_path: Path) -> None:
    """What is somebody else's is passed over, so many leaves at a time; nobody waits for a whole year's."""
    noise = """
    INSERT INTO audit_event (id, at, actor_id, action, subject_type, subject_id, facts)
    SELECT gen_random_uuid(), now(), gen_random_uuid(), 'trading.record', 'trade', gen_random_uuid(), '{}'
      FROM generate_series(1, $1)
    """
    async with fresh_database.plain_transaction() as connection:
        await connection.execute(noise, STRETCH + 100)
    deal = await trading.requested_contract(fresh_database)
    await seal(fresh_database, tmp_path)
    first = await feed(fresh_database, deal.buyer_account)
    assert (first.events, first.reached, first.more) == ([], STRETCH - 1, True)
    second = await feed(fresh_database, deal.buyer_account, first.reached)
    assert "contracts.request" in {told.action for told in second.events}


def test_every_action_that_a_slice_records_has_a_type() -> None:
    """A new action gets its word and labels, or belongs to those that only staff are told of."""
    known = {kind.action for kind in EventType}
    missing = set()
    for path in Path(datamarket.__path__[0]).rglob("*.py"):
        if "notices" in path.parts or "simulation" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith(
                ("record", "record_many")
            ):
                continue
            for told in node.args[1:3]:
                text = (
                    ast.unparse(told)[2:-1] if isinstance(told, ast.JoinedStr) else getattr(told, "value", "")
                )
                if not isinstance(text, str) or not re.fullmatch(r"[a-z]+\.[a-z{}-]+", text):
                    continue
                pattern = re.sub(
                    r"\{[a-z]+\}", "[a-z-]+", re.escape(text).replace(r"\{", "{").replace(r"\}", "}")
                )
                if not text.startswith(TOLD_ELSEWHERE) and not any(
                    re.fullmatch(pattern, action) for action in known
                ):
                    missing.add(text)
    assert missing == set()
    lives = {f"contracts.{event}" for event in ContractEvent}
    assert lives <= known
