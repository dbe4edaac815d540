"""Statements of an account over HTTP."""

import csv
import io
from typing import Any

from tests.ledger.conftest import Desk
from tests.world import trading


async def test_a_statement_leads_from_the_opening_to_the_closing_balance_page_by_page(
    desk: Desk, deal: trading.Agreement
) -> None:
    await desk.moved(202403, "begin-closing", "close")
    buyer = desk.client(deal.buyer_account)
    funds = (await buyer.get("/ledger/accounts", params={"kind": "buyer_funds"})).json()["items"][0]
    path, spring = f"/ledger/accounts/{funds['id']}/statement", {"from": "2024-04-01", "to": "2024-06-30"}
    pages: list[dict[str, Any]] = []
    after = None
    while not pages or after:
        query = spring | {"limit": 2} | ({"after": after} if after else {})
        pages.append((await buyer.get(path, params=query)).json())
        after = pages[-1]["next"]
    assert [len(page["items"]) for page in pages] == [2, 2]
    balance = pages[0]["opening_fen"]
    assert balance == -3 * 3_000
    for page in pages:
        assert page["brought_forward_fen"] == balance
        for line in page["items"]:
            balance -= line["amount_fen"]
            assert line["balance_fen"] == balance
    assert balance == pages[-1]["closing_fen"] == funds["balance_fen"]
    file = await buyer.get(path, params=spring | {"format": "csv"})
    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert (len(rows), rows[1][-1]) == (1 + 1 + 4 + 1, "-90.00")
    assert rows[-1][-1] == f"{balance // 100}.{balance % 100:02d}"
    other = desk.client(deal.provider_account)
    assert (await other.get(path)).status_code == 404
    wrong = await buyer.get(path, params={"from": "2024-06-02", "to": "2024-06-01"})
    assert wrong.json()["code"] == "ledger.statement-range-invalid"
    assert (await buyer.get(path, params={"after": "WzEsMl0"})).json()["code"] == "page.cursor-invalid"
