"""A participant's month over HTTP: it agrees with the ledger to the fen, and its files with it."""

import csv
import io
from collections import Counter
from typing import Any

from openpyxl import load_workbook

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.ledger.terms import AccountKind
from datamarket.trading.orders.terms import OrderEvent
from tests.conftest import Client, ClientFor
from tests.world import catalogue, orders, trading
from tests.world.participants import acting_for
from tests.world.people import actor
from tests.world.trading import Agreement

JUNE = 202406
NOT_NULL = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuer",
    "ListCost",
    "Provider",
    "Publisher",
    "ServiceCategory",
    "ServiceName",
]
"""What focus-validator 1.0.0 wants filled in; its other rules for FOCUS 1.0 are columns that are there, and words."""
REQUIRED = [
    "BillingAccountName",
    "ChargeClass",
    "ChargeDescription",
    "ChargeType",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountType",
    "CommitmentDiscountStatus",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "RegionId",
    "RegionName",
    "ResourceID",
    "ResourceName",
    "ResourceType",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
]


async def busy_month(database: Database) -> Agreement:
    """A use priced later, a trade with a refund, an order accepted in part, one that waits in escrow."""
    deal = await trading.active_contract(database, of_zone=True, plan=catalogue.PER_CALL)
    await trading.trade(database, deal, 4)
    await trading.refund(database, deal, (await trading.trade(database, deal, 3)).id, Fen(5_000))
    order = await orders.delivered(database, deal, 2)
    await orders.moved(database, deal.buyer_account, order.id, OrderEvent.ACCEPT, accepted_quantity=1)
    await orders.delivered(database, deal, 1)
    return deal


async def read_whole(client: Client, path: str, limit: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Every line, page by page."""
    query: dict[str, Any] = {"limit": limit}
    lines: list[dict[str, Any]] = []
    while True:
        page = (await client.get(path, params=query)).json()
        lines += page["items"]
        if page["next"] is None:
            return page, lines
        query["after"] = page["next"]


async def test_a_month_leads_from_opening_to_closing_line_by_line_with_the_ledger(
    database: Database, client_for: ClientFor
) -> None:
    deal = await busy_month(database)
    buyer, path = client_for(deal.buyer_account), f"/statements/{deal.buyer.id}/{JUNE}"
    whole, lines = await read_whole(buyer, path, 3)
    at_once = (await buyer.get(path)).json()["items"]
    assert lines == at_once
    moved: Counter[str] = Counter()
    for line in lines:
        moved[line["account_id"]] += line["amount_fen"]
    for account in whole["accounts"]:
        assert account["opening_fen"] + moved[account["account_id"]] == account["closing_fen"]
        held = (await buyer.get(f"/ledger/accounts/{account['account_id']}")).json()
        assert held["balance_fen"] == account["closing_fen"]
    [priced] = [line for line in lines if line["quantity"] == 4]
    assert (priced["unit_price_fen"], priced["gross_fen"], priced["amount_fen"]) == (3_000, 12_000, -12_000)
    trade = (await buyer.get(f"/trades/{priced['trade_id']}")).json()
    assert (trade["use_id"], trade["contract_id"]) == (priced["use_id"], priced["contract_id"])
    entry = (await buyer.get(f"/ledger/entries/{priced['entry_id']}")).json()
    assert entry["source_id"] == priced["trade_id"]
    [accepted] = [line for line in lines if line["kind"] == "settlement" and line["order_id"]]
    assert (accepted["quantity"], accepted["gross_fen"]) == (1, 3_000)


async def test_the_provider_sees_its_part_and_strangers_nothing(
    database: Database, client_for: ClientFor
) -> None:
    deal = await busy_month(database)
    provider, path = client_for(deal.provider_account), f"/statements/{deal.provider.id}/{JUNE}"
    whole, lines = await read_whole(provider, path, 50)
    [income] = whole["accounts"]
    assert income["kind"] == AccountKind.PROVIDER_INCOME
    assert income["opening_fen"] + sum(line["amount_fen"] for line in lines) == income["closing_fen"]
    assert all(line["amount_fen"] < line["gross_fen"] for line in lines if line["kind"] == "settlement")
    for stranger in (client_for(deal.buyer_account), client_for(acting_for(deal.buyer))):
        assert (await stranger.get(path)).status_code == 404
    operator = client_for(actor(Role.OPERATOR, organisation=deal.contract.operator_id))
    _, parts = await read_whole(operator, f"/statements/{deal.contract.operator_id}/{JUNE}", 50)
    assert parts
    assert {(part["gross_fen"], part["trade_id"]) for part in parts} == {(None, None)}


async def test_the_files_hold_the_same_and_focus_what_was_charged(
    database: Database, client_for: ClientFor
) -> None:
    deal = await busy_month(database)
    buyer, path = client_for(deal.buyer_account), f"/statements/{deal.buyer.id}/{JUNE}"
    _, lines = await read_whole(buyer, path, 50)
    table = await buyer.get(path, params={"format": "csv"})
    assert len(list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))) == 1 + len(lines)
    book = load_workbook(io.BytesIO((await buyer.get(path, params={"format": "xlsx"})).content))
    assert [sheet.max_row for sheet in book] == [2 + 2, 2 + len(lines)]
    focus = await buyer.get(path, params={"format": "focus"})
    charges = list(csv.DictReader(io.StringIO(focus.content.decode("utf-8-sig"))))
    assert {*NOT_NULL, *REQUIRED} <= charges[0].keys()
    assert all(charge[column] for charge in charges for column in NOT_NULL)
    assert {charge["ChargeClass"] for charge in charges} == {"", "Correction"}
    assert {charge["ChargeFrequency"] for charge in charges} == {"Usage-Based", "One-Time"}
    assert charges[0]["BillingPeriodStart"] == "2024-05-31T16:00:00Z"
    charged = [line for line in lines if line["kind"] in {"settlement", "refund"}]
    cost = sum(int(charge["BilledCost"].replace(".", "")) for charge in charges)
    assert cost == -sum(line["amount_fen"] for line in charged) > 0
