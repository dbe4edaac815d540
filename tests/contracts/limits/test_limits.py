"""Limits of a use: what a contract limits and a use does not say is denied, and the desk decides as the pure rules do."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from datamarket.catalogue.products.terms import DeliveryForm
from datamarket.contracts import decision, metering, queries
from datamarket.contracts.limits.terms import LIMITS, Operands
from datamarket.contracts.queries import FrozenTermsReader
from datamarket.contracts.terms import Demand, Purpose, Use
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.trading.orders.terms import OrderEvent
from tests.conftest import ClientFor
from tests.world import orders, trading
from tests.world.people import NOON, moment
from tests.world.trading import Agreement

RECIPIENT, OTHER = UUID(int=7), UUID(int=8)
ANNEX: dict[str, Any] = {
    "forms": ["model", "report"],
    "territories": ["370200", "370102"],
    "recipient_ids": [str(RECIPIENT)],
    "onward_transfer": False,
}
SAID = {"form": "model", "territory": "370203", "recipient": str(RECIPIENT), "onward": False}
USE = {"purpose": "industrial_development"}
FORMS = (None, DeliveryForm.MODEL, DeliveryForm.DATASET)
PLACES = (None, "370203", "370102", "370100", "370000")
EVERY_USE = [
    (purpose, Operands(form, place, recipient, onward))
    for purpose in (Purpose.INDUSTRIAL_DEVELOPMENT, Purpose.RESEARCH)
    for form, place in product(FORMS, PLACES)
    for recipient, onward in product((None, RECIPIENT, OTHER), (None, False, True))
]
PERMITTED = Operands(DeliveryForm.MODEL, "370203", RECIPIENT, onward=False)


def expected(purpose: Purpose, said: Operands) -> str | None:
    """What decides, by a table of our own."""
    denied = [
        ("purpose-not-authorised", purpose is not Purpose.INDUSTRIAL_DEVELOPMENT),
        ("form-not-permitted", said.form != "model"),
        ("territory-not-permitted", said.territory not in {"370203", "370102"}),
        ("recipient-not-permitted", said.recipient != RECIPIENT),
        ("onward-not-permitted", said.onward is not False),
    ]
    return next((f"contract.{code}" for code, denies in denied if denies), None)


def demands(deal: Agreement, uses: Iterable[tuple[Purpose, Operands]] = EVERY_USE) -> list[Demand]:
    now = moment()
    return [Demand(deal.contract.id, deal.buyer.id, purpose, 1, now, operands=said) for purpose, said in uses]


async def recorded(
    database: Database,
    deal: Agreement,
    wanted: list[Demand],
    reader: FrozenTermsReader | None = None,
) -> list[Use | MarketError]:
    async with database.plain_transaction() as connection:
        pairs = [(deal.buyer_account, demand) for demand in wanted]
        return await metering.record_uses(connection, pairs, reader=reader, now=moment())


def codes(outcomes: Iterable[object]) -> list[str | None]:
    return [outcome.code if isinstance(outcome, MarketError) else None for outcome in outcomes]


async def test_the_pure_rules_and_the_meter_decide_every_use_alike(database: Database) -> None:
    deal = await trading.active_contract(database, funds=None, annex=ANNEX)
    wanted = demands(deal)
    async with database.connection() as connection:
        meters = await queries.meters(connection, [deal.contract.id])
    given = meters[deal.contract.id].authorisation
    pure = [decision.decide_use(given, demand)[1] for demand in wanted]
    table = [expected(purpose, said) for purpose, said in EVERY_USE]
    assert codes(pure) == table
    assert codes(await recorded(database, deal, wanted)) == table
    one_by_one = [(await recorded(database, deal, [demand]))[0] for demand in wanted[::17]]
    assert codes(one_by_one) == table[::17]
    async with database.connection() as connection:
        used = await connection.fetchval(
            "SELECT used FROM contract_meter WHERE contract_id = $1", deal.contract.id
        )
    assert used == table.count(None) + table[::17].count(None) > 0
    assert len(Counter(table)) == 6


@pytest.mark.parametrize("clause", list(ANNEX))
async def test_one_limit_alone_asks_for_nothing_else(database: Database, clause: str) -> None:
    deal = await trading.active_contract(database, funds=None, annex={clause: ANNEX[clause]})
    operand = dict(zip(ANNEX, Operands._fields, strict=True))[clause]
    silent, saying = Operands(), Operands(**{operand: getattr(PERMITTED, operand)})
    purpose = Purpose.INDUSTRIAL_DEVELOPMENT
    denied, allowed = await recorded(database, deal, demands(deal, [(purpose, silent), (purpose, saying)]))
    assert codes([denied, allowed]) == [f"contract.{operand}-not-permitted", None]


async def test_uses_say_their_operands_over_http_and_what_is_unknown_is_refused_by_the_shape(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, annex=ANNEX)
    buyer, path = client_for(deal.buyer_account), f"/contracts/{deal.contract.id}/uses"
    assert (await buyer.post(path, json=USE)).json()["code"] == "contract.form-not-permitted"
    assert (await buyer.post(path, json=USE | SAID)).status_code == 201
    batch = await buyer.post(
        f"{path}/batch", json={"items": [USE | SAID, USE | SAID | {"territory": "110000"}]}
    )
    assert [item["code"] for item in batch.json()["items"]] == [None, "contract.territory-not-permitted"]
    dry = (await buyer.post(f"{path}/dry-run", json=USE | SAID | {"onward": True})).json()
    assert (dry["rule"], dry["code"]) == ("onward", "contract.onward-not-permitted")
    for unknown in ({"colour": "red"}, {"form": "smoke"}, {"territory": "3702"}, {"recipient": "me"}):
        assert (await buyer.post(path, json=USE | SAID | unknown)).status_code == 422
    sold = {"contract_id": str(deal.contract.id), "quantity": 1} | USE
    refused = await buyer.post("/trades", json=sold)
    assert refused.json()["code"] == "contract.form-not-permitted"
    assert (await buyer.post("/trades", json=sold | SAID)).status_code == 201
    used = (await buyer.post(path, json=USE | SAID)).json()
    priced = {"contract_id": str(deal.contract.id), "use_id": used["id"]}
    assert (await buyer.post("/trades", json=priced | {"form": "model"})).status_code == 422
    assert (await buyer.post("/trades", json=priced)).status_code == 201


async def test_singles_at_once_are_decided_alike_and_neighbours_without_limits_pass(
    database: Database, client_for: ClientFor
) -> None:
    limited = await trading.active_contract(database, annex=ANNEX)
    free = await trading.active_contract(database)

    async def sold(deal: Agreement, said: dict[str, Any]) -> int:
        body = {"contract_id": str(deal.contract.id), "quantity": 1} | USE | said
        return (await client_for(deal.buyer_account).post("/trades", json=body)).status_code

    asked = [(limited, SAID), (limited, {}), (free, {}), (free, SAID)] * 5
    answers = await asyncio.gather(*(sold(*one) for one in asked))
    assert answers == [201, 409, 201, 201] * 5


async def test_an_amendment_holds_from_the_next_use_on_where_the_old_terms_are_remembered(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, funds=None)
    provider, buyer = client_for(deal.provider_account), client_for(deal.buyer_account)
    path = f"/contracts/{deal.contract.id}"
    assert (await buyer.post(f"{path}/uses", json=USE)).status_code == 201
    for annex, said, denied in (
        ({"forms": ["model"]}, {"form": "model"}, "contract.form-not-permitted"),
        ({"rate": {"units": 1, "per": "day"}}, {}, None),
        ({"notice_days": 3}, {}, None),
    ):
        offer = (await provider.post(f"{path}/offers", json={"annex": annex})).json()
        assert {one["clause"] for one in offer["differences"]} & {*annex}
        event = await buyer.post(f"{path}/offers/{offer['number']}/events", json={"event": "sign"})
        assert event.status_code == 200, event.text
        assert (await buyer.post(f"{path}/uses", json=USE)).json().get("code") == denied
        if denied:
            assert (await buyer.post(f"{path}/uses", json=USE | said)).status_code == 201


async def test_an_order_is_held_to_the_limits_when_it_is_placed(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, annex=ANNEX)
    buyer = client_for(deal.buyer_account)
    body = USE | {
        "contract_id": str(deal.contract.id),
        "quantity": 2,
        "deliver_by": (NOON + timedelta(days=3)).isoformat(),
        "acceptance_days": 3,
    }
    assert (await buyer.post("/orders", json=body)).json()["code"] == "contract.form-not-permitted"
    placed = await buyer.post("/orders", json=body | SAID)
    assert placed.status_code == 201, placed.text
    order = UUID(placed.json()["id"])
    await orders.moved(database, deal.provider_account, order, OrderEvent.DELIVER)
    accepted = await orders.moved(database, deal.buyer_account, order, OrderEvent.ACCEPT)
    assert accepted.state == "accepted"


@pytest.mark.parametrize(("per", "following"), [("hour", timedelta(hours=1)), ("day", timedelta(days=1))])
async def test_a_rate_counts_the_units_of_its_period_and_the_next_begins_anew(
    database: Database, per: str, following: timedelta
) -> None:
    deal = await trading.active_contract(database, funds=None, annex={"rate": {"units": 10, "per": per}})
    [wanted] = demands(deal, [(Purpose.INDUSTRIAL_DEVELOPMENT, Operands())])
    reader = FrozenTermsReader()
    batch = [wanted._replace(quantity=quantity) for quantity in (6, 5, 4, 1)]
    outcomes = await recorded(database, deal, batch, reader)
    assert codes(outcomes) == [None, "contract.rate-exceeded", None, "contract.rate-exceeded"]
    assert isinstance(outcomes[1], MarketError)
    assert outcomes[1].facts == {"units": 10, "used": 6, "asked": 5}
    later = wanted._replace(at=wanted.at + following, quantity=10)
    assert codes(await recorded(database, deal, [later], reader)) == [None]
    async with database.connection() as connection:
        meters = await queries.meters(connection, [deal.contract.id])
        given, _ = await metering.authorisations(connection, {0: later}, meters, now=later.at)
    assert given[0].in_period == 10
    rule, refusal = decision.decide_use(replace(given[0], in_period=0), later)
    assert (rule, refusal) == ("quota", None)


async def test_a_trade_is_held_to_the_rate_too(database: Database, client_for: ClientFor) -> None:
    deal = await trading.active_contract(database, annex={"rate": {"units": 3, "per": "hour"}})
    body = USE | {"contract_id": str(deal.contract.id), "quantity": 1}
    buyer = client_for(deal.buyer_account)
    answers = await asyncio.gather(*(buyer.post("/trades", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 3
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "contract.rate-exceeded"
    }
    dry = await buyer.post(f"/contracts/{deal.contract.id}/uses/dry-run", json=USE)
    assert dry.json()["rule"] == "rate"


def test_every_limit_has_a_clause_of_the_annex() -> None:
    from datamarket.contracts.kinds.shapes import AnnexIn  # noqa: PLC0415 - HTTP is asked here alone

    assert {*LIMITS} <= {*AnnexIn.model_fields}
    assert {*LIMITS} - {"rate"} == {*ANNEX}
