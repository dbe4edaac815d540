"""Public figures: counted from the market as it is, by business year and month, net of refunds and free trades."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI

from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.catalogue.venues.tables import Venue
from datamarket.edge import remembered
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.foundation.settings import Settings
from datamarket.participants.qualifications import actions as participants
from datamarket.participants.qualifications.terms import QualificationKind
from datamarket.participants.terms import ParticipantKind
from datamarket.server.app import create_app
from datamarket.statistics.terms import Grouping
from tests.conftest import Client, ClientFor, client_of
from tests.world import catalogue, trading, zones
from tests.world.participants import admitted, suspend
from tests.world.people import AUTHORITY, NOON, moment

YUAN = PricePlan(PriceModel.PER_CALL, Fen(100))
LAST_HOUR_OF_2024 = datetime(2024, 12, 31, 15, 59, 59, tzinfo=UTC)
END_OF_2028, TOMORROW = datetime(2028, 12, 31, tzinfo=UTC), NOON + timedelta(days=2)
FIRST_INSTANT_OF_2025 = datetime(2024, 12, 31, 16, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Market:
    """A market of the test's own, and a visitor of it."""

    database: Database
    visitor: Client

    async def read(self, path: str) -> Any:
        answer = await self.visitor.get(f"/statistics/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest_asyncio.fixture
async def market(fresh_database: Database, settings: Settings) -> AsyncIterator[Market]:
    app: FastAPI = create_app(settings, fresh_database, read_clock=lambda: NOON)
    client = client_of(app, None, NOON)
    yield Market(fresh_database, client)
    await client.aclose()


async def venue(market: Market) -> Venue:
    async with market.database.transaction() as session:
        return await catalogue.venue(session)


async def test_an_empty_market_has_figures_too(market: Market) -> None:
    overview = await market.read("overview")
    assert overview["years"] == []
    assert overview["turnover"]["net_fen"] == overview["treasury_income_fen"] == overview["open_zones"] == 0
    assert (await market.read("turnover?by=zone"))["items"] == []
    assert (await market.read("league-table"))["items"] == []


async def test_what_is_over_or_stopped_is_not_counted(market: Market, settings: Settings) -> None:
    deal = await trading.active_contract(market.database, of_zone=True, plan=YUAN)
    await trading.active_contract(market.database, plan=YUAN, term_to=NOON + timedelta(days=1))
    before = await market.read("overview")
    assert (before["active_contracts"], before["open_zones"]) == (2, 1)
    in_2028 = client_of(
        create_app(settings, market.database, read_clock=lambda: END_OF_2028), None, END_OF_2028
    )
    later = (await in_2028.get("/statistics/overview")).json()
    assert (later["active_contracts"], later["open_zones"]) == (0, 0)
    await in_2028.aclose()
    async with market.database.transaction() as session:
        await suspend(session, deal.buyer.id)
    at_noon = client_of(create_app(settings, market.database, read_clock=lambda: TOMORROW), None, TOMORROW)
    assert (await at_noon.get("/statistics/overview")).json()["active_contracts"] == 0
    await at_noon.aclose()


async def test_the_overview_counts_what_is_there_now(market: Market) -> None:
    agreement = await trading.active_contract(market.database, of_zone=True, plan=YUAN)
    await trading.requested_contract(market.database, plan=YUAN)
    async with market.database.transaction() as session:
        for kind, until in ((QualificationKind.DATA_MERCHANT, None), (QualificationKind.DATA_MERCHANT, NOON)):
            holder = agreement.provider if until is None else agreement.buyer
            await participants.grant_qualification(
                session,
                AUTHORITY,
                participant_id=holder.id,
                kind=kind,
                granted_by="市大数据主管部门",
                granted_on=datetime(2024, 1, 1, tzinfo=UTC).date(),
                until_on=until.date() if until else None,
                now=moment(),
            )
        await suspend(session, (await admitted(session)).id)
        await zones.draft_zone(session, await admitted(session, ParticipantKind.ZONE_OPERATOR))
    overview = await market.read("overview")
    assert overview["open_zones"] == 1
    assert overview["admitted_enterprises"] == 4
    assert overview["data_merchants"] == 1, "a certificate that ends today is no longer good"
    assert (overview["operation_products"], overview["exchange_products"]) == (1, 1)
    assert overview["published_listings"] == 2
    assert overview["active_contracts"] == 1


async def test_what_was_traded_in_this_process_is_in_the_next_answer(
    fresh_database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "FRESH_MILLISECONDS", 600_000)
    deal = await trading.active_contract(fresh_database, plan=YUAN)
    app = create_app(settings, fresh_database, read_clock=lambda: NOON)
    visitor, buyer = client_of(app, None, NOON), client_of(app, deal.buyer_account, NOON)
    for trades in range(3):
        for _ in range(2):
            overview = (await visitor.get("/statistics/overview")).json()
            assert overview["turnover"]["trades"] == trades
        body = {"contract_id": str(deal.contract.id), "purpose": deal.purpose, "quantity": 1}
        assert (await buyer.post("/trades", json=body)).status_code == 201
    for client in (visitor, buyer):
        await client.aclose()


async def test_free_trades_and_refunds_are_no_turnover(market: Market) -> None:
    paid = await trading.active_contract(market.database, plan=YUAN)
    free = await trading.active_contract(market.database, plan=catalogue.FREE)
    sold = await trading.trade(market.database, paid, 50)
    await trading.trade(market.database, free, 7)
    await trading.refund(market.database, paid, sold.id, Fen(1200))
    turnover = (await market.read("overview"))["turnover"]
    assert turnover == {
        "trades": 1,
        "free_trades": 1,
        "gross_fen": 5000,
        "refunded_fen": 1200,
        "disputed_fen": 0,
        "net_fen": 3800,
    }


async def test_the_treasury_keeps_what_public_data_earned_and_gives_back_its_share(market: Market) -> None:
    agreement = await trading.active_contract(market.database, of_zone=True, plan=YUAN)
    sold = await trading.trade(market.database, agreement, 10_000)
    assert (await market.read("overview"))["treasury_income_fen"] == sold.split.supplying_fen > 0
    await trading.refund(market.database, agreement, sold.id)
    assert (await market.read("overview"))["treasury_income_fen"] == 0


async def test_new_year_begins_at_midnight_in_qingdao(market: Market, settings: Settings) -> None:
    agreement = await trading.active_contract(market.database, of_zone=True, plan=YUAN)
    await trading.trade(market.database, agreement, 3, at=LAST_HOUR_OF_2024)
    sold = await trading.trade(market.database, agreement, 5, at=FIRST_INSTANT_OF_2025)
    await trading.refund(market.database, agreement, sold.id, Fen(100), at=datetime(2026, 2, 1, tzinfo=UTC))
    years = {row["year"]: row["net_fen"] for row in (await market.read("overview"))["years"]}
    assert years == {2025: 400, 2024: 300}
    in_2028 = client_of(
        create_app(settings, market.database, read_clock=lambda: END_OF_2028), None, END_OF_2028
    )
    told = (await in_2028.get("/statistics/overview")).json()
    await in_2028.aclose()
    assert {row["year"]: row["growth_bps"] for row in told["years"]} == {2025: 3333, 2024: None}
    kept = {row["year"]: row["treasury_fen"] for row in told["years"]}
    assert kept[2024] > 0 < kept[2025]
    assert sum(kept.values()) >= told["treasury_income_fen"], "the refund of 2026 is of no year with trades"
    months = await market.read("turnover?by=month")
    assert [(row["key"], row["name_zh"], row["net_fen"]) for row in months["items"]] == [
        ("2025-01", "2025年1月", 400),
        ("2024-12", "2024年12月", 300),
    ]
    for year, net in ((2024, 300), (2025, 400), (2026, 0)):
        assert (await market.read(f"turnover?by=venue&year={year}"))["total"]["net_fen"] == net


async def test_every_grouping_adds_up_to_the_same_total(market: Market) -> None:
    for of_zone, quantity in ((True, 40), (False, 11)):
        agreement = await trading.active_contract(market.database, of_zone=of_zone, plan=YUAN)
        sold = await trading.trade(market.database, agreement, quantity)
        await trading.refund(market.database, agreement, sold.id, Fen(100))
    for by in Grouping:
        table = await market.read(f"turnover?by={by}&year=2024")
        assert table["total"]["net_fen"] == sum(row["net_fen"] for row in table["items"]) == 4900
        assert table["total"]["trades"] == sum(row["trades"] for row in table["items"]) == 2
        assert all(row["name_zh"] and row["name_en"] for row in table["items"])


async def test_own_data_stands_beside_the_zones(market: Market) -> None:
    zoned = await trading.active_contract(market.database, of_zone=True, plan=YUAN)
    own = await trading.active_contract(market.database, plan=YUAN)
    await trading.trade(market.database, zoned, 9)
    await trading.trade(market.database, own, 4)
    first, second = (await market.read("turnover?by=zone"))["items"]
    assert first["id"] == str(zoned.contract.zone_id)
    assert first["key"] is not None
    assert (second["key"], second["id"], second["name_zh"], second["name_en"]) == (
        None,
        None,
        "自有数据",
        "own data",
    )


async def test_categories_are_named_in_both_languages(market: Market) -> None:
    agreement = await trading.active_contract(market.database, plan=YUAN)
    await trading.trade(market.database, agreement)
    [row] = (await market.read("turnover?by=category"))["items"]
    assert (row["key"], row["name_zh"], row["name_en"]) == ("ocean", "海洋", "ocean")


async def test_equals_share_a_rank_and_the_next_is_left_out(market: Market) -> None:
    where = await venue(market)
    for quantity in (30, 20, 20, 10):
        agreement = await trading.active_contract(market.database, plan=YUAN, venue=where)
        await trading.trade(market.database, agreement, quantity)
    refunded = await trading.active_contract(market.database, plan=YUAN, venue=where)
    sold = await trading.trade(market.database, refunded, 90)
    await trading.refund(market.database, refunded, sold.id)
    table = (await market.read("league-table?year=2024"))["items"]
    assert [(row["rank"], row["net_fen"]) for row in table] == [(1, 3000), (2, 2000), (2, 2000), (4, 1000)]
    assert [row["uscc"] for row in table[1:3]] == sorted(row["uscc"] for row in table[1:3])
    shown = (await market.read("league-table?year=2024&limit=2"))["items"]
    assert [row["rank"] for row in shown] == [1, 2, 2], "nothing in the figures chooses between equals"
    assert (await market.read("league-table?year=2023"))["items"] == []


@pytest.mark.parametrize(
    "path",
    [
        "turnover",
        "turnover?by=buyer",
        "turnover?by=zone&year=1999",
        "league-table?limit=101",
        "league-table?year=x",
    ],
)
async def test_a_question_that_makes_no_sense_is_faulty(client_for: ClientFor, path: str) -> None:
    answer = await client_for(None).get(f"/statistics/{path}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "request.invalid"
