"""Deposits over HTTP."""

from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world.people import FINANCE, unique
from tests.world.trading import active_contract


async def test_money_goes_to_who_is_in_the_market_and_an_advice_is_entered_once(
    database: Database, client_for: ClientFor
) -> None:
    deal = await active_contract(database, funds=None)
    finance = client_for(FINANCE)
    advice = {"owner_id": str(deal.buyer.id), "amount_fen": 500, "reference": unique("advice")}
    nobody = await finance.post("/ledger/deposits", json=advice | {"owner_id": str(deal.contract.id)})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not-found")
    assert (await finance.post("/ledger/deposits", json=advice)).status_code == 201
    again = await finance.post("/ledger/deposits", json=advice)
    assert (again.status_code, again.json()["code"]) == (409, "ledger.already-posted")
