"""A year of honest trade with schemes planted in it, the same for the same seed; written by sets, past the desks and the books.

One enterprise's sale goes through the real actions; the rest are copies of its rows. Detectors read no books.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

import asyncpg

from datamarket.foundation.clock import year_bounds
from datamarket.foundation.db import Database
from datamarket.subsidy.integrity.terms import Detector, Finding
from tests.world import declared, planted_claims, subsidy
from tests.world.subsidy import MARCH, YEAR
from tests.world.trading import LEDGER_ID

BEGIN, END = year_bounds(YEAR)
DAY = timedelta(days=1)
EACH = 4
"""Schemes of each kind."""
Members = frozenset[UUID]


@dataclass
class Year:
    """What is to be written: contracts as (seller, buyer), trades as (contract, fen, instant), refunds of trades."""

    random: Random
    enterprises: list[UUID]
    contracts: list[tuple[UUID, UUID]] = field(default_factory=list)
    trades: list[tuple[int, int, datetime]] = field(default_factory=list)
    refunds: list[tuple[int, int, datetime]] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)
    related: list[tuple[UUID, UUID]] = field(default_factory=list)
    claims: list[planted_claims.Claim] = field(default_factory=list)
    planted: dict[Detector, set[Members]] = field(default_factory=dict)

    def new_id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128))

    def sell(self, seller: UUID, buyer: UUID, *sales: tuple[int, datetime]) -> int:
        """Under a contract of their own; the number of the first trade."""
        self.contracts.append((seller, buyer))
        first = len(self.trades)
        self.trades += [(len(self.contracts) - 1, fen, at) for fen, at in sales]
        return first

    def some_day(self, first: int = 0, last: int = 300) -> datetime:
        return BEGIN + timedelta(days=first, seconds=self.random.randrange((last - first) * 86_400))


def honest_year(seed: int, enterprises: int, trades: int) -> Year:
    """Three customers a seller, prices over four powers of ten, a hundredth refunded, more sold towards the year's end."""
    random = Random(seed)
    year = Year(random, [])
    year.enterprises = [year.new_id() for _ in range(enterprises)]
    contracts = enterprises * 3
    for number in range(contracts):
        seller = year.enterprises[number % enterprises]
        buyer = random.choice(year.enterprises)
        if buyer == seller:
            continue
        price = int(10 ** random.uniform(2.5, 6.5))
        sales = [
            (price * random.randrange(1, 20), year.some_day(0, 366 if random.random() < 0.3 else 330))
            for _ in range(trades // contracts)
        ]
        first = year.sell(seller, buyer, *sales)
        for place, (fen, at) in enumerate(sales):
            if random.random() < 0.01:
                year.refunds.append(
                    (first + place, fen if random.random() < 0.5 else 1 + fen // 3, at + 20 * DAY)
                )
    return year


def plant(year: Year) -> None:
    """Some schemes of each kind, each by enterprises of its own; everyone else applies honestly."""
    random, left = year.random, iter(year.random.sample(year.enterprises, len(year.enterprises)))
    planted: dict[Detector, set[Members]] = {detector: set() for detector in Detector}

    def members(number: int, *kinds: Detector) -> list[UUID]:
        found = [next(left) for _ in range(number)]
        for kind in kinds:
            planted[kind].add(frozenset(found))
        return found

    for size in (2, 3, 4, 6):
        ring, fen, at = members(size, Detector.RING), random.randrange(3_000_000, 60_000_000), year.some_day()
        for place, seller in enumerate(ring):
            share = 1 - random.randrange(15) / 100
            year.sell(seller, ring[(place + 1) % size], (int(fen * share), at + place * 4 * DAY))
    for _ in range(EACH):
        one, other = members(2, Detector.PINGPONG)
        fen, at = random.randrange(100_000, 400_000), year.some_day()
        for seller, buyer in ((one, other), (other, one)):
            year.sell(seller, buyer, *[(fen, at + day * DAY) for day in (0, 2, 5)])

        seller, buyer = members(2, Detector.SPLIT)
        at, parts = year.some_day(), random.randrange(3, 9)
        year.sell(
            seller,
            buyer,
            *[(random.randrange(9_000_000, 10_000_000), at + n * DAY / 2) for n in range(parts)],
        )

        seller, buyer = members(2, Detector.BURST)
        sold = [
            (random.randrange(500_000_000, 900_000_000), END - random.randrange(1, 14) * DAY)
            for _ in range(3)
        ]
        first = year.sell(seller, buyer, *sold)
        year.refunds += [
            (first + n, fen, END + random.randrange(1, 80) * DAY) for n, (fen, _) in enumerate(sold[:2])
        ]

        parent, child = members(2, Detector.RELATED)
        year.related.append((parent, child))
        year.sell(child, parent, (random.randrange(100_000, 9_000_000), year.some_day()))

        seller, buyer = members(2, Detector.UNUSED)
        sold = [(random.randrange(300_000_000, 900_000_000), year.some_day()) for _ in range(3)]
        first = year.sell(seller, buyer, *sold)
        year.deliveries += range(first, first + len(sold))
    bought = planted_claims.bought_by(year.contracts, year.trades, year.refunds)
    for kind, schemes in (
        (Detector.CLAIMED_TWICE, planted_claims.twice(random, left)),
        (Detector.MISMATCH, planted_claims.mismatched(random, left, bought)),
    ):
        for who, claims in schemes:
            planted[kind].add(who)
            year.claims += claims
    year.claims += [planted_claims.honest(random, each, bought.get(each)) for each in left]
    year.planted = planted


class Judged(NamedTuple):
    """What was found of each kind, what was planted and not found, and the honest enterprises that were flagged."""

    found: dict[Detector, int]
    missed: dict[Detector, set[Members]]
    honest: set[UUID]


def judged(year: Year, findings: Sequence[Finding]) -> Judged:
    """Who takes part in a planted scheme is not honest, whatever they are found for."""
    by_detector: dict[Detector, set[Members]] = {detector: set() for detector in Detector}
    for finding in findings:
        by_detector[finding.detector].add(frozenset(finding.members))
    missed = {detector: members - by_detector[detector] for detector, members in year.planted.items()}
    dishonest = {member for kind in year.planted.values() for members in kind for member in members}
    flagged = {member for finding in findings for member in finding.members}
    return Judged(
        {detector: len(members) for detector, members in by_detector.items()},
        {detector: members for detector, members in missed.items() if members},
        flagged - dishonest,
    )


_TRADES = """
CREATE TEMP TABLE planned (id uuid, use_id uuid, contract_id uuid, fen bigint, at timestamptz)
"""
_SOLD = f"""
WITH used AS (
    INSERT INTO contract_use (id, contract_id, purpose, quantity, at, account_id, priced)
    SELECT use_id, contract_id, 'industrial_development', 1, at, use_id, true FROM planned)
INSERT INTO trade (id, ledger_id, contract_id, use_id, buyer_id, provider_id, venue_id, zone_id, product_id, category, quantity,
                   unit_price_fen, amount_fen, split, revenue_rule, occurred_at, recorded_at, refunded_fen, state, version)
SELECT s.id, {LEDGER_ID}, c.id, s.use_id, c.buyer_id, c.provider_id, c.venue_id, c.zone_id, c.product_id, c.category,
       1, s.fen, s.fen, '{{}}', 'qd-2024', s.at, s.at, 0, 'settled', 1
  FROM planned AS s JOIN contract AS c ON c.id = s.contract_id
"""  # noqa: S608 - a constant
_BACK = f"""
WITH back AS (
    INSERT INTO refund (id, ledger_id, trade_id, amount_fen, reason, refunded_at, account_id)
    SELECT gen_random_uuid(), {LEDGER_ID}, r.id, r.fen, '退款', r.at, r.id
      FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS r (id, fen, at) RETURNING trade_id, amount_fen)
UPDATE trade AS t SET refunded_fen = b.amount_fen FROM back AS b WHERE t.id = b.trade_id
"""  # noqa: S608
_ORDERS = f"""
INSERT INTO trade_order (id, ledger_id, contract_id, buyer_id, provider_id, purpose, quantity, unit_price_fen, amount_fen, deliver_by,
                         acceptance_days, state, hold_id, delivered_at, decide_by, decided_at, by_silence, accepted_quantity,
                         trade_id, placed_at, actor_id, version, reserved_quantity, cure_days, hidden_defect, cut_fen)
SELECT gen_random_uuid(), {LEDGER_ID}, contract_id, buyer_id, provider_id, 'industrial_development', 1, unit_price_fen, amount_fen,
       occurred_at, 7, 'accepted', gen_random_uuid(), occurred_at, occurred_at, occurred_at, false, 1, id,
       occurred_at - interval '5 days', id, 1, 0, 0, false, 0
  FROM trade WHERE id = ANY ($1)
"""  # noqa: S608


async def write(database: Database, year: Year) -> None:
    """The year's rows, with the triggers of turnover and without those that look a row's neighbours up."""
    on = await subsidy.stage(database)
    first, second = await subsidy.enterprise(database), await subsidy.enterprise(database)
    await subsidy.sells(on, first, 1, at=MARCH)
    await subsidy.controls(database, first, second, since=MARCH.date())
    case = await subsidy.case(database, first)
    await declared.submitted(
        database, first, case, 200_000_000, [await declared.invoice(database, first, 200_000_000)]
    )
    contract_ids, trade_ids = ([year.new_id() for _ in rows] for rows in (year.contracts, year.trades))
    participants = [
        {"id": str(each), "uscc": f"91370200P{n:09}", "name_zh": f"企业{n}"}
        for n, each in enumerate(year.enterprises)
    ]
    contracts = [
        {"id": str(each), "provider_id": str(seller), "buyer_id": str(buyer)}
        for each, (seller, buyer) in zip(contract_ids, year.contracts, strict=True)
    ]
    affiliations = [
        {"id": str(year.new_id()), "controller_id": str(parent), "controlled_id": str(child)}
        for parent, child in year.related
    ]
    link = await asyncpg.connect(database.url)
    try:
        await link.execute("SET session_replication_role = replica")
        for table, rows in (
            ("participant", participants),
            ("contract", contracts),
            ("affiliation", affiliations),
        ):
            await link.execute(planted_claims.COPY.format(table=table), json.dumps(rows))
        await link.execute(_TRADES)
        planned = [
            (each, year.new_id(), contract_ids[contract], fen, at)
            for each, (contract, fen, at) in zip(trade_ids, year.trades, strict=True)
        ]
        await link.copy_records_to_table("planned", records=planned)
        await link.execute("ALTER TABLE trade ENABLE ALWAYS TRIGGER trade_turnover")
        await link.execute("ALTER TABLE refund ENABLE ALWAYS TRIGGER refund_turnover")
        await link.execute(_SOLD)
        back = [(trade_ids[trade], fen, at) for trade, fen, at in year.refunds]
        await link.execute(_BACK, *map(list, zip(*back, strict=True)))
        await link.execute(_ORDERS, [trade_ids[trade] for trade in year.deliveries])
        await planted_claims.write(link, year.random, year.claims, contract_ids)
        await link.execute("ANALYZE")
    finally:
        await link.close()
