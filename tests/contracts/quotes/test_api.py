"""Quotes over HTTP: priced, numbered, signed, seen by both sides; and checked by who holds the key alone."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from datamarket.auth.terms import Role
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.contracts.quotes import rules
from datamarket.contracts.quotes.files import quote_terms
from datamarket.foundation.clock import MARKET_ZONE
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.foundation.waiting.constraints import constraint_of
from datamarket.zones.terms import UseClass
from tests.conftest import ClientFor
from tests.world import catalogue
from tests.world.catalogue import Listed
from tests.world.participants import acting_for, admitted
from tests.world.people import AUDITOR, NOON, actor, unique
from tests.world.sealing import tool

TERM_FROM = datetime(2024, 7, 1, tzinfo=MARKET_ZONE)
TERM_TO = datetime(2025, 7, 2, tzinfo=MARKET_ZONE)


def wanted(listed: Listed, **changed: Any) -> dict[str, Any]:
    return {
        "listing_id": str(listed.listing.id),
        "purpose": "industrial_development",
        "use_class": "industry",
        "quantity": 45,
        "term_from": TERM_FROM.isoformat(),
        "term_to": TERM_TO.isoformat(),
    } | changed


async def listed_at(database: Database, plan: PricePlan, **zone: Any) -> Listed:
    async with database.transaction() as session:
        if zone:
            return await catalogue.published_zone_listing(session, plan=plan, **zone)
        return await catalogue.published_listing(session, plan=plan)


async def buyer_of(database: Database) -> Any:
    async with database.transaction() as session:
        return acting_for(await admitted(session))


async def test_a_quote_explains_its_amount_and_both_sides_see_it(
    database: Database, client_for: ClientFor
) -> None:
    listed = await listed_at(database, catalogue.GRADUATED)
    buyer, seller = client_for(await buyer_of(database)), client_for(listed.account)
    key = {"Idempotency-Key": unique("quote")}
    twice = [await buyer.post("/quotes", json=wanted(listed), headers=key) for _ in range(2)]
    assert [answer.status_code for answer in twice] == [201, 201]
    quote = twice[0].json()
    assert quote == twice[1].json() == (await seller.get(f"/quotes/{quote['id']}")).json()
    told = [(line["kind"], line["units"], line["price_fen"], line["amount_fen"]) for line in quote["lines"]]
    assert told == [
        ("uses", 10, 100, 1_000),
        ("uses", 10, 80, 800),
        ("uses", 25, 50, 1_250),
        ("cap", 0, 0, -50),
    ]
    assert (quote["amount_fen"], quote["fees_fen"], quote["used_at"]) == (3_000, 0, None)
    assert (quote["number"][:11], quote["lines"][3]["kind_zh"]) == ("QT20240603-", "月度封顶减免")
    assert quote["expires_at"] == (NOON + timedelta(days=30)).isoformat().replace("+00:00", "Z")
    for reader in (buyer, seller, client_for(AUDITOR)):
        page = (await reader.get("/quotes", params={"listing": str(listed.listing.id)})).json()
        assert [item["id"] for item in page["items"]] == [quote["id"]]
    stranger = client_for(await buyer_of(database))
    assert (await stranger.get(f"/quotes/{quote['id']}")).status_code == 404


async def test_a_quote_of_a_two_part_plan_names_the_fees_of_its_term(
    database: Database, client_for: ClientFor
) -> None:
    listed = await listed_at(database, catalogue.TWO_PART)
    buyer = client_for(await buyer_of(database))
    quote = (await buyer.post("/quotes", json=wanted(listed, quantity=2_500))).json()
    told = [(line["kind"], line["units"], line["amount_fen"]) for line in quote["lines"]]
    assert told == [("uses", 2_500, 13), ("basic", 2, 240_000), ("minimum", 12, 11_987)]
    assert (quote["amount_fen"], quote["fees_fen"]) == (13, 251_987)
    assert quote["price_terms"]["basic_fen"] == 120_000


async def test_another_purpose_is_quoted_anew_and_public_data_for_the_public_good_is_free(
    database: Database, client_for: ClientFor
) -> None:
    listed = await listed_at(database, catalogue.PER_CALL, use_class=UseClass.INDUSTRY)
    buyer = client_for(await buyer_of(database))
    paid = (await buyer.post("/quotes", json=wanted(listed))).json()
    free = await buyer.post("/quotes", json=wanted(listed, purpose="public_welfare", use_class="public_good"))
    assert (paid["amount_fen"], paid["price_model"]) == (45 * 3_000, "per_call")
    assert (free.json()["amount_fen"], free.json()["price_model"]) == (0, "free")


async def test_what_no_contract_would_allow_is_not_quoted(database: Database, client_for: ClientFor) -> None:
    listed = await listed_at(database, PricePlan(PriceModel.PER_CALL, Fen(10**14)))
    buyer = client_for(await buyer_of(database))
    async with database.transaction() as session:
        draft = await catalogue.list_made(session, await catalogue.approved_product(session))
    for code, client, asked in (
        ("contract.own-product", client_for(actor(Role.BUYER, organisation=listed.maker.id)), {}),
        ("contract.term-invalid", buyer, {"term_to": TERM_FROM.isoformat()}),
        ("contract.purpose-class-mismatch", buyer, {"use_class": "public_good"}),
        ("quote.amount-too-large", buyer, {}),
        ("not-found", buyer, {"listing_id": str(draft.listing.id)}),
        ("auth.not-permitted", client_for(AUDITOR), {}),
    ):
        refused = await client.post("/quotes", json=wanted(listed, **asked))
        assert (code, refused.json()["code"]) == (code, code)


async def test_a_note_is_checked_without_the_market_and_no_word_of_it_can_be_another(
    database: Database, client_for: ClientFor, tmp_path: Path
) -> None:
    listed = await listed_at(database, catalogue.PER_CALL)
    buyer = client_for(await buyer_of(database))
    quote = (await buyer.post("/quotes", json=wanted(listed))).json()
    note = tmp_path / "quote.txt"
    assert f'\nnumber "{quote["number"]}"\n' in quote["note"]
    assert f"\namount_fen {quote['amount_fen']}\n" in quote["note"]

    check, key = tool().check_quote, (await buyer.get("/evidence/key")).text
    assert check(quote["note"], key)
    assert not check(quote["note"].replace("amount_fen 135000", "amount_fen 135"), key)
    assert not check(quote["note"].replace(" quote\n", " note\n"), key)
    note.write_text(quote["note"], encoding="utf-8")
    (tmp_path / "key.txt").write_text(key, encoding="utf-8")
    assert tool().main(["quote", str(note), "--key", str(tmp_path / "key.txt")]) == 0


def test_a_quote_is_valid_for_the_days_of_a_dated_rule() -> None:
    assert rules.validity_on(quote_terms(), NOON.date()) == timedelta(days=30)
    with pytest.raises(rules.NoQuoteTerm):
        rules.validity_on(quote_terms(), quote_terms()[0].begins - timedelta(days=1))


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("quote_pkey", "INSERT INTO quote SELECT * FROM quote WHERE id = $1"),
        (
            "quote_number_key",
            (
                "WITH q AS MATERIALIZED (SELECT to_jsonb(quote) AS row FROM quote WHERE id = $1) "
                'INSERT INTO quote SELECT (jsonb_populate_record(NULL::quote, row || \'{"id": "%s"}\')).* FROM q'
            ),
        ),
        ("quote_amount_check", "UPDATE quote SET amount_fen = -1 WHERE id = $1"),
        ("quote_term_check", "UPDATE quote SET used_at = expires_at WHERE id = $1"),
        ("quote_use_class_check", "UPDATE quote SET use_class = 'leisure' WHERE id = $1"),
        ("quote_buyer_id_fkey", "UPDATE quote SET buyer_id = id WHERE id = $1"),
        ("quote_provider_id_fkey", "UPDATE quote SET provider_id = id WHERE id = $1"),
        ("quote_listing_id_fkey", "UPDATE quote SET listing_id = id WHERE id = $1"),
    ],
)
async def test_the_database_refuses_quotes_that_nobody_can_have_made(
    database: Database,
    client_for: ClientFor,
    superuser: "asyncpg.Connection[asyncpg.Record]",
    constraint: str,
    statement: str,
) -> None:
    listed = await listed_at(database, catalogue.PER_CALL)
    quote = (await client_for(await buyer_of(database)).post("/quotes", json=wanted(listed))).json()
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await superuser.execute(statement.replace("%s", str(UUID(int=1))), UUID(quote["id"]))
    assert constraint_of(refused.value, {constraint}) == constraint
