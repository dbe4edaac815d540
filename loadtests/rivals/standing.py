"""The tutorial's database, filled from the market's; then both sell the same, and must agree to the fen."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import asyncpg
import orjson

from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Connection, owner_connection
from datamarket.foundation.ids import new_id
from datamarket.trading.revenue.files import revenue_rules
from loadtests import wire
from loadtests.bench_works import API, Works, order
from loadtests.market import HOST
from tests.world.trading import Agreement

PARTS = ("amount_fen", "vat_fen", "venue_fee_fen", "provider_fen")
SAME_SALES = 100
QUANTITIES = (1, 2, 3, 7, 10, 99, 1_001)
_LISTING = """
SELECT id, product_code, name_zh, name_en, summary_zh, summary_en, category, price_fen, state, published_at FROM listing
"""
_CONTRACT = """
SELECT id, buyer_id, provider_id, venue_operator_id, to_json(purposes) AS purposes, price_fen, $1::text::numeric AS vat_rate,
       venue_fee_bps, term_from, term_to, quota, 0 AS used, state
  FROM contract
"""
_ACCOUNT = """
SELECT DISTINCT coalesce(owner_id, '00000000-0000-0000-0000-000000000000'::uuid) AS owner_id, kind, 0 AS debit_fen,
       CASE kind WHEN 'buyer_funds' THEN b.credit_fen ELSE 0 END AS credit_fen
  FROM ledger_account AS a JOIN ledger_balance AS b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
 WHERE kind IN ('buyer_funds', 'vat_payable', 'venue_fee', 'provider_income')
"""
_UNBALANCED = """
SELECT (SELECT count(*) FROM (SELECT entry_id FROM rivalleg GROUP BY entry_id HAVING sum(amount_fen) <> 0) AS entry)
     + (SELECT count(*) FROM rivalaccount AS a
          LEFT JOIN (SELECT owner_id, kind, sum(amount_fen) AS fen FROM rivalleg GROUP BY 1, 2) AS l USING (owner_id, kind)
         WHERE a.debit_fen - a.credit_fen + CASE kind WHEN 'buyer_funds' THEN $1::bigint ELSE 0 END <> coalesce(l.fen, 0))
     + (SELECT abs(count(*) - (SELECT count(*) FROM rivalanswer)) FROM rivaltrade)
"""


class RivalDiffers(Exception):
    """What is not the same work is no rival."""


async def fill(market_url: str, rival_url: str) -> None:
    """Every listing and contract, and the accounts that sales touch, with the buyers' money; the rest is empty."""
    vat = revenue_rules()[-1].vat_rate
    async with owner_connection(market_url) as market, owner_connection(rival_url) as rival:
        await _copy(rival, "rivallisting", await market.fetch(_LISTING))
        contracts = await market.fetch(_CONTRACT, str(vat.numerator / vat.denominator))
        await _copy(rival, "rivalcontract", contracts)
        await _copy(rival, "rivalaccount", await market.fetch(_ACCOUNT))
        await rival.execute("VACUUM ANALYZE")


async def _copy(to: Connection, table: str, rows: Sequence[asyncpg.Record]) -> None:
    await to.copy_records_to_table(table, records=map(tuple, rows), columns=list(rows[0].keys()))


async def sell_the_same(works: Works, rival_port: int, deals: Sequence[Agreement]) -> None:
    """Sales of many sizes through both. Raises RivalDiffers when a part of one differs by a fen."""
    ours, theirs = await wire.connect(HOST, works.port), await wire.connect(HOST, rival_port)
    for number in range(SAME_SALES):
        deal = deals[number % len(deals)]
        body = orjson.dumps(order(deal, QUANTITIES[number % len(QUANTITIES)]))
        key = {"Idempotency-Key": f"same-{new_id(read_clock()).hex}"}
        bearer = {"Authorization": works.bearer(deal.buyer_account)}
        here = await ours.ask(wire.request("POST", f"{API}/trades", key | bearer, body))
        there = await theirs.ask(wire.request("POST", "/trades", key, body))
        if (here.status, parts_of(here)) != (there.status, parts_of(there)):
            raise RivalDiffers(body, here.body, there.body)
        again = await theirs.ask(wire.request("POST", "/trades", key, body))
        if again.body != there.body:
            raise RivalDiffers(body, again.body, there.body)
    ours.close()
    theirs.close()


def parts_of(answer: wire.Answer) -> Mapping[str, int]:
    """What a sale was divided into, told flat or in a split."""
    told = orjson.loads(answer.body) if answer.status == HTTPStatus.CREATED else {}
    flat = told | told.get("split", {})
    return {name: flat.get(name) for name in PARTS}


async def books_of(url: str, deposit_fen: int) -> int:
    """Entries, balances and answers of the tutorial that do not add up: none, if it did the whole work."""
    async with owner_connection(url) as connection:
        return int(await connection.fetchval(_UNBALANCED, deposit_fen))
