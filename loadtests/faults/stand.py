"""The stand of an experiment: an own cluster, a market in it, traders with money, and their tokens."""

import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import asyncpg

from datamarket.auth.terms import Actor
from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.foundation import checks
from datamarket.foundation.clock import read_clock
from datamarket.foundation.db import Database, owner_connection
from datamarket.foundation.settings import Settings
from datamarket.migrations.apply import create_database, migrate
from datamarket.server.checks import CHECKS
from loadtests.faults.cluster import Cluster, running_cluster
from loadtests.market import Market, market_in
from tests.world.exchange import Exchange, exchange

LISTINGS = 4
AS_SHIPPED: Mapping[str, str] = MappingProxyType({})
QUICK = ("I2", "I4")
HALF_TRADES = """
SELECT 'trade without entry ' || t.id FROM trade t WHERE t.ledger_id = $1 AND t.amount_fen > 0
   AND NOT EXISTS (SELECT FROM business_key k WHERE k.ledger_id = $1 AND k.source_type = 'trade' AND k.source_id = t.id)
UNION ALL
SELECT 'entry without trade ' || k.source_id FROM business_key k WHERE k.ledger_id = $1 AND k.source_type = 'trade'
   AND NOT EXISTS (SELECT FROM trade t WHERE t.id = k.source_id)
UNION ALL
SELECT 'priced use without trade ' || u.id FROM contract_use u
 WHERE u.priced AND NOT EXISTS (SELECT FROM trade t WHERE t.use_id = u.id)
UNION ALL
SELECT 'uses not as metered ' || m.contract_id FROM contract_meter m
 WHERE m.used <> (SELECT coalesce(sum(quantity), 0) FROM contract_use u WHERE u.contract_id = m.contract_id)
UNION ALL
SELECT 'key without answer ' || key FROM idempotency_key WHERE ledger_id = $1 AND status IS NULL
LIMIT 5
"""
"""A use is counted, and one that is priced has its trade."""


@dataclass(frozen=True)
class Trading:
    """One experiment's market, wherever its database is."""

    folder: Path
    url: str
    settings: Settings
    exchange: Exchange
    market: Market

    @property
    def ledger_id(self) -> int:
        return self.settings.ledger_id

    def bearer(self, actor: Actor, *, now: datetime) -> str:
        return f"Bearer {TokenKeeper(load_key(self.settings), self.settings).sign(actor, now=now)}"

    async def quick_breaches(self) -> list[str]:
        """The sums, and half a trade: cheap enough to be asked after every recovery."""
        connection = await asyncpg.connect(self.url)
        try:
            wanted = [check for check in CHECKS if check.id in QUICK]
            findings = await checks.run(connection, self.ledger_id, wanted)
            halves = await connection.fetch(HALF_TRADES, self.ledger_id)
        finally:
            await connection.close()
        return [breach for finding in findings for breach in finding.breaches] + [row[0] for row in halves]


@dataclass(frozen=True)
class Stand(Trading):
    """A market on a cluster of its own."""

    cluster: Cluster


@asynccontextmanager
async def stand(
    name: str, *, buyers: int = 4, server: Mapping[str, str] = AS_SHIPPED
) -> AsyncIterator[Stand]:
    """A market on an own cluster with these server settings, in a temporary folder; nothing of it stays."""
    with temporary(name) as folder, running_cluster(folder / "postgres", **dict(server)) as cluster:
        yield Stand(**vars(await trading_at(cluster.url, folder, buyers=buyers)), cluster=cluster)


async def trading_at(server_url: str, folder: Path, *, buyers: int = 4) -> Trading:
    """A market in a new database of this server."""
    url = await create_database(server_url, "market")
    await migrate(url)
    settings = Settings(
        var=folder, database_url=url, access_minutes=60, log_requests=False, demo_password=None
    )
    database = await Database(url, 4).open()
    try:
        trading = await exchange(database, listings=LISTINGS, buyers=buyers, now=read_clock())
    finally:
        await database.close()
    async with owner_connection(
        url
    ) as connection:  # it must outlive the first kill, also on a server that forgets
        await connection.execute("CHECKPOINT")
    market = market_in(folder, DATABASE_URL=url, DATAMARKET_ACCESS_MINUTES="60")
    return Trading(folder, url, settings, trading, market)


@contextmanager
def temporary(name: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix=f"datamarket-{name}-") as folder:
        yield Path(folder).resolve()


def tell(sentence: str) -> None:
    """Progress, for who waits."""
    print(f"[{time.strftime('%H:%M:%S')}] {sentence}", file=sys.stderr, flush=True)
